/// Templates: they say which text of a row is embedded, such as `{title}\n{body}`.
///
/// `{name}` stands for a column, with its name exactly as in the catalog: `{Mixed Case}` needs no quotes. A
/// name that has a brace or a quote, or that begins or ends with a blank, is written in double quotes, and a
/// quote in the name is doubled: `{"a}""b"}`. `{{` and `}}` are braces. `\n`, `\t` and `\\` are a newline, a
/// tab and a backslash (a shell does not change them). Any other backslash stands for itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd {

struct Template {
  struct Part {
    bool is_column = false;
    std::string text;  ///< a column's name, or constant text
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;  ///< neighbouring constants are joined; no part is empty

  /// Names of the columns, each once, in order of first use. Never empty after parse_template.
  [[nodiscard]] std::vector<std::string> columns() const;
  bool operator==(const Template&) const = default;
};

/// Error: invalid_argument, which names the position and says what to write instead.
Result<Template> parse_template(std::string_view text);

}  // namespace embedd
