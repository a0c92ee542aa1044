#include "text/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace embedd {
namespace {

using Part = Template::Part;

class Parser {
 public:
  Parser(std::string_view in, std::span<const std::string> columns) : in_(in), columns_(columns) {}

  Result<Template> run() {
    if (const std::size_t nul = in_.find('\0'); nul != std::string_view::npos)
      return wrong(nul, "a NUL character, which PostgreSQL cannot hold");
    while (at_ < in_.size()) {
      TRY(step());
    }
    flush();
    if (!open_.empty())
      return wrong(open_.back().at, fmt::format("{} without its {{/}}", open_.back().written));
    if (out_.values().empty())
      return fail(ErrorKind::invalid_argument,
                  "the template names no column; write for example '{title}\\n{body}'");
    return std::move(out_);
  }

 private:
  /// An optional part that has not ended.
  struct Open {
    std::size_t at;
    std::string_view written;  ///< {?title}
    Part part;
  };

  Result<void> step() {
    const char c = in_[at_];
    const char next = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if ((c == '{' || c == '}') && next == c) {
      constant(c, 2);
    } else if (c == '{') {
      return braces();
    } else if (c == '}') {
      return wrong(at_, "a } without its {; write }} for a brace");
    } else if (c == '\\' && (next == 'n' || next == 't' || next == '\\')) {
      constant(next == 'n' ? '\n' : next == 't' ? '\t' : '\\', 2);
    } else {
      constant(c, 1);
    }
    return {};
  }

  Result<void> braces() {
    const std::size_t open = at_++;
    if (auto name = existing_column()) {
      add({.kind = Part::Kind::value, .text = {}, .value = {std::move(*name), {}}, .parts = {}});
      return {};
    }
    const char sign = at_ < in_.size() ? in_[at_] : '\0';
    if (sign != '?' && sign != '/') {
      Part part;
      part.kind = Part::Kind::value;
      part.value = TRY(value(open));
      add(std::move(part));
      return {};
    }
    ++at_;
    if (sign == '?') return begin_part(open);
    return end_part(open);
  }

  /// The name in the braces, if the table has a column of exactly that name.
  std::optional<std::string> existing_column() {
    const std::size_t end = in_.find_first_of("{}\"", at_);
    if (end == std::string_view::npos || in_[end] != '}') return std::nullopt;
    const std::string_view name = in_.substr(at_, end - at_);
    if (std::ranges::find(columns_, name) == columns_.end()) return std::nullopt;
    at_ = end + 1;
    return std::string(name);
  }

  Result<void> begin_part(std::size_t open) {
    Part part;
    part.kind = Part::Kind::optional;
    part.value = TRY(value(open));
    if (open_.size() == kMaxTemplateDepth)
      return wrong(open, fmt::format("optional parts stand more than {} deep in each other; end one with "
                                     "{{/}} before",
                                     kMaxTemplateDepth));
    flush();
    open_.push_back({open, in_.substr(open, at_ - open), std::move(part)});
    return {};
  }

  Result<void> end_part(std::size_t open) {
    flush();
    if (open_.empty())
      return wrong(open, "an optional part that ends and did not begin; write {?title} before");
    if (at_ < in_.size() && in_[at_] == '}') {
      ++at_;
    } else {
      auto named = TRY(value(open));
      if (named != open_.back().part.value)
        return wrong(open, fmt::format("{} ends here; write {{/}}", open_.back().written));
    }
    if (open_.back().part.parts.empty())
      return wrong(open_.back().at, fmt::format("nothing between {} and its {{/}}", open_.back().written));
    Part part = std::move(open_.back().part);
    open_.pop_back();
    add(std::move(part));
    return {};
  }

  /// Reads name->key->key} of the braces that stand at `open`.
  Result<Template::Value> value(std::size_t open) {
    Template::Value out;
    out.column = TRY(word(open, "name"));
    if (out.column.empty())
      return wrong(open, in_[open + 1] == '?'
                             ? "no column name after the ?; write {?title}"
                             : "no column name between the braces; write {{}} for a pair of braces");
    while (in_.substr(at_).starts_with("->")) {
      at_ += 2;
      if (at_ < in_.size() && in_[at_] == '>')
        return wrong(open, "->> where -> is meant: what a key leads to is taken as text anyway");
      auto key = TRY(word(open, "key"));
      if (key.empty()) return wrong(open, "no key after the ->; write {column->key}");
      out.keys.push_back(std::move(key));
    }
    if (at_ >= in_.size() || in_[at_] != '}')
      return wrong(open, "no } after the quoted name; write {\"name\"}");
    ++at_;
    return out;
  }

  /// Reads a name or key, up to a `->` or a brace.
  Result<std::string> word(std::size_t open, std::string_view what) {
    std::string out;
    if (at_ < in_.size() && in_[at_] == '"') {
      if (!quoted(out)) return wrong(open, "a quoted name that does not end; write {\"name\"}");
      return out;
    }
    const std::size_t end = std::min(in_.find_first_of("{}\"", at_), in_.find("->", at_));
    if (end == std::string_view::npos || in_[end] == '{' || in_[end] == '"')
      return wrong(
          open, "a { without its }; write {{ for a brace, and {\"name\"} for a name with quotes or braces");
    out = in_.substr(at_, end - at_);
    at_ = end;
    if (!out.empty() && (out.front() == ' ' || out.back() == ' '))
      return wrong(open, fmt::format("blanks around the {}; write {{{}}}", what, trimmed(out)));
    return out;
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

  /// Adds `part`, after the constant that was read before the part.
  void add(Part part) {
    flush();
    std::vector<Part>& parts = open_.empty() ? out_.parts : open_.back().part.parts;
    parts.push_back(std::move(part));
  }

  void flush() {
    if (constant_.empty()) return;
    Part part;
    part.text = std::move(constant_);
    constant_.clear();
    add(std::move(part));
  }

  std::string_view in_;
  std::span<const std::string> columns_;
  std::size_t at_ = 0;
  std::string constant_;
  std::vector<Open> open_;  ///< innermost last
  Template out_;
};

void collect(const std::vector<Part>& parts, std::vector<Template::Value>& out) {
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::constant && std::ranges::find(out, part.value) == out.end())
      out.push_back(part.value);
    collect(part.parts, out);
  }
}

}  // namespace

std::vector<Template::Value> Template::values() const {
  std::vector<Value> out;
  collect(parts, out);
  return out;
}

std::vector<std::string> Template::columns() const {
  std::vector<std::string> out;
  for (Value& value : values())
    if (std::ranges::find(out, value.column) == out.end()) out.push_back(std::move(value.column));
  return out;
}

bool Template::has_optional_parts() const {
  return std::ranges::any_of(parts, [](const Part& part) { return part.kind == Part::Kind::optional; });
}

Result<Template> parse_template(std::string_view text, std::span<const std::string> columns) {
  return Parser(text, columns).run();
}

}  // namespace embedd
