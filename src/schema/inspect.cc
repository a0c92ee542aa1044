#include "schema/inspect.h"

#include "pg/quoting.h"
#include "schema/declarer.h"

namespace embedd::schema {

Result<ServerFacts> inspect_server(pg::Connection& db) {
  auto rows = TRY(
      db.exec("SELECT current_setting('server_version'), current_database(), current_user, "
              "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, pg_backend_pid(), "
              "(SELECT extversion FROM pg_extension WHERE extname = 'vector'), "
              "(SELECT default_version FROM pg_available_extensions WHERE name = 'vector'), "
              "has_database_privilege(current_database(), 'CREATE'), "
              // The catalog asks for no privileges, so that a role without any still learns the truth.
              "EXISTS (SELECT FROM pg_class WHERE oid = embedd.history), "
              "coalesce(has_schema_privilege(embedd.schema, 'USAGE') AND has_table_privilege(embedd.history, "
              "'SELECT'), "
              "true) FROM (SELECT n.oid AS schema, c.oid AS history FROM pg_namespace n "
              "LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'migrations' WHERE n.nspname = "
              "'embedd') "
              "AS embedd RIGHT JOIN (SELECT) AS always ON true"));
  ServerFacts facts;
  facts.version = rows.text(0, 0);
  facts.version_number = db.server_version();
  facts.database = rows.text(0, 1);
  facts.role = rows.text(0, 2);
  facts.read_only = rows.flag(0, 3);
  facts.direct = rows.integer(0, 4) == db.backend_pid();
  facts.vector_installed = rows.text(0, 5);
  facts.vector_available = rows.text(0, 6);
  facts.may_create_schema = rows.flag(0, 7);
  facts.may_read_schema = rows.flag(0, 9);
  if (!rows.flag(0, 8) || !facts.may_read_schema) return facts;
  auto version = TRY(db.exec("SELECT coalesce(max(version), 0) FROM embedd.migrations"));
  facts.schema_version = static_cast<int>(version.integer(0, 0));
  return facts;
}

namespace {

/// One row per privilege that a worker needs, on a table or on one of its columns; those that the role has
/// are left out, and the rest is gathered, a statement a table.
constexpr const char* kMissingGrants = R"(
    WITH grantee AS (
      SELECT coalesce($1, current_user)::name AS name
    ), vectorizers AS (
      SELECT id, embedd.source_of(id)::regclass AS source, store,
        -- Locking a row takes the privilege to update some column of it.
        CASE WHEN store IS NULL THEN array_remove(ARRAY[destination_column, model_id_column, model_version_column], NULL)
             ELSE key_columns[1:1] END AS columns
      FROM embedd.vectorizers
    ), needed (place, relation, privilege, col) AS (
      SELECT place, format('embedd.%I', name)::regclass, unnest(privileges), NULL
      FROM (VALUES (1, 'migrations', ARRAY['SELECT']),
                   (2, 'vectorizers', ARRAY['SELECT']),
                   (3, 'dead_letters', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   (3, 'missed_changes', ARRAY['SELECT', 'DELETE']),
                   (4, 'workers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   (5, 'usage', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                   (5, 'accounts', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                   (5, 'spending', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                   (5, 'learned_limits', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   (5, 'history', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   (5, 'wasted', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])) AS fixed (place, name, privileges)
      UNION ALL
      SELECT 2, 'embedd.vectorizers'::regclass, 'UPDATE', unnest(ARRAY['walked_at', 'walk_until', 'disputed',
                                                                  'walk_disputed', 'walk_began_at', 'proven_before', 'proven_in',
                                                                  'walk_worker', 'walk_cursor', 'walk_in', 'walk_skipped',
                                                                  'walk_began_with', 'walked_with', 'walk_put_off_at'])
      UNION ALL
      SELECT 6, to_regclass(format('embedd.%I', kind || id)), unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']), NULL
      FROM vectorizers, unnest(ARRAY['queue_', 'ledger_', 'chunks_', 'staged_', 'placed_']) AS kind
      UNION ALL
      SELECT 7, store, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']), NULL FROM vectorizers WHERE store IS NOT NULL
      UNION ALL
      SELECT 7, source, 'SELECT', NULL FROM vectorizers
      UNION ALL
      SELECT 7, source, 'UPDATE', unnest(columns) FROM vectorizers
    ), lacking AS (
      SELECT DISTINCT n.place, n.relation, n.privilege, a.attname, a.attnum
      FROM grantee, needed n LEFT JOIN pg_attribute a ON a.attrelid = n.relation AND a.attname = n.col
      WHERE n.relation IS NOT NULL AND CASE
        WHEN n.col IS NULL THEN NOT has_table_privilege(grantee.name, n.relation, n.privilege)
        WHEN a.attnum IS NOT NULL THEN NOT has_column_privilege(grantee.name, n.relation, a.attnum, n.privilege)
        ELSE false END
    ), clauses AS (
      SELECT place, relation, array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], privilege) AS nth,
        privilege || coalesce(' (' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')', '') AS clause
      FROM lacking GROUP BY place, relation, privilege
    ), statements AS (
      SELECT CASE WHEN s.nspname = 'embedd' THEN 0 ELSE 6 END AS place, 0::oid AS relation,
        format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname, grantee.name) AS statement
      FROM grantee, pg_namespace s
      WHERE NOT has_schema_privilege(grantee.name, s.oid, 'USAGE') AND (s.nspname = 'embedd'
        OR s.oid IN (SELECT relnamespace FROM pg_class JOIN vectorizers ON pg_class.oid IN (source, store))
        OR s.oid = (SELECT extnamespace FROM pg_extension WHERE extname = 'vector')
        OR s.oid IN (SELECT typnamespace FROM pg_type t JOIN pg_attribute a ON a.atttypid = t.oid
                     JOIN vectorizers ON source = a.attrelid WHERE a.attnum > 0))
      UNION ALL
      SELECT 2, 0, format('GRANT EXECUTE ON FUNCTION %s TO %I', f.oid::regprocedure, grantee.name)
      FROM grantee, pg_proc f
      WHERE f.pronamespace = 'embedd'::regnamespace AND f.proname IN ('queue_state', 'source_of', 'adopt_source', 'refusal',
                                                                       'utf8_problem', 'readable', 'text_of')
        AND NOT has_function_privilege(grantee.name, f.oid, 'EXECUTE')
      UNION ALL
      SELECT place, relation, format('GRANT %s ON %I.%I TO %I', string_agg(clause, ', ' ORDER BY nth),
        s.nspname, r.relname, grantee.name)
      FROM grantee, clauses JOIN pg_class r ON r.oid = relation JOIN pg_namespace s ON s.oid = r.relnamespace
      GROUP BY place, relation, s.nspname, r.relname, grantee.name
    )
    SELECT statement FROM statements ORDER BY place, relation, statement)";

}  // namespace

