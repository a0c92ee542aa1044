#include "schema/source_table.h"

#include <fmt/format.h>

#include "base/nearest.h"
#include "pg/quoting.h"

namespace embedd::schema {
namespace {

const char* const kDescribe = R"(
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
       EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
       (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid) FROM pg_catalog.pg_inherits i
        WHERE i.inhparent = c.oid AND c.relkind = 'r')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid)";

/// Domains are resolved to their base type, whose modifier then counts.
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
       a.attnotnull, a.attgenerated <> '',
       (SELECT pg_catalog.format('%I.%I', n.nspname, o.typname)
        FROM pg_catalog.pg_type o JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace WHERE o.oid = a.atttypid),
       t.typtype, t.typnamespace <> 'pg_catalog'::regnamespace OR e.typnamespace <> 'pg_catalog'::regnamespace,
       pg_catalog.format_type(b.type, -1), t.typname ~ '^_?reg' AND t.typnamespace = 'pg_catalog'::regnamespace,
       a.attgenerated = 'v'
FROM base b
JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
ORDER BY a.attnum)";

const char* const kPrimaryKey = R"(
SELECT array_agg(a.attname::text ORDER BY k.position)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1::oid AND i.indisprimary AND k.position <= i.indnkeyatts)";

/// Suggests names of tables that the session can see.
Result<std::string> suggest_table(pg::Connection& db, const std::string& table) {
  auto rows = TRY(db.exec(
      "SELECT DISTINCT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN "
      "pg_catalog.quote_ident(c.relname) "
      "ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'embedd') "
      "AND n.nspname !~ '^pg_(toast|temp)' LIMIT 1000"));
  std::vector<std::string_view> names;
  for (int i = 0; i < rows.size(); ++i) names.push_back(rows.view(i, 0));
  const std::string quoted = pg::quote_identifier(table);
  for (const std::string_view name : names)
    if (name == quoted) return fmt::format(" Did you mean '{}', with its quotes?", name);
  return did_you_mean(table, names);
}

Result<std::uint32_t> resolve(pg::Connection& db, const std::string& table) {
  // A qualified name is looked up in the catalog, because to_regclass() needs a privilege on the schema: a
  // role that lacks this privilege should see all that it lacks at once.
  auto found = db.exec(
      "SELECT CASE WHEN pg_catalog.cardinality(p) <> 2 THEN pg_catalog.to_regclass($1)::oid ELSE "
      "(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = p[1] AND c.relname = p[2]) END FROM pg_catalog.parse_ident($1) AS p",
      {table});
  if (!found)
    return fail(ErrorKind::invalid_argument,
                fmt::format("'{}' is not a table's name: {}", table, found.error().message));
  if (found->is_null(0, 0)) {
    auto suggestion = TRY(suggest_table(db, table));
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("there is no table {} that this role can see.{} Name it as in SQL: schema.table, with "
                    "double quotes around upper case",
                    table, suggestion));
  }
  return static_cast<std::uint32_t>(found->integer(0, 0));
}

/// What to name instead of a relation that is no table. `kind`: pg_class.relkind.
std::string what_instead(std::string_view name, std::string_view kind) {
  if (kind == "v")
    return fmt::format(
        "{} is a view, whose changes no trigger sees: name the table that it reads with --table, and "
        "its condition with --where",
        name);
  if (kind == "m")
    return fmt::format(
        "{} is a materialized view, whose changes no trigger sees: name the table that it reads with "
        "--table, or keep its rows in a table",
        name);
  if (kind == "f")
    return fmt::format(
        "{} is a foreign table, whose changes are made elsewhere: declare the vectorizer in the "
        "database that holds its rows, or copy them into a table here",
        name);
  return fmt::format("{} is not a table; name one with --table", name);
}

}  // namespace

const SourceColumn* SourceTable::find(std::string_view column) const {
  for (const SourceColumn& candidate : columns)
    if (candidate.name == column) return &candidate;
  return nullptr;
}

std::string SourceTable::quoted() const { return pg::quote_qualified(schema, name); }

std::string SourceTable::suggest(std::string_view column) const {
  std::vector<std::string_view> names;
  for (const SourceColumn& candidate : columns) names.push_back(candidate.name);
  return did_you_mean(column, names);
}

Result<SourceTable> inspect_table(pg::Connection& db, const std::string& table) {
  auto oid = TRY(resolve(db, table));
  const std::string id = std::to_string(oid);
  auto described = TRY(db.exec(kDescribe, {id}));

  SourceTable out;
  out.oid = oid;
  out.schema = described.text(0, 1);
  out.name = described.text(0, 2);
  out.partitioned = described.view(0, 3) == "p";
  out.by_row = out.partitioned || described.flag(0, 5);
  if (described.view(0, 3) != "r" && !out.partitioned)
    return fail(ErrorKind::invalid_argument, what_instead(table, described.view(0, 3)));
  if (described.view(0, 4) == "t")
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} is a temporary table; a worker cannot see it", table));
  // Reading the table reads the heirs' rows too, which its triggers do not see and its keys do not
  // distinguish.
  if (!described.is_null(0, 6))
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("other tables inherit from {} ({}); make a vectorizer for each of those instead, or use "
                    "declarative partitioning",
                    table, described.text(0, 6)));

  auto columns = TRY(with_search_path(db, "", [&] { return db.exec(kColumns, {id}); }));
  for (int i = 0; i < columns.size(); ++i) {
    const std::string category = columns.text(i, 3);
    out.columns.push_back({.name = columns.text(i, 0),
                           .type = columns.text(i, 1),
                           .type_name = columns.text(i, 2),
                           .base_type = columns.text(i, 11),
                           .own_type = columns.text(i, 8),
                           .kind = columns.text(i, 9).front(),
                           .foreign = columns.flag(i, 10),
                           .named_object = columns.flag(i, 12),
                           .category = category.empty() ? '\0' : category[0],
                           .modifier = static_cast<int>(columns.integer(i, 4)),
                           .collation = columns.text(i, 5),
                           .not_null = columns.flag(i, 6),
                           .generated = columns.flag(i, 7),
                           .is_virtual = columns.flag(i, 13)});
  }
  auto key = TRY(db.exec(kPrimaryKey, {id}));
  if (!key.is_null(0, 0)) out.primary_key = key.array(0, 0);
  return out;
}

std::string dimensions_of(const SourceColumn& column, std::string_view alias) {
  // own_type of a domain is the domain; format_type qualifies its base type, too.
  const std::string schema = column.base_type.substr(0, column.base_type.rfind('.'));
  return fmt::format("{}.vector_dims({}.{}::{})", schema, alias, pg::quote_identifier(column.name),
                     column.base_type);
}

Result<bool> is_unique(pg::Connection& db, const SourceTable& table, const std::vector<std::string>& columns,
                       Unique when) {
  auto rows = TRY(db.exec(
      R"(
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_index i
  WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (i.indimmediate OR NOT $3)
    AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text)
         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         WHERE k.position <= i.indnkeyatts)
      = (SELECT array_agg(name ORDER BY name) FROM unnest($2::text[]) AS name)))",
      {std::to_string(table.oid), pg::array_literal(columns), when == Unique::at_once ? "true" : "false"}));
  return rows.flag(0, 0);
}

}  // namespace embedd::schema
