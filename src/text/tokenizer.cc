#include "text/tokenizer.h"

#include "text/utf8.h"

namespace embedd {

std::size_t ByteBound::prefix_bytes(std::string_view text, std::size_t max_tokens) const {
  const std::string_view valid = text.substr(0, utf8::valid_prefix(text));
  return utf8::cut(valid, max_tokens);
}

}  // namespace embedd
