#include "pg/form.h"

#include <algorithm>

#include "base/check.h"
#include "base/trim.h"

namespace embedd::pg {

std::string fill(std::string_view form, const std::function<std::string(std::string_view)>& word) {
  std::string out;
  for (;;) {
    const std::size_t open = form.find('{');
    out += form.substr(0, open);
    if (open == std::string_view::npos) return out;
    const std::size_t close = form.find('}', open);
    CHECK(close != std::string_view::npos, "an open placeholder in {}", form);
    out += word(form.substr(open + 1, close - open - 1));
    form.remove_prefix(close + 1);
  }
}

std::string fill(std::string_view form, const Words& words) {
  return fill(form, [&words](std::string_view name) {
    const auto found = words.find(name);
    CHECK(found != words.end(), "no placeholder {}", name);
    return found->second;
  });
}

std::string without_comments(std::string_view sql) {
  std::string out;
  while (!sql.empty()) {
    const std::size_t end = std::min(sql.find('\n'), sql.size());
    const std::string_view line = sql.substr(0, end);
    if (!trim(line).starts_with("--")) out.append(line).push_back('\n');
    sql.remove_prefix(std::min(end + 1, sql.size()));
  }
  return std::string(trim(out));
}

}  // namespace embedd::pg
