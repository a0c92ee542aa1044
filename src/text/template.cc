#include "text/template.h"

#include <fmt/format.h>

#include <algorithm>

namespace embedd {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view in) : in_(in) {}

  Result<Template> run() {
    if (const std::size_t nul = in_.find('\0'); nul != std::string_view::npos)
      return wrong(nul, "a NUL character, which PostgreSQL cannot hold");
    while (at_ < in_.size()) {
      TRY(step());
    }
    flush();
    if (out_.columns().empty())
      return fail(ErrorKind::invalid_argument,
                  "the template names no column; write for example '{title}\\n{body}'");
    return std::move(out_);
  }

 private:
  Result<void> step() {
    const char c = in_[at_];
    const char next = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if ((c == '{' || c == '}') && next == c) {
      constant(c, 2);
    } else if (c == '{') {
      return column();
    } else if (c == '}') {
      return wrong(at_, "a } without its {; write }} for a brace");
    } else if (c == '\\' && (next == 'n' || next == 't' || next == '\\')) {
      constant(next == 'n' ? '\n' : next == 't' ? '\t' : '\\', 2);
    } else {
      constant(c, 1);
    }
    return {};
  }

  Result<void> column() {
    const std::size_t open = at_++;
    std::string name;
    if (at_ < in_.size() && in_[at_] == '"') {
      if (!quoted(name)) return wrong(open, "a quoted name that does not end; write {\"name\"}");
      if (at_ >= in_.size() || in_[at_] != '}')
        return wrong(open, "no } after the quoted name; write {\"name\"}");
    } else {
      const std::size_t end = in_.find_first_of("{}\"", at_);
      if (end == std::string_view::npos || in_[end] != '}')
        return wrong(
            open, "a { without its }; write {{ for a brace, and {\"name\"} for a name with quotes or braces");
      name = in_.substr(at_, end - at_);
      at_ = end;
      if (!name.empty() && (name.front() == ' ' || name.back() == ' '))
        return wrong(open, fmt::format("blanks around the name; write {{{}}}", trimmed(name)));
    }
    if (name.empty())
      return wrong(open, "no column name between the braces; write {{}} for a pair of braces");
    ++at_;
    flush();
    out_.parts.push_back({true, std::move(name)});
    return {};
  }

  /// Reads "name" with doubled quotes; false if it does not end.
  bool quoted(std::string& name) {
    for (++at_; at_ < in_.size(); ++at_) {
      if (in_[at_] != '"') {
        name += in_[at_];
      } else if (at_ + 1 < in_.size() && in_[at_ + 1] == '"') {
        name += in_[at_++];
      } else {
        ++at_;
        return true;
      }
    }
    return false;
  }

  static std::string trimmed(const std::string& name) {
    const std::size_t begin = name.find_first_not_of(' ');
    if (begin == std::string::npos) return "name";
    return name.substr(begin, name.find_last_not_of(' ') - begin + 1);
  }

  static std::unexpected<Error> wrong(std::size_t at, std::string_view what) {
    return fail(ErrorKind::invalid_argument, fmt::format("template, character {}: {}", at + 1, what));
  }

  void constant(char c, std::size_t consumed) {
    constant_ += c;
    at_ += consumed;
  }

  void flush() {
    if (!constant_.empty()) out_.parts.push_back({false, std::move(constant_)});
    constant_.clear();
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string constant_;
  Template out_;
};

}  // namespace

std::vector<std::string> Template::columns() const {
  std::vector<std::string> out;
  for (const Part& part : parts)
    if (part.is_column && std::find(out.begin(), out.end(), part.text) == out.end()) out.push_back(part.text);
  return out;
}

Result<Template> parse_template(std::string_view text) { return Parser(text).run(); }

}  // namespace embedd
