/// Wraps a command's prose for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace embedd::cli {

/// Breaks one line at spaces into lines of at most `width` bytes, and indents all but the first by two. A
/// longer word is not broken.
std::string wrapped(std::string_view line, std::size_t width);

}  // namespace embedd::cli
