/// Texts that are cut so that an answer keeps within its bytes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace embedd::mcp {

/// `text`, valid UTF-8; of a longer one `most` bytes, and how many there are.
std::string shortened(std::string_view text, std::size_t most);

}  // namespace embedd::mcp
