#include "cli/toml_parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/utf8.h"

namespace embedd::cli {
namespace {

// toml++ 3.3 looks characters beyond ASCII up in a table with undefined holes, even where TOML allows them.
// So toml++ gets none of them: they are passed as `~XY`, and plain() turns them back.

std::string armoured(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && c != '~')
      out += c;
    else
      out += {'~', static_cast<char>('A' + byte / 16), static_cast<char>('A' + byte % 16)};
  }
  return out;
}

}  // namespace

std::string place(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}", file, source.begin.line);
}

std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 2 < text.size()) {
      out += static_cast<char>((text[i + 1] - 'A') * 16 + (text[i + 2] - 'A'));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<toml::table> parse_toml(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::size_t good = utf8::valid_prefix(text); good < text.size())
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}:{}: not UTF-8", file, 1 + std::ranges::count(text.substr(0, good), '\n')));
  toml::parse_result parsed = toml::parse(armoured(text));
  if (parsed) return std::move(parsed).table();
  const toml::parse_error& error = parsed.error();
  const bool letter = error.description().ends_with("'~'") && text.find('~') == std::string_view::npos;
  return fail(ErrorKind::invalid_argument,
              fmt::format("{}: {}", place(file, error.source()),
                          letter ? "letters beyond ASCII must be in quotes" : error.description()));
}

}  // namespace embedd::cli
