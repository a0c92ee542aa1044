#include "pg/inspect.h"

#include <libpq-fe.h>

namespace embedd::pg {

Result<ServerFacts> inspect_server(Connection& db) {
  auto rows = db.exec(
      "SELECT current_setting('server_version'), current_database(), current_user, "
      "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, pg_backend_pid(), "
      "(SELECT extversion FROM pg_extension WHERE extname = 'vector'), "
      "(SELECT default_version FROM pg_available_extensions WHERE name = 'vector'), "
      "has_database_privilege(current_database(), 'CREATE'), "
      // Its privileges are not asked for by to_regclass, so that a role without any still learns the truth.
      "to_regclass('embedd.migrations') IS NOT NULL");
  if (!rows) return std::unexpected(rows.error());
  ServerFacts facts;
  facts.version = rows->text(0, 0);
  facts.version_number = db.server_version();
  facts.database = rows->text(0, 1);
  facts.role = rows->text(0, 2);
  facts.read_only = rows->flag(0, 3);
  facts.direct = rows->integer(0, 4) == PQbackendPID(db.native());
  facts.vector_installed = rows->text(0, 5);
  facts.vector_available = rows->text(0, 6);
  facts.may_create_schema = rows->flag(0, 7);
  if (!rows->flag(0, 8)) return facts;
  auto version = db.exec("SELECT coalesce(max(version), 0) FROM embedd.migrations");
  if (!version) return std::unexpected(version.error());
  facts.schema_version = static_cast<int>(version->integer(0, 0));
  return facts;
}

Result<std::vector<std::string>> missing_grants(Connection& db) {
  // One row per table that a worker touches, with the privileges it needs there; columns for destinations.
  auto rows = db.exec(R"(
    WITH vectorizers AS (
      SELECT * FROM embedd.vectorizers WHERE to_regclass(format('%I.%I', source_schema, source_table)) IS NOT NULL
    ), needed AS (
      SELECT format('embedd.%I', name)::regclass AS relation, unnest(privileges) AS privilege
      FROM (VALUES ('vectorizers', ARRAY['SELECT', 'UPDATE']),
                   ('dead_letters', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   ('workers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                   ('usage', ARRAY['SELECT', 'INSERT', 'UPDATE'])) AS fixed (name, privileges)
      UNION ALL
      SELECT to_regclass(format('embedd.%I', kind || id)), unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
      FROM vectorizers, unnest(ARRAY['queue_', 'ledger_']) AS kind
      UNION ALL
      SELECT to_regclass(format('%I.%I', source_schema, source_table)), 'SELECT' FROM vectorizers
    )
    SELECT format('GRANT USAGE ON SCHEMA embedd TO %I', current_user)
    WHERE NOT has_schema_privilege('embedd', 'USAGE')
    UNION ALL
    SELECT format('GRANT %s ON %s TO %I', string_agg(DISTINCT privilege, ', '), relation, current_user)
    FROM needed WHERE relation IS NOT NULL AND NOT has_table_privilege(relation, privilege) GROUP BY relation
    UNION ALL
    SELECT DISTINCT format('GRANT UPDATE (%I) ON %I.%I TO %I', col, source_schema, source_table, current_user)
    FROM vectorizers v, unnest(ARRAY[v.destination_column, v.model_id_column, v.model_version_column]) AS col
    WHERE col IS NOT NULL
      AND NOT has_column_privilege(format('%I.%I', source_schema, source_table)::regclass, col, 'UPDATE')
    ORDER BY 1)");
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string> grants;
  for (int i = 0; i < rows->size(); ++i) grants.push_back(rows->text(i, 0));
  return grants;
}

}  // namespace embedd::pg