Result<std::vector<std::string>> missing_grants(pg::Connection& db, std::string_view role) {
  auto rows = TRY(db.exec(kMissingGrants, {role.empty() ? pg::Param() : pg::Param(role)}));
  std::vector<std::string> grants;
  for (int i = 0; i < rows.size(); ++i) grants.push_back(rows.text(i, 0));
  return grants;
}

Result<std::vector<std::string>> endangered_indexes(pg::Connection& db) {
  auto rows = TRY(db.exec(R"(
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_extension e
JOIN embedd.vectorizers v ON string_to_array(substring(e.extversion FROM '^[0-9]+(?:[.][0-9]+)*'), '.')::int[]
                             < ARRAY[0, 8, 4]
JOIN pg_catalog.pg_index i ON i.indrelid IN (SELECT v.source UNION ALL
                                             SELECT relid FROM pg_catalog.pg_partition_tree(v.source) WHERE isleaf)
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'hnsw'
WHERE e.extname = 'vector'
GROUP BY n.nspname, c.relname ORDER BY n.nspname, c.relname)"));
  std::vector<std::string> indexes;
  for (int i = 0; i < rows.size(); ++i) indexes.push_back(rows.text(i, 0));
  return indexes;
}

Result<std::string> excess_rights(pg::Connection& db) {
  auto rows = TRY(db.exec(R"(
SELECT CASE WHEN r.rolsuper THEN 'is a superuser' WHEN r.rolcreaterole THEN 'may create roles'
            WHEN owned.count > 0 THEN pg_catalog.format('owns %s tables of which no vectorizer reads', owned.count) END
FROM pg_catalog.pg_roles r
CROSS JOIN LATERAL (
  SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') AND n.nspname <> 'embedd'
    AND c.oid NOT IN (SELECT source FROM embedd.vectorizers)) owned
WHERE r.rolname = current_user)"));
  return rows.empty() ? std::string() : rows.text(0, 0);
}

Result<std::vector<std::string>> rows_hidden_from_workers(pg::Connection& db) {
  auto workers = TRY(worker_roles(db));
  auto rows = TRY(db.exec(R"(
SELECT DISTINCT format('row-level security may hide rows of %s from the role %I, if workers run as it: as an administrator, '
                       'run ALTER ROLE %2$I BYPASSRLS', c.oid::regclass, r.rolname)
FROM embedd.vectorizers v JOIN pg_catalog.pg_class c ON c.oid = embedd.source_of(v.id)
JOIN pg_catalog.pg_roles r ON r.rolname = ANY ($1::text[])
WHERE c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname <> current_user
  AND NOT (pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)
ORDER BY 1)",
                          {pg::array_literal(workers)}));
  std::vector<std::string> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

}  // namespace embedd::schema
