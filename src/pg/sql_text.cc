#include "pg/sql_text.h"

#include <fmt/format.h>

#include "base/check.h"

namespace embedd::pg {
namespace {

constexpr std::string_view kBlanks = R"(E' \t\n\r\f\v')";

std::string whole_text(const std::string& name) {
  return fmt::format("t.{}::text COLLATE \"C\"", quote_identifier(name));
}

std::string column_text(const std::string& name) {
  return fmt::format("\"left\"({}, {})", whole_text(name), kMaxTextCharacters);
}

/// Whether `text`, an expression made of column `name`, is blank or NULL. In a database of several bytes a
/// character, trimming walks through the whole text (4 µs for 1 kB); most texts show a letter at once.
std::string blank(const std::string& name, const std::string& text) {
  return fmt::format("coalesce(ltrim(\"left\"({}, 32), {}), '') = '' AND coalesce(ltrim({}, {}), '') = ''",
                     whole_text(name), kBlanks, text, kBlanks);
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string quote_qualified(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + '.' + quote_identifier(name);
}

std::string quote_literal(std::string_view text) {
  const bool escaped = text.find('\\') != std::string_view::npos;
  std::string out = escaped ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + '\'';
}

std::string array_literal(const std::vector<std::string>& elements) {
  std::string out = "{";
  for (const std::string& element : elements) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + '}';
}

std::string queue_table(VectorizerId id) { return fmt::format("embedd.queue_{}", id); }

std::string ledger_table(VectorizerId id) { return fmt::format("embedd.ledger_{}", id); }

std::string compile_empty(const Template& text) {
  std::string empty;
  for (const std::string& column : text.columns()) {
    if (!empty.empty()) empty += " AND ";
    empty += blank(column, column_text(column));
  }
  return empty;
}

/// Cutting counts characters, three times a column; a row whose bytes are few enough needs none of it.
std::string compile_text(const Template& text) {
  std::string empty, filled, cut;
  std::size_t constant_bytes = 0;
  std::string length;
  for (const std::string& column : text.columns()) {
    if (!empty.empty()) empty += " AND ";
    empty += blank(column, whole_text(column));
  }
  for (const Template::Part& part : text.parts) {
    if (!filled.empty()) {
      filled += " || ";
      cut += " || ";
    }
    if (part.is_column)
      length += fmt::format("coalesce(octet_length({}), 0) + ", whole_text(part.text));
    else
      constant_bytes += part.text.size();
    filled +=
        part.is_column ? fmt::format("coalesce({}, '')", whole_text(part.text)) : quote_literal(part.text);
    cut +=
        part.is_column ? fmt::format("coalesce({}, '')", column_text(part.text)) : quote_literal(part.text);
  }
  return fmt::format(
      "CASE WHEN {} <= {} THEN CASE WHEN {} THEN NULL ELSE {} END WHEN {} THEN NULL ELSE \"left\"({}, {}) "
      "END",
      length + std::to_string(constant_bytes), kMaxTextCharacters, empty, filled, compile_empty(text), cut,
      kMaxTextCharacters);
}

std::string compile_key_json(const std::vector<std::string>& columns, const std::vector<std::string>& types) {
  CHECK(columns.size() == types.size(), "{} key columns, {} types", columns.size(), types.size());
  const std::string pairs = join_each(columns.size(), ", ", [&](std::size_t i) {
    // A timestamptz would be shown in the session's time zone, and a bytea in its output form.
    const std::string& type = types[i - 1];
    std::string value = fmt::format("q.k{}", i);
    if (type.starts_with("timestamp") && type.ends_with("with time zone")) {
      value =
          fmt::format("pg_catalog.to_char(q.k{} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", i);
    } else if (type == "bytea") {
      value = fmt::format("'\\x' || pg_catalog.encode(q.k{}, 'hex')", i);
    }
    return fmt::format("{}, {}", quote_literal(columns[i - 1]), value);
  });
  return fmt::format("pg_catalog.jsonb_build_object({})", pairs);
}

}  // namespace embedd::pg
