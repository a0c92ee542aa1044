#include "core/silent_cut.h"

#include <algorithm>

namespace embedd {

bool SilentCut::asks_alone(std::size_t bytes) {
  if (silent_ || found_ || bytes < kLongBytes) return false;
  if (bytes > longest_asked_ + longest_asked_ / 8) {
    longest_asked_ = bytes;
    return true;
  }
  if (texts_ < 2 || most_ < kLeastTokens || bytes < shortest_ || further_ == 0) return false;
  --further_;
  return true;
}

std::optional<SilentCut::Found> SilentCut::answered(std::size_t inputs, std::size_t bytes,
                                                    std::uint64_t tokens, std::size_t most_tokens) {
  silent_ = tokens == 0;
  if (silent_ || inputs == 0) return std::nullopt;
  // At least one of several texts has this many tokens.
  if (inputs > 1) tokens = (tokens + inputs - 1) / inputs;
  if (tokens > most_) {
    most_ = tokens;
    texts_ = 0;
    further_ = kFurther;
  }
  if (inputs > 1 || tokens < most_) return std::nullopt;
  shortest_ = texts_ == 0 ? bytes : std::min(shortest_, bytes);
  longest_ = texts_ == 0 ? bytes : std::max(longest_, bytes);
  ++texts_;
  if (found_ || texts_ < kTexts || most_ < kLeastTokens || most_ + kMargin >= most_tokens)
    return std::nullopt;
  if (longest_ < 2 * shortest_ && longest_ < kMostBytesPerToken * most_) return std::nullopt;
  found_ = true;
  return Found{.tokens = most_, .bytes = shortest_};
}

}  // namespace embedd
