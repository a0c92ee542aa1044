/// A worker's options, and its summary at the end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"
#include "core/prices.h"

namespace embedd {

struct WorkerOptions {
  Duration poll = seconds(5);
  Duration lease = seconds(60);
  Duration drain = seconds(30);       ///< how long a stopping worker waits for answers before it cancels them
  std::uint32_t max_in_flight = 64;   ///< requests, over all endpoints
  std::uint32_t batch_inputs = 2048;  ///< most inputs of one request; the endpoint may take fewer
  std::uint32_t claim_rows = 512;     ///< most jobs of one claim
  std::size_t claim_bytes = 2 * kMiB;      ///< most text of one claim
  std::size_t held_bytes = 16 * kMiB;      ///< texts, answers and vectors in memory (G10)
  std::size_t max_text_bytes = 16 * kMiB;  ///< of a text that is cut into chunks; a longer one is discarded
  int max_attempts = 5;                    ///< then a job is discarded
  double walk_share = 0.02;  ///< of the time, for walks that were due by the clock (core/walk_pace.h)
  bool once = false;         ///< return when nothing is due
  std::uint64_t seed = 1;    ///< of jitter and lease tokens
  Prices prices{};           ///< budgets in dollars count by these
};

struct WorkerSummary {
  std::uint64_t rows_embedded = 0;  ///< rows whose vectors were stored
  std::uint64_t rows_discarded = 0;
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;
  bool rows_remain = false;  ///< the last poll found jobs that wait, or dead letters
};

}  // namespace embedd
