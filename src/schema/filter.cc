#include "schema/filter.h"

#include <fmt/format.h>

#include "pg/quoting.h"

namespace embedd::schema {
namespace {

const char* const kFilter = R"(
SELECT pg_catalog.pg_get_expr(c.conbin, c.conrelid),
       (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)),
       COALESCE(0 >= ANY (c.conkey), false)
FROM pg_catalog.pg_constraint c
WHERE c.conrelid = 'pg_temp.embedd_filter_table'::regclass AND c.contype = 'c')";

/// Objects used by the function $1 that belong neither to PostgreSQL, nor to an extension, nor to the current
/// role, nor to a superuser. (PostgreSQL's own objects are pinned, so no dependency on them is recorded.) For
/// a domain, the objects of the CHECK that would run.
const char* const kStrangers = R"(
WITH used AS (
  SELECT refclassid, refobjid FROM pg_catalog.pg_depend
  WHERE classid = 'pg_catalog.pg_proc'::regclass AND objid = $1::regproc AND refobjid <> objid),
parts (class, id, owner, name) AS (
  SELECT u.refclassid, p.oid, p.proowner, 'the function ' || p.oid::regprocedure
  FROM used u JOIN pg_catalog.pg_proc p ON u.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = u.refobjid
  UNION ALL
  SELECT u.refclassid, o.oid, owner, 'the operator ' || o.oid::regoperator
  FROM used u
  JOIN pg_catalog.pg_operator o ON u.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = u.refobjid
  JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode, unnest(ARRAY[o.oprowner, p.proowner]) AS owner
  UNION ALL
  SELECT u.refclassid, t.oid, t.typowner, 'the domain ' || t.oid::regtype
  FROM used u JOIN pg_catalog.pg_type t ON u.refclassid = 'pg_catalog.pg_type'::regclass AND t.oid = u.refobjid
  WHERE t.typtype = 'd')
SELECT string_agg(DISTINCT format('%s, of the role %s', p.name, quote_ident(r.rolname)), '; ')
FROM parts p JOIN pg_catalog.pg_roles r ON r.oid = p.owner
WHERE r.rolname <> current_user AND NOT r.rolsuper
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = p.class AND e.objid = p.id AND e.deptype = 'e'))";

/// `fail` as invalid_argument if the statement is at fault; the unchanged error if the connection is.
std::unexpected<Error> blame_filter(const pg::Connection& db, std::string_view what, const std::string& where,
                                    const Error& error) {
  if (db.last_sqlstate().empty() || error.kind == ErrorKind::unavailable || error.kind == ErrorKind::conflict)
    return std::unexpected(error);
  return fail(ErrorKind::invalid_argument, fmt::format("--where '{}' {}: {}", where, what, error.message));
}

Result<void> refuse_strangers(pg::Connection& db, VectorizerId id, const std::string& where) {
  auto strangers = TRY(db.exec(kStrangers, {filter_function(id)}));
  if (strangers.is_null(0, 0)) return {};
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("--where '{}' uses {}: its owner could replace what workers would then run. Use what "
                  "is PostgreSQL's own or an extension's, or let the owner create the vectorizer",
                  where, strangers.text(0, 0)));
}

/// Tries the first rows only, because creating a vectorizer must not take long.
Result<void> try_filter(pg::Connection& db, const SourceTable& table, const std::string& call,
                        const std::string& where) {
  const std::string sql = fmt::format(
      "SELECT count(covered) FROM (SELECT {} AS covered FROM {} t LIMIT 10000) tried", call, table.quoted());
  const pg::Connection::OverRows over_rows(db);
  auto tried = with_search_path(db, "pg_catalog, pg_temp", [&] { return db.exec(sql); });
  if (tried) return {};
  Error error = tried.error();
  error.message += ". Write it so that it fails on none, with CASE for example";
  return blame_filter(db, "fails on a row of " + table.quoted(), where, error);
}

}  // namespace

std::string filter_function(VectorizerId id) { return fmt::format("embedd.covers_{}", id); }

Result<CompiledFilter> compile_filter(pg::Connection& db, const SourceTable& table,
                                      const std::string& where) {
  // A CHECK constraint accepts exactly the expressions that one row can answer, and records their columns.
  TRY(db.exec(fmt::format("CREATE TEMP TABLE embedd_filter_table (LIKE {}) ON COMMIT DROP", table.quoted())));
  auto checked = db.exec(fmt::format(
      "ALTER TABLE pg_temp.embedd_filter_table ADD CONSTRAINT embedd_filter CHECK ({}\n)", where));
  if (!checked)
    return blame_filter(db, "must be a condition on the row's own columns", where, checked.error());

  auto rows = TRY(with_search_path(db, "", [&] { return db.exec(kFilter); }));
  if (rows.size() != 1 || rows.flag(0, 2) || rows.is_null(0, 1))
    return fail(ErrorKind::invalid_argument,
                fmt::format("--where '{}' must be one condition that names columns of the row", where));
  return CompiledFilter{rows.text(0, 0), rows.array(0, 1)};
}

Result<std::string> create_filter(pg::Connection& db, VectorizerId id, const SourceTable& table,
                                  const CompiledFilter& filter, const std::string& where) {
  const std::size_t n = filter.columns.size();
  const std::string parameters = pg::join_each(n, ", ", [&](std::size_t i) {
    const std::string& name = filter.columns[i - 1];
    return pg::quote_identifier(name) + " " + table.find(name)->base_type;
  });
  const std::string create = fmt::format("CREATE FUNCTION {}({}) RETURNS boolean LANGUAGE sql RETURN ({}\n)",
                                         filter_function(id), parameters, filter.expression);
  auto made = with_search_path(db, "", [&] { return db.exec(create); });
  if (!made) return blame_filter(db, "cannot be made a function of the row's columns", where, made.error());
  TRY(refuse_strangers(db, id, where));
  std::string call = fmt::format("{}({})", filter_function(id), pg::join_each(n, ", ", [&](std::size_t i) {
                                   return "t." + pg::quote_identifier(filter.columns[i - 1]);
                                 }));
  TRY(try_filter(db, table, call, where));
  return call;
}

}  // namespace embedd::schema
