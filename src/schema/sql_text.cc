#include "schema/sql_text.h"

#include <fmt/format.h>

#include "base/check.h"
#include "pg/quoting.h"

namespace embedd::schema {
namespace {

constexpr std::string_view kBlanks = R"(E' \t\n\r\f\v')";

/// Every function and operator is qualified, because a settlement runs under the path of the worker's role.
class TextColumns {
 public:
  explicit TextColumns(const std::set<std::string>& foreign) : foreign_(foreign) {}

  [[nodiscard]] std::string whole(const std::string& name) const {
    const std::string value = "t." + pg::quote_identifier(name);
    return fmt::format("{} COLLATE pg_catalog.\"C\"", foreign_.contains(name)
                                                          ? fmt::format("pg_catalog.format('%s', {})", value)
                                                          : value + "::pg_catalog.text");
  }

  [[nodiscard]] std::string cut(const std::string& name) const {
    return fmt::format("pg_catalog.\"left\"({}, {})", whole(name), kMaxTextCharacters);
  }

  /// Whether `text`, an expression of column `name`, is blank or NULL. In a database with characters of
  /// several bytes, trimming reads the whole text (4 µs for 1 kB); most texts show a letter early.
  [[nodiscard]] std::string blank(const std::string& name, const std::string& text) const {
    const auto trimmed = [](const std::string& value) {
      return fmt::format("coalesce(pg_catalog.ltrim({}, {}), '') OPERATOR(pg_catalog.=) ''", value, kBlanks);
    };
    return trimmed(fmt::format("pg_catalog.\"left\"({}, 32)", whole(name))) + " AND " + trimmed(text);
  }

 private:
  const std::set<std::string>& foreign_;
};

std::string joined(const std::string& before, const std::string& next) {
  return before.empty() ? next : fmt::format("{} OPERATOR(pg_catalog.||) {}", before, next);
}

}  // namespace

std::string same_key(std::string_view alias, const std::vector<std::string>& key) {
  return pg::join_each(key.size(), " AND ", [&](std::size_t i) {
    return fmt::format("{}.k{} OPERATOR(pg_catalog.=) t.{}", alias, i, pg::quote_identifier(key[i - 1]));
  });
}

std::string queue_table(VectorizerId id) { return fmt::format("embedd.queue_{}", id); }

std::string ledger_table(VectorizerId id) { return fmt::format("embedd.ledger_{}", id); }

std::string vector_hash_sql(std::string_view type, std::string_view vector) {
  return fmt::format(
      "pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256({0}_send(({1})::{0})), 'hex') COLLATE "
      "pg_catalog.\"C\", "
      "0)",
      type, vector);  // for a domain, too: no function that somebody defined for the domain
}

/// Cutting counts characters, three times a column; a row whose bytes are few enough needs none of it.
std::string compile_text(const Template& text, const std::set<std::string>& foreign) {
  const TextColumns columns(foreign);
  std::string empty, empty_cut, filled, cut, length;
  std::size_t constant_bytes = 0;
  for (const std::string& column : text.columns()) {
    const std::string_view conjunction = empty.empty() ? "" : " AND ";
    empty += std::string(conjunction) + columns.blank(column, columns.whole(column));
    empty_cut += std::string(conjunction) + columns.blank(column, columns.cut(column));
  }
  for (const Template::Part& part : text.parts) {
    if (!part.is_column) {
      constant_bytes += part.text.size();
      const std::string constant = pg::quote_literal(part.text) + "::pg_catalog.text";
      filled = joined(filled, constant);
      cut = joined(cut, constant);
      continue;
    }
    length += fmt::format("coalesce(pg_catalog.octet_length({}), 0) OPERATOR(pg_catalog.+) ",
                          columns.whole(part.text));
    filled = joined(filled, fmt::format("coalesce({}, '')", columns.whole(part.text)));
    cut = joined(cut, fmt::format("coalesce({}, '')", columns.cut(part.text)));
  }
  return fmt::format(
      "CASE WHEN ({}) OPERATOR(pg_catalog.<=) {} THEN CASE WHEN {} THEN NULL ELSE {} END WHEN {} THEN NULL "
      "ELSE pg_catalog.\"left\"({}, {}) END",
      length + std::to_string(constant_bytes), kMaxTextCharacters, empty, filled, empty_cut, cut,
      kMaxTextCharacters);
}

std::string compile_key_json(const std::vector<std::string>& columns, const std::vector<std::string>& types,
                             const std::set<std::string>& foreign) {
  CHECK(columns.size() == types.size(), "{} key columns, {} types", columns.size(), types.size());
  const std::string pairs = pg::join_each(columns.size(), ", ", [&](std::size_t i) {
    // A timestamptz would appear in the session's time zone, and a bytea in its output format.
    const std::string& type = types[i - 1];
    std::string value = fmt::format("q.k{}", i);
    if (type.starts_with("timestamp") && type.ends_with("with time zone")) {
      value =
          fmt::format("pg_catalog.to_char(q.k{} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", i);
    } else if (type == "bytea") {
      value = fmt::format("'\\x' || pg_catalog.encode(q.k{}, 'hex')", i);
    } else if (foreign.contains(columns[i - 1])) {
      value = fmt::format("pg_catalog.format('%s', q.k{})", i);
    }
    return fmt::format("{}, {}", pg::quote_literal(columns[i - 1]), value);
  });
  return fmt::format("pg_catalog.jsonb_build_object({})", pairs);
}

}  // namespace embedd::schema
