#include "base/secret.h"

#include <cstring>

namespace embedd {

Secret::~Secret() {
  if (!value_.empty()) explicit_bzero(value_.data(), value_.size());
}

std::string redact(std::string text, const Secret& secret) {
  const std::string_view hidden = secret.reveal();
  if (hidden.empty()) return text;
  for (std::size_t at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at + 3))
    text.replace(at, hidden.size(), "***");
  return text;
}

}  // namespace embedd
