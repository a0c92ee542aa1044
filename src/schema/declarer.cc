#include "schema/declarer.h"

#include "pg/quoting.h"

namespace embedd::schema {

namespace {

/// $1: the source, $2: the columns read, $3: those written, $4: whether there is a filter. The functions of
/// the triggers run as the declarer, so it needs what they do, too.
const char* const kLacking = R"(
WITH schemas (place, oid, privilege) AS (
  SELECT 1, n.oid, p FROM pg_catalog.pg_namespace n, unnest(ARRAY['USAGE', 'CREATE']) AS p WHERE n.nspname = 'embedd'
  UNION
  SELECT 4, c.relnamespace, 'USAGE' FROM pg_catalog.pg_class c WHERE c.oid = $1::oid
  UNION
  SELECT 4, e.extnamespace, 'USAGE' FROM pg_catalog.pg_extension e WHERE e.extname = 'vector'
), tables (place, name, privilege) AS (
  SELECT 2, t.name, unnest(t.privileges)
  FROM (VALUES ('migrations', ARRAY['SELECT']),
               ('vectorizers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
               ('workers', ARRAY['SELECT']),
               ('dead_letters', ARRAY['SELECT', 'DELETE']),
               ('kept_proofs', ARRAY['SELECT', 'INSERT', 'DELETE']),
               ('made', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
               ('missed_changes', ARRAY['SELECT', 'INSERT', 'DELETE'])) AS t (name, privileges)
), columns (privilege, name) AS (
  SELECT DISTINCT 'SELECT', unnest($2::text[]) WHERE NOT $4
  UNION
  SELECT DISTINCT 'UPDATE', unnest($3::text[])
), on_source (nth, clause) AS (
  SELECT 1, 'SELECT' WHERE $4 AND NOT has_table_privilege($1::oid, 'SELECT')
  UNION ALL
  SELECT CASE privilege WHEN 'SELECT' THEN 1 ELSE 2 END,
    format('%s (%s)', privilege, string_agg(quote_ident(name), ', ' ORDER BY name))
  FROM columns WHERE name <> '' AND NOT has_column_privilege($1::oid, name, privilege) GROUP BY privilege
  UNION ALL
  SELECT 3, 'TRIGGER' WHERE NOT has_table_privilege($1::oid, 'TRIGGER')
), lacking (place, clause) AS (
  SELECT s.place, format('%s ON SCHEMA %I', string_agg(s.privilege, ', ' ORDER BY s.privilege DESC), n.nspname)
  FROM schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
  WHERE NOT has_schema_privilege(s.oid, s.privilege) GROUP BY s.place, n.nspname
  UNION ALL
  SELECT t.place, format('%s ON embedd.%I', string_agg(t.privilege, ', ' ORDER BY
    array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], t.privilege)), t.name)
  FROM tables t JOIN pg_catalog.pg_class c ON c.relname = t.name
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'embedd'
  WHERE NOT has_table_privilege(c.oid, t.privilege) GROUP BY t.place, t.name
  UNION ALL
  SELECT 3, format('EXECUTE ON FUNCTION %s', string_agg('embedd.' || f.proname, ', ' ORDER BY f.proname))
  FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace AND n.nspname = 'embedd'
  WHERE f.proname IN ('record_missed', 'queue_state', 'utf8_problem', 'readable', 'text_of')
    AND NOT has_function_privilege(f.oid, 'EXECUTE')
  HAVING count(*) > 0
  UNION ALL
  SELECT 5, format('%s ON %I.%I', string_agg(o.clause, ', ' ORDER BY o.nth), n.nspname, c.relname)
  FROM on_source o, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = $1::oid GROUP BY n.nspname, c.relname
  UNION ALL
  SELECT 6, format('TEMPORARY ON DATABASE %I', current_database())
  WHERE $4 AND NOT has_database_privilege(current_database(), 'TEMPORARY')
)
SELECT format('GRANT %s TO %I', clause, current_user) FROM lacking ORDER BY place, clause COLLATE "C")";

Result<std::vector<std::string>> first_column(Result<pg::Rows> rows) {
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string> out;
  for (int i = 0; i < rows->size(); ++i) out.push_back(rows->text(i, 0));
  return out;
}

}  // namespace

Result<std::vector<std::string>> grants_to_declare(pg::Connection& db, const SourceTable& source,
                                                   const DeclarerNeeds& needs) {
  return first_column(
      db.exec(kLacking, {std::to_string(source.oid), pg::array_literal(needs.read),
                         pg::array_literal(needs.written), needs.filtered ? "true" : "false"}));
}

Result<std::vector<std::string>> worker_roles(pg::Connection& db) {
  return first_column(db.exec(R"(
SELECT DISTINCT r.rolname
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE c.oid = 'embedd.workers'::regclass AND a.privilege_type = 'INSERT' AND NOT r.rolsuper
ORDER BY 1)"));
}

}  // namespace embedd::schema
