#include "pg/source_table.h"

#include <fmt/format.h>

#include "base/nearest.h"
#include "pg/sql_text.h"

namespace embedd::pg {
namespace {

const char* const kDescribe = R"(
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
       EXISTS (SELECT FROM pg_catalog.pg_trigger g
               WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
                 AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0 AND g.tgtype & 16 <> 0),
       EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
       (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid) FROM pg_catalog.pg_inherits i
        WHERE i.inhparent = c.oid AND c.relkind = 'r')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid)";

/// Domains are followed down to their base type, whose modifier then counts.
const char* const kColumns = R"(
WITH RECURSIVE base (attnum, type, modifier) AS (
  SELECT attnum, atttypid, atttypmod FROM pg_catalog.pg_attribute
  WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type
  WHERE t.typtype = 'd')
SELECT a.attname, pg_catalog.format_type(b.type, b.modifier), t.typname, t.typcategory, b.modifier,
       (SELECT pg_catalog.format('%I.%I', n.nspname, c.collname)
        FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.oid = a.attcollation),
       a.attnotnull, a.attgenerated <> ''
FROM base b
JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
ORDER BY a.attnum)";

const char* const kPrimaryKey = R"(
SELECT array_agg(a.attname::text ORDER BY k.position)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1::oid AND i.indisprimary AND k.position <= i.indnkeyatts)";

const char* const kFilter = R"(
SELECT pg_catalog.pg_get_expr(c.conbin, c.conrelid),
       (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)),
       COALESCE(0 >= ANY (c.conkey), false)
FROM pg_catalog.pg_constraint c
WHERE c.conrelid = 'pg_temp.embedd_filter_table'::regclass AND c.contype = 'c')";

/// Runs `body` under another search_path; an empty one makes PostgreSQL write every name out with its schema.
template <typename Body>
auto qualified(Connection& db, Body&& body, const std::string& path = "") -> decltype(body()) {
  const std::string set = "SELECT pg_catalog.set_config('search_path', $1, true)";
  auto before = db.exec("SELECT pg_catalog.current_setting('search_path')");
  if (!before) return std::unexpected(before.error());
  if (auto emptied = db.exec(set, {path}); !emptied) return std::unexpected(emptied.error());
  auto result = body();
  if (!result) return result;
  if (auto restored = db.exec(set, {before->text(0, 0)}); !restored) return std::unexpected(restored.error());
  return result;
}

/// The names of tables that the session can see, for suggestions.
Result<std::string> suggest_table(Connection& db, const std::string& table) {
  auto rows = db.exec(
      "SELECT DISTINCT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN "
      "pg_catalog.quote_ident(c.relname) "
      "ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'embedd') "
      "AND n.nspname !~ '^pg_(toast|temp)' LIMIT 1000");
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string_view> names;
  for (int i = 0; i < rows->size(); ++i) names.push_back(rows->view(i, 0));
  const std::string quoted = quote_identifier(table);
  for (const std::string_view name : names)
    if (name == quoted) return fmt::format(" Did you mean '{}', with its quotes?", name);
  return did_you_mean(table, names);
}

Result<std::uint32_t> resolve(Connection& db, const std::string& table) {
  auto found = db.exec("SELECT to_regclass($1)::oid", {table});
  if (!found)
    return fail(ErrorKind::invalid_argument,
                fmt::format("'{}' is not a table's name: {}", table, found.error().message));
  if (found->is_null(0, 0)) {
    auto suggestion = suggest_table(db, table);
    if (!suggestion) return std::unexpected(suggestion.error());
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("there is no table {} that this role can see.{} Name it as in SQL: schema.table, with "
                    "double quotes around upper case",
                    table, *suggestion));
  }
  return static_cast<std::uint32_t>(found->integer(0, 0));
}

/// `fail` as invalid_argument if the statement itself is at fault, unchanged if the connection is.
std::unexpected<Error> blame_filter(const Connection& db, const std::string& where, const Error& error) {
  if (db.last_sqlstate().empty() || error.kind == ErrorKind::unavailable || error.kind == ErrorKind::conflict)
    return std::unexpected(error);
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("--where '{}' must be a condition on the row's own columns: {}", where, error.message));
}

/// With a second table in FROM, PostgreSQL writes every column out as t."name".
Result<std::string> qualify_filter(Connection& db, const std::string& expression) {
  constexpr std::string_view kBegin = " SELECT ";
  constexpr std::string_view kEnd = " AS embedd_filter\n   FROM ";
  auto made =
      db.exec(fmt::format("CREATE TEMP VIEW embedd_filter_view AS SELECT ({}) AS embedd_filter FROM "
                          "pg_temp.embedd_filter_table t CROSS JOIN (VALUES (1)) AS embedd_one (embedd_one)",
                          expression));
  if (!made) return std::unexpected(made.error());
  auto rows = db.exec("SELECT pg_catalog.pg_get_viewdef('pg_temp.embedd_filter_view'::regclass)");
  if (!rows) return std::unexpected(rows.error());
  const std::string_view text = rows->view(0, 0);
  const std::size_t end = text.rfind(kEnd);
  if (!text.starts_with(kBegin) || end == std::string_view::npos)
    return fail(ErrorKind::invalid_argument, "the condition given as --where cannot be written out");
  return std::string(text.substr(kBegin.size(), end - kBegin.size()));
}

}  // namespace

