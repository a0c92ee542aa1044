#include "serve/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace embedd::serve {
namespace {

/// Takes as long wherever the two differ.
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

/// The tokens of `text`, with blanks between them.
Result<std::vector<Secret>> split(const Secret& text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<Secret> out;
  std::string_view left = text.reveal();
  while (true) {
    const std::size_t begin = left.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return out;
    left.remove_prefix(begin);
    const std::string_view token = left.substr(0, left.find_first_of(kBlanks));
    if (token.size() < Tokens::kLeast)
      return fail(ErrorKind::invalid_argument, fmt::format("a token has fewer than {} characters, and could "
                                                           "be guessed; make one with: openssl rand -hex 32",
                                                           Tokens::kLeast));
    out.emplace_back(std::string(token));
    left.remove_prefix(token.size());
  }
}

}  // namespace

bool Rights::may_use(std::string_view vectorizer) const {
  return vectorizers.empty() || std::ranges::find(vectorizers, vectorizer) != vectorizers.end();
}

std::string Rights::read_only() const {
  if (!write) return "this token may not add traces: set write = true in its table [token.NAME]";
  if (filter) return "a token with a filter may not add traces, which the filter might not select";
  return "";
}

Result<Tokens> Tokens::parse(const Secret& text) {
  Tokens out;
  for (Secret& secret : TRY(split(text))) TRY(out.add(secret, {.write = true, .dead_letters = true}));
  return out;
}

Result<void> Tokens::add(const Secret& text, Rights rights) {
  auto secrets = TRY(split(text));
  if (secrets.empty()) return fail(ErrorKind::invalid_argument, "there is no token");
  for (Secret& secret : secrets) {
    for (const Token& token : tokens_)
      if (token.secret == secret && token.client != rights_.size())
        return fail(ErrorKind::invalid_argument,
                    "a token is there twice, so that it would not be clear what it allows");
    tokens_.push_back({std::move(secret), rights_.size()});
  }
  rights_.push_back(std::move(rights));
  return {};
}

std::optional<std::size_t> Tokens::find(std::string_view authorization, std::string_view api_key) const {
  if (authorization.empty()) return client_of(api_key);
  const std::size_t blank = authorization.find(' ');
  if (blank == std::string_view::npos || !is_bearer(authorization.substr(0, blank))) return std::nullopt;
  std::string_view shown = authorization.substr(blank + 1);
  while (shown.starts_with(' ')) shown.remove_prefix(1);
  return client_of(shown);
}

std::optional<std::size_t> Tokens::client_of(std::string_view shown) const {
  std::optional<std::size_t> found;
  for (const Token& token : tokens_)
    if (same(shown, token.secret.reveal())) found = token.client;
  return found;
}

}  // namespace embedd::serve
