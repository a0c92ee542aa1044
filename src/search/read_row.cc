#include "search/read_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pg/quoting.h"
#include "search/filter_sql.h"

namespace embedd::search {
namespace {

/// Values of these types are useless to a reader, and long.
bool is_hidden(const schema::SourceColumn& column) {
  constexpr std::string_view kHidden[] = {"vector", "halfvec", "sparsevec", "bit",
                                          "varbit", "bytea",   "tsvector"};
  return std::ranges::find(kHidden, column.type_name) != std::end(kHidden);
}

bool is_plain(const schema::SourceColumn& column) {
  constexpr std::string_view kPlain[] = {"bool",    "int2",   "int4",    "int8",
                                         "float4",  "float8", "boolean", "smallint",
                                         "integer", "bigint", "real",    "double precision"};
  return std::ranges::find(kPlain, column.type_name) != std::end(kPlain);
}

}  // namespace

Result<std::string> read_row(pg::Connection& db, const Subject& subject, const RowRequest& request) {
  Binder binder;
  const std::string where = TRY(filter_sql(*request.key, subject.source, binder));
  const std::string from = binder.bind(std::to_string(request.from + 1)) + "::int";
  const std::string most = binder.bind(std::to_string(request.most)) + "::int";
  std::string row, cut;
  for (const schema::SourceColumn& column : subject.source.columns) {
    if (is_hidden(column)) continue;
    const std::string value = "t." + pg::quote_identifier(column.name), name = pg::quote_literal(column.name);
    if (is_plain(column)) {
      row += fmt::format(" || pg_catalog.jsonb_build_object({}, {})", name, value);
      continue;
    }
    row += fmt::format(" || pg_catalog.jsonb_build_object({}, pg_catalog.substr({}::text, {}, {}))", name,
                       value, from, most);
    cut += fmt::format(
        ", {}, CASE WHEN pg_catalog.length({}::text) > {} - 1 + {} THEN pg_catalog.length({}::text) END",
        name, value, from, most, value);
  }
  if (!cut.empty())
    row += fmt::format(
        " || coalesce(pg_catalog.jsonb_build_object('embedd_cut', (SELECT pg_catalog.jsonb_object_agg(c.key, "
        "c.value) "
        "FROM pg_catalog.jsonb_each(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object({}))) c)), "
        "'{{}}')",
        cut.substr(2));
  const std::string sql = fmt::format(
      "SELECT pg_catalog.jsonb_strip_nulls('{{}}'::pg_catalog.jsonb{})::text FROM {} t WHERE {} LIMIT 1", row,
      subject.source.quoted(), where);
  const auto rows = db.exec(sql, std::move(binder).take());
  if (!rows && db.last_sqlstate().starts_with("22"))
    return fail(ErrorKind::invalid_argument, "key: a value does not fit the type of its column");
  if (!rows) return std::unexpected(rows.error());
  return rows->empty() ? std::string() : rows->text(0, 0);
}

}  // namespace embedd::search
