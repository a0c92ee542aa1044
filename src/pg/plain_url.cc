#include "pg/plain_url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/trim.h"

namespace embedd::pg {

namespace {

/// Removes the quotes that a shell would have removed, but `docker run --env-file` leaves.
std::string_view unquote(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || text.front() != text.back()) return text;
  if (text.front() != '"' && text.front() != '\'') return text;
  return trim(text.substr(1, text.size() - 2));
}

/// Removes the scheme and "://" from `url`; false if the scheme does not mean PostgreSQL.
bool take_scheme(std::string_view& url) {
  constexpr std::string_view kBetween = "://";
  const std::size_t end = url.find(kBetween);
  if (end == std::string_view::npos) return false;
  std::string_view scheme = url.substr(0, end);
  if (scheme.starts_with("jdbc:")) scheme.remove_prefix(5);
  scheme = scheme.substr(0, scheme.find('+'));
  constexpr std::string_view kNames[] = {"postgresql", "postgres", "psql", "pgsql", "postgis"};
  if (std::ranges::find(kNames, scheme) == std::end(kNames)) return false;
  url.remove_prefix(end + kBetween.size());
  return true;
}

/// The keywords and the variables that libpq knows.
struct LibpqNames {
  std::set<std::string, std::less<>> keywords, variables;
};

const LibpqNames& libpq_names() {
  static const auto names = [] {
    LibpqNames out;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconndefaults(),
                                                                                 PQconninfoFree);
    for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr;
         ++option) {
      out.keywords.insert(option->keyword);
      if (option->envvar != nullptr) out.variables.insert(option->envvar);
    }
    return out;
  }();
  return names;
}

/// `parameter` as libpq writes it, if another tool's parameter means the same.
std::string_view in_libpqs_words(std::string_view parameter) {
  struct Word {
    std::string_view others, libpqs;
  };
  // asyncpg and Node call it `ssl`; `true` is libpq's own short form of require.
  constexpr Word kWords[] = {
      {"ssl=disable", "sslmode=disable"},     {"ssl=false", "sslmode=disable"},
      {"ssl=allow", "sslmode=allow"},         {"ssl=prefer", "sslmode=prefer"},
      {"ssl=require", "sslmode=require"},     {"ssl=true", "sslmode=require"},
      {"ssl=verify-ca", "sslmode=verify-ca"}, {"ssl=verify-full", "sslmode=verify-full"},
      {"ssl=no-verify", "sslmode=require"},   {"sslmode=no-verify", "sslmode=require"},
  };
  for (const Word& word : kWords)
    if (word.others == parameter) return word.libpqs;
  return parameter;
}

bool is_name(std::string_view name) {
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return !name.empty() && name.find_first_not_of(kCharacters) == std::string_view::npos;
}

/// Keeps the parameters that libpq knows; names of the others go to `out.ignored`.
void take_parameters(std::string_view query, PlainUrl& out) {
  char before = '?';
  for (bool more = true; more;) {
    const std::size_t end = query.find('&');
    more = end != std::string_view::npos;
    const std::string_view parameter = in_libpqs_words(query.substr(0, end));
    if (more) query.remove_prefix(end + 1);
    const std::string_view name = parameter.substr(0, parameter.find('='));
    if (name.size() < parameter.size() && is_name(name) && !libpq_names().keywords.contains(name)) {
      out.ignored.emplace_back(name);
      continue;
    }
    if (parameter.empty()) continue;
    out.text += before;
    out.text += parameter;
    before = '&';
  }
}

}  // namespace

PlainUrl plain_url(std::string_view url) {
  url = unquote(url);
  std::string_view rest = url;
  if (!take_scheme(rest)) return {std::string(url), {}, false};
  // Look for parameters behind the end of the user's part, as libpq sees it: a '?' in a password begins no
  // parameter.
  std::size_t user = rest.find_first_of("@/");
  if (user == std::string_view::npos || rest[user] == '/') user = 0;
  const std::size_t query = rest.find('?', user);
  PlainUrl out{"postgresql://" + std::string(rest.substr(0, query)), {}, false};
  if (query == std::string_view::npos) return out;
  take_parameters(rest.substr(query + 1), out);
  out.ambiguous = !out.ignored.empty() && rest.find('@', query) != std::string_view::npos;
  return out;
}

bool is_libpq_variable(std::string_view name) { return libpq_names().variables.contains(name); }

std::string refusal_reason(std::string_view message) {
  message = trim(message);
  // libpq puts one character of syntax in quotes of its own. The text that it quotes may contain quotes, too.
  constexpr std::string_view kSyntax = "=]:/";
  std::string out;
  while (!message.empty()) {
    const std::size_t quote = std::min(message.find('"'), message.size());
    out += message.substr(0, quote);
    message.remove_prefix(quote);
    if (message.size() > 2 && message[2] == '"' && kSyntax.contains(message[1])) {
      out += message.substr(0, 3);
      message.remove_prefix(3);
    } else if (!message.empty()) {
      out += "\"...\"";
      message.remove_prefix(message.rfind('"') + 1);
    }
  }
  return out;
}

}  // namespace embedd::pg
