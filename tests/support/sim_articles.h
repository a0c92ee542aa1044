/// Texts of rows that are cut into chunks, at each "|", and how users edit them.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"

namespace embedd::sim {

class Articles {
 public:
  explicit Articles(Random& chance) : chance_(chance) {}

  /// The next text of a row that has this one: edited, or another one. `unique`: a chunk is never in two
  /// rows, and none that has left its row comes back, so that each chunk has to be bought once.
  std::string next(const std::string& former, bool unique);

 private:
  std::string some_chunk(bool unique);
  std::vector<std::string> some_chunks(bool unique);
  void edit(std::vector<std::string>& chunks, bool unique);
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(chance_.below(bound)); }

  Random& chance_;
  std::uint64_t chunks_ = 0;
};

}  // namespace embedd::sim
