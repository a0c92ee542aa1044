#include "core/text_limit.h"

#include <algorithm>

namespace embedd {

namespace {

/// The tokens of a refused text that probably fit: fewer than it has.
std::size_t fitting(std::size_t tokens, const NamedLimits& named, bool exact) {
  const std::size_t limit = named.text_tokens;
  if (limit == 0) return tokens / 2;
  if (named.found_tokens <= limit) return exact ? limit : std::max(tokens / 2, limit);
  const auto share = static_cast<std::size_t>(static_cast<double>(tokens) * static_cast<double>(limit) /
                                              static_cast<double>(named.found_tokens));
  return exact ? std::min(share, limit) : share - share / 16;
}

}  // namespace

void TextLimit::refused(std::size_t tokens, const NamedLimits& named, bool exact) {
  if (tokens > 0) at_most(std::min(fitting(tokens, named, exact), tokens - 1));
}

void TextLimit::at_most(std::size_t tokens) { most_ = std::min(most_, std::max(tokens, kLeast)); }

}  // namespace embedd
