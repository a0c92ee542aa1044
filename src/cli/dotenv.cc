#include "cli/dotenv.h"

#include <fmt/format.h>

#include <algorithm>

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

/// The length of `${NAME}` or `${NAME:-value}` at the beginning of `text`; 0 if there is none.
std::size_t reference_length(std::string_view text) {
  if (!text.starts_with("${")) return 0;
  const std::size_t end = text.find_first_of("}\"'\n", 2);
  if (end == std::string_view::npos || text[end] != '}') return 0;
  const std::string_view inside = text.substr(2, end - 2);
  const std::size_t colon = inside.find(':');
  if (!is_name(inside.substr(0, colon))) return 0;
  if (colon != std::string_view::npos && !inside.substr(colon).starts_with(":-")) return 0;
  return end + 1;
}

/// An unquoted value ends at a `#` that follows a space.
std::string_view strip_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '#' && (i == 0 || is_space(text[i - 1]))) return text.substr(0, i);
  return text;
}

/// Walks over the text; a quoted value may span lines.
class Parser {
 public:
  using Lookup = std::function<std::optional<std::string>(const std::string& variable)>;

  Parser(std::string_view text, std::string_view file, const Lookup& environment)
      : text_(text), file_(file), environment_(environment) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Result<Dotenv> parse() {
    while (!text_.empty()) {
      ++line_;
      const std::string_view line = trim(text_.substr(0, text_.find('\n')));
      if (line.empty() || line.front() == '#') {
        next_line();
        continue;
      }
      const std::string_view name = name_of(line);
      if (!is_name(name)) {
        out_.ignored.push_back(line_);
        next_line();
        continue;
      }
      auto entry = TRY(parse_entry(name));
      out_.entries.push_back(std::move(entry));
    }
    return std::move(out_);
  }

 private:
  /// The name before the '='; empty if there is none.
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
      entry.value = expand(trim(strip_comment(text_.substr(0, text_.find('\n')))));
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
      if (const std::size_t length = quote == '"' ? reference_length(text_.substr(i)) : 0; length > 0) {
        value += value_of(text_.substr(i, length));
        i += length - 1;
        continue;
      }
      if (quote == '"' && c == '\\' && i + 1 < text_.size() && is_escape(text_[i + 1]))
        c = unescape(text_[++i]);
      value += c;
    }
    return false;
  }

  std::string expand(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      const std::size_t length = reference_length(text);
      out += length > 0 ? value_of(text.substr(0, length)) : std::string(1, text.front());
      text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
  }

  std::string value_of(std::string_view reference) {
    reference = reference.substr(2, reference.size() - 3);
    const std::size_t colon = reference.find(':');
    const std::string name(reference.substr(0, colon));
    std::optional<std::string> value = environment_(name);
    if (!value)
      for (const DotenvEntry& entry : out_.entries)
        if (entry.name == name) value = entry.value;
    if (colon != std::string_view::npos)
      return value && !value->empty() ? *value : std::string(reference.substr(colon + 2));
    if (!value) out_.unset.push_back(name);
    return value.value_or("");
  }

  void next_line() { text_.remove_prefix(std::min(text_.find('\n'), text_.size() - 1) + 1); }

  std::unexpected<Error> error(int line, std::string_view message) const {
    return fail(ErrorKind::invalid_argument, fmt::format("{}:{}: {}", file_, line, message));
  }

  std::string_view text_;
  std::string_view file_;
  const Lookup& environment_;
  Dotenv out_;
  int line_ = 0;
};

}  // namespace

Result<Dotenv> parse_dotenv(
    std::string_view text, std::string_view file,
    const std::function<std::optional<std::string>(const std::string& variable)>& environment) {
  return Parser(text, file, environment).parse();
}

}  // namespace embedd::cli
