/// The candidate a person probably meant, for "did you mean" in errors.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace embedd {

/// Insertions, deletions and substitutions that turn `a` into `b` (Levenshtein), ASCII case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate closest to `word`, or nothing if no candidate is close enough to be a typing error.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

/// " Did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace embedd
