/// Templates: they say which text of a row is embedded, such as `{title}\n{body}`.
///
///   {title}                         the column
///   {meta->author->name}            the value at these keys in a column of type jsonb or json
///   {?title}Title: {title}\n{/}     an optional part, left out where the column is NULL or blank
///
/// Optional parts consist of text, columns and other optional parts; `{/title}` ends one as `{/}` does. A
/// text with optional parts loses the blanks at its beginning and end, so that a separator may stand between
/// two parts.
///
/// A column's name is written exactly as in the catalog: `{Mixed Case}` needs no quotes. A name or key is
/// written in double quotes, with each quote in it doubled, if it has a brace, a quote or `->`, begins or
/// ends with a blank, or begins with `?` or `/`: `{"a}""b"}`. Where the table has a column `a->b`, `{a->b}`
/// is that column. `{{` and `}}` are braces. `\n`, `\t` and `\\` are a newline, a tab and a backslash (a
/// shell does not change them). Any other backslash stands for itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd {

struct Template {
  /// A value that is read from the row.
  struct Value {
    std::string column;
    std::vector<std::string> keys;  ///< to be followed in a column of type jsonb or json; else empty
    bool operator==(const Value&) const = default;
  };
  struct Part {
    enum class Kind : std::uint8_t { constant, value, optional };
    Kind kind = Kind::constant;
    std::string text;         ///< of a constant; not empty
    Value value;              ///< what is written; of an optional part, what must be there
    std::vector<Part> parts;  ///< of an optional part; not empty
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;  ///< neighbouring constants are joined

  /// Each value once, in order of first use. Never empty after parse_template.
  [[nodiscard]] std::vector<Value> values() const;
  /// Names of the columns, each once, in order of first use.
  [[nodiscard]] std::vector<std::string> columns() const;
  [[nodiscard]] bool has_optional_parts() const;
  bool operator==(const Template&) const = default;
};

/// How deep optional parts may stand in each other.
inline constexpr std::size_t kMaxTemplateDepth = 3;

/// `columns`: those of the table. Error: invalid_argument, which names the position and says what to write
/// instead.
Result<Template> parse_template(std::string_view text, std::span<const std::string> columns = {});

}  // namespace embedd
