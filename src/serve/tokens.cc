#include "serve/tokens.h"

#include <fmt/format.h>

namespace embedd::serve {
namespace {

/// Reads all of `shown`, whatever is different.
bool same(std::string_view shown, std::string_view token) {
  std::size_t difference = shown.size() ^ token.size();
  for (std::size_t i = 0; i < shown.size(); ++i)
    difference |= static_cast<unsigned char>(shown[i]) ^ static_cast<unsigned char>(token[i % token.size()]);
  return difference == 0;
}

bool is_bearer(std::string_view scheme) {
  constexpr std::string_view kBearer = "bearer";
  if (scheme.size() != kBearer.size()) return false;
  for (std::size_t i = 0; i < kBearer.size(); ++i)
    if ((scheme[i] | 0x20) != kBearer[i]) return false;
  return true;
}

}  // namespace

Result<Tokens> Tokens::parse(const Secret& text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  Tokens out;
  std::string_view left = text.reveal();
  while (true) {
    const std::size_t begin = left.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return out;
    left.remove_prefix(begin);
    const std::string_view token = left.substr(0, left.find_first_of(kBlanks));
    if (token.size() < kLeast)
      return fail(ErrorKind::invalid_argument, fmt::format("a token has fewer than {} characters, and could "
                                                           "be guessed; make one with: openssl rand -hex 32",
                                                           kLeast));
    out.tokens_.emplace_back(std::string(token));
    left.remove_prefix(token.size());
  }
}

std::optional<std::size_t> Tokens::find(std::string_view authorization) const {
  const std::size_t blank = authorization.find(' ');
  if (blank == std::string_view::npos || !is_bearer(authorization.substr(0, blank))) return std::nullopt;
  std::string_view shown = authorization.substr(blank + 1);
  while (shown.starts_with(' ')) shown.remove_prefix(1);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (same(shown, tokens_[i].reveal())) found = i;
  return found;
}

}  // namespace embedd::serve
