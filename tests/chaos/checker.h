/// The judge of a chaos run: its own SQL, its own computation of every vector; it asks embedd nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace embedd::chaos {

struct Findings {
  std::uint64_t rows = 0;
  std::uint64_t vectors = 0;
  std::uint64_t chunks = 0;   ///< of a store, each with its own vector
  std::uint64_t dead = 0;     ///< poison, as it should be
  std::uint64_t lost = 0;     ///< text, but neither vector nor dead letter
  std::uint64_t wrong = 0;    ///< the vector is not that of the row's text
  std::uint64_t stale = 0;    ///< no text, but a vector
  std::uint64_t orphans = 0;  ///< jobs, proofs or dead letters of rows that do not exist, or left over
  std::uint64_t blamed = 0;   ///< dead letters of rows that did no wrong
  std::vector<std::string> examples;

  [[nodiscard]] bool clean() const { return lost + wrong + stale + orphans + blamed == 0; }
};

/// Checks the tables of traffic.h, and the stores of `books`, after the changes of owner.h.
Findings check(pg::Connection& db);

}  // namespace embedd::chaos
