#include "search/read_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pg/quoting.h"
#include "search/filter_sql.h"
#include "search/statement.h"

namespace embedd::search {
namespace {

constexpr int kShortestPiece = 20;

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
  return !column.foreign && std::ranges::find(kPlain, column.type_name) != std::end(kPlain);
}

/// Locks the table, so that its owner can no longer change a column's type, and checks the types.
Result<void> hold_types(pg::Connection& db, const Subject& subject) {
  TRY(db.exec("BEGIN READ ONLY"));
  TRY(db.exec(settings_statement(subject, {}, seconds(10))));
  TRY(db.exec(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", subject.source.quoted())));
  std::string same = "true";
  for (const schema::SourceColumn& column : subject.source.columns)
    same += fmt::format(" AND embedd.exactly(t.{}, NULL::{})", pg::quote_identifier(column.name),
                        column.own_type);
  const auto checked =
      db.exec(fmt::format("SELECT FROM {} t WHERE false AND {}", subject.source.quoted(), same));
  if (checked) return {};
  return fail(ErrorKind::unavailable, "the table's columns have just changed; try again");
}

/// Adds a column to the row, and to the list of texts that go on.
void add_column(const schema::SourceColumn& column, const std::string& from, const std::string& most,
                std::string& row, std::string& goes_on) {
  const std::string value = "t." + pg::quote_identifier(column.name);
  const std::string name = pg::quote_literal(column.name) + "::pg_catalog.text";
  if (is_plain(column)) {
    row += fmt::format(" || pg_catalog.jsonb_build_object({}, {})", name, value);
    return;
  }
  // format() calls the type's output function; a cast may call any function of the type's owner.
  const std::string text =
      fmt::format("CASE WHEN {0} IS NOT NULL THEN pg_catalog.format('%s', {0}) END", value);
  row += fmt::format(
      " || CASE WHEN {2} = 1 OR pg_catalog.length({1}) >= {2} THEN "
      "pg_catalog.jsonb_build_object({0}, pg_catalog.substr({1}, {2}, {3})) ELSE '{{}}' END",
      name, text, from, most);
  goes_on += fmt::format(
      " || CASE WHEN pg_catalog.length({1}) >= {2} + {3} THEN pg_catalog.jsonb_build_object({0}, "
      "pg_catalog.length({1})) ELSE '{{}}' END",
      name, text, from, most);
}

/// Reads the row, with at most `most` characters of each long value.
Result<Row> read_pieces(pg::Connection& db, const Subject& subject, const RowRequest& request, int most) {
  Binder binder;
  std::string where = TRY(filter_sql(*request.key, subject.source, binder));
  if (request.mandatory)
    where += TRY(mandatory_sql(*request.mandatory, subject.source, subject.info.name, binder));
  const std::string first = binder.bind(std::to_string(request.from + 1)) + "::pg_catalog.int4";
  const std::string length = binder.bind(std::to_string(most)) + "::pg_catalog.int4";
  std::string row = "'{}'::pg_catalog.jsonb", goes_on = row;
  for (const schema::SourceColumn& column : subject.source.columns)
    if (!is_hidden(column)) add_column(column, first, length, row, goes_on);
  const auto rows = db.exec(
      fmt::format(
          "SELECT pg_catalog.jsonb_strip_nulls({})::pg_catalog.text, nullif({}, '{{}}')::pg_catalog.text "
          "FROM {} t WHERE {} LIMIT 1",
          row, goes_on, subject.source.quoted(), where),
      std::move(binder).take());
  if (!rows && db.last_sqlstate().starts_with("22"))
    return fail(ErrorKind::invalid_argument, "key: a value does not fit the type of its column");
  if (!rows) return std::unexpected(rows.error());
  Row out{.most = most};
  if (rows->empty()) return out;
  out.json = rows->text(0, 0);
  out.goes_on = rows->maybe(0, 1).value_or("");
  return out;
}

}  // namespace

Result<Row> read_row(pg::Connection& db, const Subject& subject, const RowRequest& request) {
  TRY(check_key(*request.key, subject.info.key_columns));
  TRY(hold_types(db, subject));
  for (int most = request.most; most >= kShortestPiece; most /= 2) {
    auto row = TRY(read_pieces(db, subject, request, most));
    if (row.json.size() + row.goes_on.size() <= request.bytes) return row;
  }
  return fail(ErrorKind::too_large, "the row has too many columns for one answer");
}

}  // namespace embedd::search
