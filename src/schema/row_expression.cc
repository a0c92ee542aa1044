#include "schema/row_expression.h"

#include <fmt/format.h>

#include "pg/quoting.h"

namespace embedd::schema {
namespace {

const char* const kChecked = R"(
SELECT pg_catalog.pg_get_expr(c.conbin, c.conrelid),
       (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)),
       COALESCE(0 >= ANY (c.conkey), false)
FROM pg_catalog.pg_constraint c
WHERE c.conrelid = 'pg_temp.embedd_expression'::regclass AND c.contype = 'c')";

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

}  // namespace

std::unexpected<Error> blame(const pg::Connection& db, std::string_view subject, std::string_view what,
                             const Error& error) {
  if (db.last_sqlstate().empty() || error.kind == ErrorKind::unavailable || error.kind == ErrorKind::conflict)
    return std::unexpected(error);
  return fail(ErrorKind::invalid_argument, fmt::format("{} {}: {}", subject, what, error.message));
}

Result<RowExpression> check_condition(pg::Connection& db, const SourceTable& table, const std::string& more,
                                      const std::string& condition, std::string_view subject,
                                      std::string_view kind) {
  // A CHECK constraint accepts exactly the expressions that one row can answer, and records their columns.
  TRY(db.exec(fmt::format("CREATE TEMP TABLE embedd_expression (LIKE {}{}) ON COMMIT DROP", table.quoted(),
                          more.empty() ? "" : ", " + more)));
  auto checked = db.exec(fmt::format(
      "ALTER TABLE pg_temp.embedd_expression ADD CONSTRAINT embedd_expression CHECK ({}\n)", condition));
  if (!checked)
    return blame(db, subject, fmt::format("must be {} on the row's own columns", kind), checked.error());

  auto rows = TRY(with_search_path(db, "", [&] { return db.exec(kChecked); }));
  TRY(db.exec("DROP TABLE pg_temp.embedd_expression"));
  if (rows.size() != 1 || rows.flag(0, 2) || rows.is_null(0, 1))
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} must be {} on the row's own columns, on one at least and on no system column",
                            subject, kind));
  return RowExpression{rows.text(0, 0), rows.array(0, 1)};
}

Result<void> refuse_strangers(pg::Connection& db, const std::string& function, std::string_view subject) {
  auto strangers = TRY(db.exec(kStrangers, {function}));
  if (strangers.is_null(0, 0)) return {};
  return fail(ErrorKind::invalid_argument,
              fmt::format("{} uses {}: its owner could replace what workers would then run. Use what "
                          "is PostgreSQL's own or an extension's, or let the owner create the vectorizer",
                          subject, strangers.text(0, 0)));
}

Result<void> try_on_rows(pg::Connection& db, const SourceTable& table, const std::string& call,
                         std::string_view subject) {
  const std::string sql = fmt::format(
      "SELECT count(value) FROM (SELECT {} AS value FROM {} t LIMIT 10000) tried", call, table.quoted());
  const pg::Connection::OverRows over_rows(db);
  auto tried = with_search_path(db, "pg_catalog, pg_temp", [&] { return db.exec(sql); });
  if (tried) return {};
  Error error = tried.error();
  error.message += ". Write it so that it fails on none, with CASE for example";
  return blame(db, subject, "fails on a row of " + table.quoted(), error);
}

}  // namespace embedd::schema
