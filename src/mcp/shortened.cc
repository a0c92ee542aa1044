#include "mcp/shortened.h"

#include <fmt/format.h>

#include "text/utf8.h"

namespace embedd::mcp {

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  return fmt::format("{}… [cut: {} bytes in all]", text.substr(0, utf8::cut(text, most)), text.size());
}

}  // namespace embedd::mcp
