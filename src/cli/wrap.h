/// Prose of a command on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace embedd::cli {

/// One line as lines of at most `width` bytes, broken at spaces, the further ones indented by two. A word
/// that is longer stays whole.
std::string wrapped(std::string_view line, std::size_t width);

}  // namespace embedd::cli
