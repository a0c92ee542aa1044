#include "serve/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace embedd::serve {
namespace {

/// `text` with + as a blank and %41 as A.
Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2 || byte == 0)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: a percent sign must begin a byte such as %20", text));
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

Result<std::map<std::string, std::string>> query_of(std::string_view target) {
  std::map<std::string, std::string> out;
  const std::size_t begin = target.find('?');
  if (begin == std::string_view::npos) return out;
  std::string_view rest = target.substr(begin + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = TRY(decoded(pair.substr(0, equals)));
    auto value = TRY(decoded(pair.substr(std::min(equals + 1, pair.size()))));
    if (!out.emplace(name, std::move(value)).second)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: is there twice", name));
  }
  return out;
}

}  // namespace embedd::serve
