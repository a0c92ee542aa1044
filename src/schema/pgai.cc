#include "schema/pgai.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/change_table.h"

namespace embedd::schema {
namespace {

/// $1: a relation of pgai. Whether it is a table that this role may read and whose owner it trusts. A view of
/// another user, or a column of another user's type, would run that user's code with the current role's
/// rights.
constexpr const char* kTrusted = R"(
SELECT c.oid IS NOT NULL,
       coalesce(has_table_privilege(c.oid, 'SELECT') AND c.relkind = 'r'
                AND (r.rolsuper OR r.rolname = current_user
                     OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                                WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')),
                false),
       coalesce(r.rolname, '')
FROM (SELECT to_regclass($1) AS oid) x
LEFT JOIN pg_catalog.pg_class c ON c.oid = x.oid LEFT JOIN pg_catalog.pg_roles r ON r.oid = c.relowner)";

/// pgai keeps its declarations in ai.vectorizer, whose columns differ from version to version.
constexpr const char* kWriting = R"(
SELECT coalesce(v ->> 'name', '#' || (v ->> 'id'))
FROM (SELECT to_jsonb(a) AS v FROM ai.vectorizer a) x
WHERE v ->> 'disabled' IS DISTINCT FROM 'true' AND v ->> 'id' IS DISTINCT FROM $4
  AND ((v ->> 'source_schema', v ->> 'source_table', v #>> '{config,destination,embedding_column}') = ($1, $2, $3)
       OR (coalesce(v ->> 'target_schema', v #>> '{config,destination,target_schema}'),
           coalesce(v ->> 'target_table', v #>> '{config,destination,target_table}'), 'embedding') = ($1, $2, $3)))";

constexpr const char* kAll = R"(
WITH said AS (
  SELECT v, v -> 'config' AS c, coalesce(v ->> 'target_schema', v #>> '{config,destination,target_schema}') AS target_schema,
         coalesce(v ->> 'target_table', v #>> '{config,destination,target_table}') AS target_table,
         coalesce(v ->> 'view_schema', v #>> '{config,destination,view_schema}') AS view_schema,
         coalesce(v ->> 'view_name', v #>> '{config,destination,view_name}') AS view_name,
         coalesce(v #>> '{config,loading,column_name}', v #>> '{config,chunking,chunk_column}') AS loaded,
         to_regclass(format('%I.%I', v ->> 'source_schema', v ->> 'source_table')) AS source
  FROM (SELECT to_jsonb(a) AS v FROM ai.vectorizer a) x)
SELECT v ->> 'id', coalesce(v ->> 'name', concat_ws('_', target_schema, target_table)), coalesce(v ->> 'disabled', '') = 'true',
       v ->> 'source_schema', v ->> 'source_table',
       ARRAY(SELECT k ->> 'attname' FROM jsonb_array_elements(v -> 'source_pk') k ORDER BY (k ->> 'pknum')::int),
       format('%I.%I', v ->> 'queue_schema', v ->> 'trigger_name'),
       format('%I.%I', v ->> 'queue_schema', v ->> 'queue_table'),
       CASE WHEN v ->> 'queue_failed_table' IS NOT NULL THEN format('%I.%I', v ->> 'queue_schema', v ->> 'queue_failed_table') END,
       coalesce(c #>> '{destination,implementation}', CASE WHEN target_table IS NOT NULL THEN 'table' END),
       target_schema, target_table,
       CASE WHEN view_name IS NOT NULL THEN format('%I.%I', view_schema, view_name) END,
       c #>> '{destination,embedding_column}',
       coalesce(c #>> '{loading,implementation}', 'column'), loaded,
       (SELECT t.typname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = source AND a.attname = loaded AND NOT a.attisdropped),
       coalesce(c #>> '{parsing,implementation}', 'none'),
       c #>> '{chunking,implementation}', c #>> '{chunking,chunk_size}', c #>> '{chunking,chunk_overlap}',
       coalesce(c #>> '{chunking,separators}', c #>> '{chunking,separator}'), c #>> '{chunking,is_separator_regex}',
       c #>> '{formatting,implementation}', c #>> '{formatting,template}',
       c #>> '{embedding,implementation}', c #>> '{embedding,model}', c #>> '{embedding,dimensions}', c #>> '{embedding,base_url}',
       c #>> '{embedding,api_key_name}', coalesce(c #>> '{indexing,implementation}', 'none'), c #>> '{scheduling,job_id}',
       (SELECT e.name FROM embedd.vectorizers e
        WHERE e.rows_of IS NULL
          AND CASE WHEN target_table IS NOT NULL THEN e.store = to_regclass(format('%I.%I', target_schema, target_table))
                   ELSE e.store IS NULL AND embedd.source_of(e.id) = source
                        AND e.destination_column = c #>> '{destination,embedding_column}' END
        LIMIT 1)
FROM said ORDER BY (v ->> 'id')::bigint)";

PgaiVectorizer read(const pg::Rows& rows, int i) {
  PgaiVectorizer out;
  int column = 0;
  const auto next = [&] { return rows.text(i, column++); };
  out.id = next();
  out.name = next();
  out.disabled = rows.flag(i, column++);
  out.source_schema = next();
  out.source_table = next();
  out.key = rows.array(i, column++);
  for (std::string* text : {&out.trigger_function,
                            &out.queue,
                            &out.failed,
                            &out.destination,
                            &out.target_schema,
                            &out.target_table,
                            &out.view,
                            &out.embedding_column,
                            &out.loading,
                            &out.loading_column,
                            &out.loading_type,
                            &out.parsing,
                            &out.chunking,
                            &out.chunk_size,
                            &out.chunk_overlap,
                            &out.separators,
                            &out.separators_are_regex,
                            &out.formatting,
                            &out.format,
                            &out.embedding,
                            &out.model,
                            &out.dimensions,
                            &out.base_url,
                            &out.api_key_name,
                            &out.indexing,
                            &out.scheduled_job})
    *text = next();
  out.taken_over_by = rows.maybe(i, column++);
  return out;
}

/// Finds out which rows pgai has not embedded.
Result<void> look_at_queues(pg::Connection& db, PgaiVectorizer& pgai) {
  for (const std::string& table : {pgai.queue, pgai.failed}) {
    if (table.empty()) continue;
    const auto seen = TRY(db.exec(kTrusted, {table}));
    if (!seen.flag(0, 0)) {
      if (table == pgai.queue) pgai.queue_problem = fmt::format("its queue {} is gone", table);
      continue;
    }
    if (!seen.flag(0, 1)) {
      pgai.queue_problem =
          fmt::format("this role may not read {}, or it belongs to another than ai.vectorizer", table);
      continue;
    }
    pgai.waiting.push_back(table);
    const std::string key = pg::join_each(
        pgai.key.size(), ", ", [&](std::size_t i) { return pg::quote_identifier(pgai.key[i - 1]); });
    const auto counted =
        TRY(db.exec(fmt::format("SELECT count(*) FROM (SELECT DISTINCT {} FROM {}) x", key, table)));
    pgai.waiting_rows += counted.integer(0, 0);
  }
  return {};
}

std::vector<std::string> removal_of(const PgaiVectorizer& pgai) {
  // Dropping the function drops both triggers.
  std::vector<std::string> out = {fmt::format("DROP FUNCTION IF EXISTS {}() CASCADE", pgai.trigger_function)};
  for (const std::string& table : {pgai.queue, pgai.failed})
    if (!table.empty()) out.push_back("DROP TABLE IF EXISTS " + table);
  // If the row stays and the queue is gone, pgai's view ai.vectorizer_status fails for all vectorizers.
  out.push_back("DELETE FROM ai.vectorizer WHERE id = " + pg::quote_literal(pgai.id));
  return out;
}

}  // namespace

Result<PgaiCatalog> find_pgai(pg::Connection& db) {
  using State = PgaiCatalog::State;
  const auto seen = TRY(db.exec(kTrusted, {"ai.vectorizer"}));
  return PgaiCatalog{.state = !seen.flag(0, 0)  ? State::absent
                              : seen.flag(0, 1) ? State::readable
                                                : State::untrusted,
                     .owner = seen.text(0, 2)};
}

Result<std::optional<std::string>> pgai_writer(pg::Connection& db, const std::string& schema,
                                               const std::string& table, const std::string& column,
                                               const std::string& except) {
  const auto writing = TRY(db.exec(kWriting, {schema, table, column, except}));
  return writing.empty() ? std::nullopt : std::optional(writing.text(0, 0));
}

Result<std::vector<PgaiVectorizer>> read_pgai(pg::Connection& db) {
  const PgaiCatalog catalog = TRY(find_pgai(db));
  if (catalog.state == PgaiCatalog::State::absent)
    return fail(ErrorKind::invalid_argument,
                "there is no table ai.vectorizer in this database: pgai is not installed here");
  if (catalog.state == PgaiCatalog::State::untrusted)
    return fail(
        ErrorKind::misconfigured,
        fmt::format(
            "ai.vectorizer belongs to the role {0}, which could have code of its own run by whoever reads "
            "it: run this as {0}",
            catalog.owner));
  const auto rows = TRY(db.exec(kAll));
  std::vector<PgaiVectorizer> out;
  for (int i = 0; i < rows.size(); ++i) {
    out.push_back(read(rows, i));
    TRY(look_at_queues(db, out.back()));
  }
  return out;
}

Predecessor predecessor_of(const PgaiVectorizer& pgai, bool remove) {
  Predecessor out{.pgai_id = remove ? pgai.id : "", .waiting = pgai.waiting};
  if (remove) out.removal = removal_of(pgai);
  return out;
}

Result<void> remove_pgai(pg::Connection& db, const PgaiVectorizer& pgai) {
  return change_table(db, pg::quote_qualified(pgai.source_schema, pgai.source_table), [&]() -> Result<void> {
    for (const std::string& statement : removal_of(pgai)) TRY(db.exec(statement));
    return {};
  });
}

}  // namespace embedd::schema