const SourceColumn* SourceTable::find(std::string_view column) const {
  for (const SourceColumn& candidate : columns)
    if (candidate.name == column) return &candidate;
  return nullptr;
}

std::string SourceTable::quoted() const { return quote_qualified(schema, name); }

std::string SourceTable::suggest(std::string_view column) const {
  std::vector<std::string_view> names;
  for (const SourceColumn& candidate : columns) names.push_back(candidate.name);
  return did_you_mean(column, names);
}

Result<SourceTable> inspect_table(Connection& db, const std::string& table) {
  auto oid = resolve(db, table);
  if (!oid) return std::unexpected(oid.error());
  const std::string id = std::to_string(*oid);
  auto described = db.exec(kDescribe, {id});
  if (!described) return std::unexpected(described.error());

  SourceTable out;
  out.oid = *oid;
  out.schema = described->text(0, 1);
  out.name = described->text(0, 2);
  out.partitioned = described->view(0, 3) == "p";
  out.by_row = out.partitioned || described->flag(0, 6);
  out.has_before_update = described->flag(0, 5);
  if (described->view(0, 3) != "r" && !out.partitioned)
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("{} is not a table of its own; triggers can follow ordinary and partitioned tables",
                    table));
  if (described->view(0, 4) == "t")
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} is a temporary table; a worker cannot see it", table));
  // Reading it reads their rows too, which its triggers do not see and its keys do not tell apart.
  if (!described->is_null(0, 7))
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("other tables inherit from {} ({}); make a vectorizer for each of those instead, or use "
                    "declarative partitioning",
                    table, described->text(0, 7)));

  auto columns = qualified(db, [&] { return db.exec(kColumns, {id}); });
  if (!columns) return std::unexpected(columns.error());
  for (int i = 0; i < columns->size(); ++i) {
    const std::string category = columns->text(i, 3);
    out.columns.push_back({columns->text(i, 0), columns->text(i, 1), columns->text(i, 2),
                           category.empty() ? '\0' : category[0], static_cast<int>(columns->integer(i, 4)),
                           columns->text(i, 5), columns->flag(i, 6), columns->flag(i, 7)});
  }
  auto key = db.exec(kPrimaryKey, {id});
  if (!key) return std::unexpected(key.error());
  if (!key->is_null(0, 0)) out.primary_key = key->array(0, 0);
  return out;
}

Result<bool> is_unique(Connection& db, const SourceTable& table, const std::vector<std::string>& columns) {
  auto rows = db.exec(R"(
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_index i
  WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text)
         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         WHERE k.position <= i.indnkeyatts)
      = (SELECT array_agg(name ORDER BY name) FROM unnest($2::text[]) AS name)))",
                      {std::to_string(table.oid), array_literal(columns)});
  if (!rows) return std::unexpected(rows.error());
  return rows->flag(0, 0);
}

Result<CompiledFilter> compile_filter(Connection& db, const SourceTable& table, const std::string& where) {
  // A CHECK constraint accepts exactly the expressions that one row can answer, and knows their columns.
  auto made =
      db.exec(fmt::format("CREATE TEMP TABLE embedd_filter_table (LIKE {}) ON COMMIT DROP", table.quoted()));
  if (!made) return std::unexpected(made.error());
  auto checked = db.exec(fmt::format(
      "ALTER TABLE pg_temp.embedd_filter_table ADD CONSTRAINT embedd_filter CHECK ({}\n)", where));
  if (!checked) return blame_filter(db, where, checked.error());

  auto rows = qualified(db, [&] { return db.exec(kFilter); });
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() != 1 || rows->flag(0, 2) || rows->is_null(0, 1))
    return fail(ErrorKind::invalid_argument,
                fmt::format("--where '{}' must be one condition that names columns of the row", where));
  auto sql = qualified(db, [&] { return qualify_filter(db, rows->text(0, 0)); });
  if (!sql) return blame_filter(db, where, sql.error());
  return CompiledFilter{*sql, rows->array(0, 1)};
}

/// The first rows only, because creating must not take long; a row beyond them becomes a dead letter.
Result<void> try_filter(Connection& db, const SourceTable& table, const CompiledFilter& filter,
                        const std::string& where) {
  const std::string sql =
      fmt::format("SELECT count(covered) FROM (SELECT {} AS covered FROM {} t LIMIT 10000) tried", filter.sql,
                  table.quoted());
  const Connection::OverRows over_rows(db);
  auto tried = qualified(db, [&] { return db.exec(sql); }, "pg_catalog, pg_temp");
  if (tried) return {};
  const ErrorKind kind = tried.error().kind;
  if (db.last_sqlstate().empty() || kind == ErrorKind::unavailable || kind == ErrorKind::conflict)
    return std::unexpected(tried.error());
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("--where '{}' fails on a row of {}: {}. Write it so that it fails on none, with CASE for "
                  "example",
                  where, table.quoted(), tried.error().message));
}

}  // namespace embedd::pg
