#include "pg/form.h"

#include <algorithm>

#include "base/check.h"
#include "base/trim.h"

namespace embedd::pg {
namespace {

constexpr std::string_view kBody = "$body$";

/// `sql` without its lines that have only a comment, and without white space at its ends. A comment behind
/// SQL would be sent, in each statement.
std::string without_comments(std::string_view name, std::string_view sql) {
  std::string out;
  while (!sql.empty()) {
    const std::size_t end = std::min(sql.find('\n'), sql.size());
    const std::string_view line = sql.substr(0, end);
    if (!trim(line).starts_with("--")) {
      CHECK(line.find("--") == std::string_view::npos, "{}: a comment that is not alone on its line", name);
      out.append(line).push_back('\n');
    }
    sql.remove_prefix(std::min(end + 1, sql.size()));
  }
  return std::string(trim(out));
}

/// The white space that begins the last line of `text`.
std::string indentation(std::string_view text) {
  const std::string_view line = text.substr(text.rfind('\n') + 1);
  return std::string(line.substr(0, std::min(line.find_first_not_of(' '), line.size())));
}

std::string indented(std::string_view text, const std::string& by) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += by;
  }
  return out;
}

}  // namespace

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

std::string fill_function(std::string_view form, const Words& words) {
  const std::size_t begin = form.find(kBody), end = form.rfind(kBody);
  CHECK(begin != std::string_view::npos && begin < end, "no body in {}", form);
  const std::string body = fill(form.substr(begin + kBody.size(), end - begin - kBody.size()), words);
  std::string quote(kBody);
  while (body.find(quote) != std::string::npos) quote.insert(1, "_");
  return fill(form.substr(0, begin), words) + quote + body + quote +
         fill(form.substr(end + kBody.size()), words);
}

Forms::Forms(std::span<const embedded::File> files) {
  for (const embedded::File& file : files)
    files_.emplace(file.name.substr(0, file.name.rfind('.')), without_comments(file.name, file.content));
}

std::string Forms::form(std::string_view name, const Words& parts) const {
  const auto part = parts.find(name);
  const auto found = files_.find(part == parts.end() ? name : std::string_view(part->second));
  CHECK(found != files_.end(), "no file {}.sql", name);
  std::string_view rest = found->second;
  std::string out;
  for (std::size_t open = rest.find("{>"); open != std::string_view::npos; open = rest.find("{>")) {
    out += rest.substr(0, open);
    const std::size_t close = rest.find('}', open);
    CHECK(close != std::string_view::npos, "an open placeholder in {}.sql", name);
    out += indented(form(rest.substr(open + 2, close - open - 2), parts), indentation(out));
    rest.remove_prefix(close + 1);
  }
  return out.append(rest);
}

}  // namespace embedd::pg
