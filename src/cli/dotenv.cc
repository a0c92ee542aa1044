#include "cli/dotenv.h"

#include <fmt/format.h>

namespace embedd::cli {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name)
    if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
      return false;
  return true;
}

char unescape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

bool is_escape(char c) { return c == 'n' || c == 'r' || c == 't' || c == '"' || c == '\\' || c == '$'; }

/// An unquoted value ends at a `#` that follows a space.
std::string_view strip_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '#' && (i == 0 || is_space(text[i - 1]))) return text.substr(0, i);
  return text;
}

/// Walks the text; a quoted value may span lines.
class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : text_(text), file_(file) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Result<Dotenv> parse() {
    Dotenv out;
    while (!text_.empty()) {
      ++line_;
      const std::string_view line = trim(text_.substr(0, text_.find('\n')));
      if (line.empty() || line.front() == '#') {
        next_line();
        continue;
      }
      const std::string_view name = name_of(line);
      if (!is_name(name)) {
        out.ignored.push_back(line_);
        next_line();
        continue;
      }
      auto entry = parse_entry(name);
      if (!entry) return std::unexpected(entry.error());
      out.entries.push_back(std::move(*entry));
    }
    return out;
  }

 private:
  /// What stands before the '='; empty if there is none.
  static std::string_view name_of(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return "";
    std::string_view name = trim(line.substr(0, equals));
    if (name.starts_with("export") && name.size() > 6 && is_space(name[6])) name = trim(name.substr(6));
    return name;
  }

  Result<DotenvEntry> parse_entry(std::string_view name) {
    const int start = line_;
    text_.remove_prefix(text_.find('=') + 1);
    while (!text_.empty() && is_space(text_.front())) text_.remove_prefix(1);
    DotenvEntry entry{std::string(name), {}, start};
    if (!text_.empty() && (text_.front() == '"' || text_.front() == '\'')) {
      if (!take_quoted(entry.value)) return error(start, fmt::format("{}: the quote is never closed", name));
      const std::string_view rest = trim(text_.substr(0, text_.find('\n')));
      if (!rest.empty() && rest.front() != '#')
        return error(line_, fmt::format("{}: unexpected text after the closing quote", name));
    } else {
      entry.value = trim(strip_comment(text_.substr(0, text_.find('\n'))));
    }
    next_line();
    return entry;
  }

  /// Reads past the closing quote; false if there is none.
  bool take_quoted(std::string& value) {
    const char quote = text_.front();
    for (std::size_t i = 1; i < text_.size(); ++i) {
      char c = text_[i];
      if (c == quote) {
        text_.remove_prefix(i + 1);
        return true;
      }
      if (c == '\n') ++line_;
      if (quote == '"' && c == '\\' && i + 1 < text_.size() && is_escape(text_[i + 1]))
        c = unescape(text_[++i]);
      value += c;
    }
    return false;
  }

  void next_line() { text_.remove_prefix(std::min(text_.find('\n'), text_.size() - 1) + 1); }

  std::unexpected<Error> error(int line, std::string_view message) const {
    return fail(ErrorKind::invalid_argument, fmt::format("{}:{}: {}", file_, line, message));
  }

  std::string_view text_;
  std::string_view file_;
  int line_ = 0;
};

}  // namespace

Result<Dotenv> parse_dotenv(std::string_view text, std::string_view file) {
  return Parser(text, file).parse();
}

}  // namespace embedd::cli
