#include "schema/vectorizers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "pg/quoting.h"
#include "schema/adoption.h"
#include "schema/capture_plan.h"
#include "schema/change_table.h"
#include "schema/declaration.h"
#include "schema/existing_store.h"
#include "schema/made.h"
#include "schema/score.h"
#include "schema/sql_text.h"
#include "schema/store.h"
#include "schema/triggers.h"

namespace embedd::schema {
namespace {

// The source by its oid: a renamed table is still the same table. A dropped table keeps its last known name,
// unless it was restored.
std::string select_all(const pg::Connection& db) {
  return fmt::format(R"(
SELECT v.id, v.name, {0}, {1}, v.key_columns,
       v.key_types, v.template, v.filter, v.destination_column, v.destination_type, v.model_id_column,
       v.model_version_column, v.endpoint, v.model, v.dimensions, v.send_dimensions, v.long_texts,
       coalesce(s.nspname, ''), coalesce(s.relname, ''), v.chunk_rule, v.chunk_template,
       v.index_kind, ARRAY(SELECT jsonb_object_keys(v.deferred_indexes)), v.state = 'paused', v.text_sql,
       embedd.types_of(v.id), v.filter_sql, v.key_json_sql, to_char(v.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'),
       coalesce((SELECT o.name FROM embedd.vectorizers o WHERE o.id = v.next_of), ''),
       coalesce((SELECT o.name FROM embedd.vectorizers o WHERE o.id = v.old_of), ''), v.capture_rows,
       v.score, v.score_columns, v.score_types, v.budget_usd_per_day, v.budget_tokens_per_day
FROM embedd.vectorizers v
LEFT JOIN pg_catalog.pg_class c ON c.oid = embedd.source_of(v.id)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT sn.nspname, sc.relname FROM pg_catalog.pg_class sc
                   JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace WHERE sc.oid = v.store) s ON true)",
                     db.readable("coalesce(n.nspname, v.source_schema)::text"),
                     db.readable("coalesce(c.relname, v.source_table)::text"));
}

VectorizerInfo read_info(const pg::Rows& rows, int i) {
  VectorizerInfo out;
  int column = 0;
  out.id = rows.integer(i, column++);
  out.name = rows.text(i, column++);
  out.source_schema = rows.text(i, column++);
  out.source_table = rows.text(i, column++);
  out.key_columns = rows.array(i, column++);
  out.key_types = rows.array(i, column++);
  out.text_template = rows.text(i, column++);
  out.filter = rows.maybe(i, column++);
  out.destination_column = rows.text(i, column++);
  out.destination_type = rows.text(i, column++);
  out.model_id_column = rows.maybe(i, column++);
  out.model_version_column = rows.maybe(i, column++);
  out.endpoint = rows.text(i, column++);
  out.model = rows.text(i, column++);
  out.dimensions = static_cast<int>(rows.integer(i, column++));
  out.send_dimensions = rows.flag(i, column++);
  out.long_texts = rows.text(i, column++);
  out.store_schema = rows.text(i, column++);
  out.store_table = rows.text(i, column++);
  out.chunk_rule = rows.text(i, column++);
  out.chunk_template = rows.text(i, column++);
  out.index_kind = rows.text(i, column++);
  out.deferred_indexes = rows.array(i, column++);
  out.paused = rows.flag(i, column++);
  out.text_sql = rows.text(i, column++);
  out.types_sql = rows.text(i, column++);
  out.filter_sql = rows.maybe(i, column++);
  out.key_json_sql = rows.text(i, column++);
  out.created_at = rows.text(i, column++);
  out.vector_schema = rows.text(i, column++);
  out.next_of = rows.text(i, column++);
  out.old_of = rows.text(i, column++);
  out.capture_rows = rows.flag(i, column++);
  out.score = rows.maybe(i, column++);
  out.score_columns = rows.array(i, column++);
  out.score_types = rows.array(i, column++);
  if (!rows.is_null(i, column)) out.budget.usd = rows.number(i, column);
  if (!rows.is_null(i, ++column)) out.budget.tokens = rows.integer(i, column);
  return out;
}

pg::Param optional_text(const std::string& text) { return text.empty() ? pg::Param() : pg::Param(text); }

std::string text_sql(const Declaration& declared) {
  const TextTypes types = text_types(declared.source);
  return declared.store ? compile_cut_text(declared.text, declared.context, types)
                        : compile_text(declared.text, types);
}

Result<VectorizerId> insert_row(pg::Connection& db, const VectorizerSpec& spec, const Declaration& declared,
                                const CapturePlan& plan) {
  auto rows = db.exec(R"(
INSERT INTO embedd.vectorizers (name, source, source_schema, source_table, key_columns, key_types, key_json_sql,
  template, text_sql, read_columns, read_types, filter, capture_version, destination_column, destination_type, model_id_column,
  model_version_column, endpoint, model, dimensions, send_dimensions, long_texts, index_kind, chunk_rule, chunk_template,
  capture_rows, destination, key_numbers, destination_number)
VALUES ($1, $2::oid::regclass, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, $22, $23, $24, $25, $26, CASE WHEN $24 = '' THEN 'column' ELSE 'table' END,
  ARRAY(SELECT a.attnum FROM unnest($5::text[]) WITH ORDINALITY AS k (name, n)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = $2::oid AND a.attname = k.name ORDER BY k.n),
  CASE WHEN $24 <> '' THEN 0 ELSE
    (SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = $2::oid AND a.attname = $14::text) END)
RETURNING id)",
                      {spec.name,
                       std::to_string(declared.source.oid),
                       declared.source.schema,
                       declared.source.name,
                       pg::array_literal(plan.key_columns),
                       pg::array_literal(plan.key_types),
                       plan.key_json_sql,
                       spec.text,
                       text_sql(declared),
                       pg::array_literal(plan.read),
                       pg::array_literal(own_types(declared.source, plan.read)),
                       optional_text(spec.where),
                       std::to_string(kCaptureVersion),
                       declared.store ? "embedding" : declared.destination->name,
                       declared.store ? declared.store->type_name : declared.destination->type_name,
                       optional_text(spec.model_id_column),
                       optional_text(spec.model_version_column),
                       spec.endpoint,
                       spec.model,
                       std::to_string(declared.dimensions),
                       declared.send_dimensions ? "true" : "false",
                       spec.long_texts,
                       spec.index,
                       declared.store ? spec.chunk : "",
                       spec.chunk_template,
                       spec.capture_rows ? "true" : "false"});
  if (!rows && db.last_sqlstate() == "23505")  // another session committed this name just now
    return fail(ErrorKind::invalid_argument,
                fmt::format("there is a vectorizer {} already; choose another name", spec.name));
  if (!rows) return std::unexpected(rows.error());
  return rows->integer(0, 0);
}

Result<void> run_all(pg::Connection& db, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) TRY(db.exec(statement));
  return {};
}

Result<void> keep_filter(pg::Connection& db, VectorizerId id, const VectorizerSpec& spec,
                         const Declaration& declared) {
  auto call = TRY(create_filter(db, id, declared.source, *declared.filter, spec.where));
  TRY(db.exec("UPDATE embedd.vectorizers SET filter_sql = $2 WHERE id = $1", {std::to_string(id), call}));
  return {};
}

/// Creates the vectorizer of the waiting chunks. The store and the table of waiting chunks exist.
Result<void> declare_chunks(pg::Connection& db, const VectorizerSpec& spec, const CapturePlan& plan,
                            int dimensions) {
  const std::string id = std::to_string(plan.id);
  TRY(db.exec("UPDATE embedd.vectorizers SET store = $2::regclass WHERE id = $1", {id, plan.store->table}));
  if (!plan.store->exists) TRY(record_made(db, Made::Kind::table, plan.store->table, plan.store->name));
  const VectorizerSpec chunks = chunks_spec(spec, plan.id, dimensions);
  TRY(declare_in_transaction(db, chunks));
  TRY(db.exec("UPDATE embedd.vectorizers SET rows_of = $2 WHERE name = $1", {chunks.name, id}));
  return {};
}

Result<void> write_budget(pg::Connection& db, VectorizerId id, const DailyBudget& budget) {
  TRY(db.exec(
      "UPDATE embedd.vectorizers SET budget_usd_per_day = $2, budget_tokens_per_day = $3 WHERE id = $1",
      {std::to_string(id), budget.usd ? pg::Param(fmt::format("{}", *budget.usd)) : pg::Param(),
       budget.tokens ? pg::Param(std::to_string(*budget.tokens)) : pg::Param()}));
  return {};
}

Result<void> set_state(pg::Connection& db, std::string_view name, std::string_view state) {
  auto found = TRY(find_vectorizer(db, name));
  TRY(db.exec("UPDATE embedd.vectorizers SET state = $2 WHERE id = $1 AND state <> $2",
              {std::to_string(found.id), std::string(state)}));
  TRY(db.exec("SELECT pg_notify('embedd', $1)", {std::to_string(found.id)}));
  return {};
}

}  // namespace

Result<Declared> declare_in_transaction(pg::Connection& db, const VectorizerSpec& spec) {
  auto declared = TRY(check_declaration(db, spec));
  CapturePlan plan = TRY(plan_for(db, declared));
  auto id = TRY(insert_row(db, spec, declared, plan));
  plan.id = id;
  if (declared.filter) TRY(keep_filter(db, plan.id, spec, declared));
  if (!spec.score.empty()) TRY(store_score(db, plan.id, declared.source, spec.score));
  if (spec.paused)
    TRY(db.exec("UPDATE embedd.vectorizers SET state = 'paused' WHERE id = $1", {std::to_string(plan.id)}));
  if (spec.budget != DailyBudget()) TRY(write_budget(db, plan.id, spec.budget));
  TRY(run_all(db, queue_ddl(plan)));
  Declared out{.notes = declared.notes};
  if (plan.store) TRY(declare_chunks(db, spec, plan, declared.dimensions));
  auto info = TRY(find_vectorizer(db, spec.name));
  out.info = std::move(info);
  // Before the triggers, which keep the table's users waiting until the transaction ends.
  if (plan.store && !plan.store->exists)
    out.existing.counted = true;  // the store is new, and has none
  else
    out.existing = TRY((plan.store ? take_stock_of_store : take_stock)(db, spec, declared, out.info));
  TRY(run_all(db, capture_ddl(plan)));
  if (plan.store)
    for (const std::string& column : plan.store->added)
      TRY(record_made(db, Made::Kind::column, plan.store->table, column));
  if (spec.view) TRY(create_view(db, *spec.view, declared.source, *plan.store, plan.key_columns));
  if (spec.predecessor) TRY(run_all(db, spec.predecessor->removal));
  TRY(db.exec("SELECT pg_notify('embedd', $1)", {std::to_string(plan.id)}));
  return out;
}

Result<Declared> declare_vectorizer(pg::Connection& db, const VectorizerSpec& spec) {
  return change_table(db, spec.table, [&] { return declare_in_transaction(db, spec); });
}

Result<VectorizerInfo> create_vectorizer(pg::Connection& db, const VectorizerSpec& spec) {
  auto declared = TRY(declare_vectorizer(db, spec));
  return std::move(declared.info);
}

Result<std::vector<VectorizerInfo>> list_vectorizers(pg::Connection& db) {
  auto rows = TRY(db.exec(select_all(db) + " WHERE v.rows_of IS NULL ORDER BY v.name"));
  std::vector<VectorizerInfo> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(read_info(rows, i));
  return out;
}

Result<VectorizerInfo> find_vectorizer(pg::Connection& db, std::string_view name) {
  auto rows = TRY(db.exec(select_all(db) + " WHERE v.name = $1", {std::string(name)}));
  if (!rows.empty()) return read_info(rows, 0);
  auto all = TRY(list_vectorizers(db));
  if (all.empty())
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("there is no vectorizer {}, nor any other; make one with: embedd vectorizer create",
                    name));
  std::vector<std::string_view> names;
  for (const VectorizerInfo& info : all) names.push_back(info.name);
  return fail(ErrorKind::invalid_argument,
              fmt::format("there is no vectorizer {}.{} See: embedd vectorizer list", name,
                          did_you_mean(name, names)));
}

Result<void> pause_vectorizer(pg::Connection& db, std::string_view name) {
  return set_state(db, name, "paused");
}

Result<void> resume_vectorizer(pg::Connection& db, std::string_view name) {
  return set_state(db, name, "active");
}

Result<DailyBudget> change_budget(pg::Connection& db, std::string_view name, const BudgetChange& change) {
  return db.transaction([&]() -> Result<DailyBudget> {
    const auto found = TRY(find_vectorizer(db, name));
    const std::string id = std::to_string(found.id);
    DailyBudget budget = found.budget;
    if (change.usd) budget.usd = *change.usd;
    if (change.tokens) budget.tokens = *change.tokens;
    TRY(write_budget(db, found.id, budget));
    TRY(db.exec("SELECT pg_notify('embedd', $1)", {id}));
    return budget;
  });
}

Result<void> check_may_change(pg::Connection& db, const VectorizerInfo& info) {
  auto rows =
      TRY(db.exec("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass($1) AND NOT "
                  "pg_has_role(relowner, "
                  "'USAGE')",
                  {queue_table(info.id)}));
  if (rows.empty()) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("the vectorizer {} was created by the role {}: run this as {}", info.name,
                          rows.view(0, 0), rows.view(0, 0)));
}

Result<void> drop_in_transaction(pg::Connection& db, const VectorizerInfo& info, bool keep) {
  const std::string id = std::to_string(info.id);
  // Nothing else uses the waiting chunks.
  const auto chunks = TRY(db.exec("SELECT id FROM embedd.vectorizers WHERE rows_of = $1", {id}));
  for (int i = 0; i < chunks.size(); ++i) {
    TRY(run_all(db, drop_ddl(chunks.integer(i, 0), false)));
    TRY(db.exec("DELETE FROM embedd.missed_changes WHERE vectorizer_id = $1", {chunks.text(i, 0)}));
  }
  const bool proofs = keep && !info.stores() ? TRY(keep_proofs(db, info.id)) : false;
  TRY(run_all(db, drop_ddl(info.id, proofs)));
  return run_all(db, {"DROP FUNCTION IF EXISTS " + filter_function(info.id),
                      "DROP FUNCTION IF EXISTS " + score_function(info.id),
                      "DELETE FROM embedd.missed_changes WHERE vectorizer_id = " + id,
                      "DELETE FROM embedd.vectorizers WHERE id = " + id});
}

Result<void> drop_vectorizer(pg::Connection& db, std::string_view name) {
  auto found = TRY(find_vectorizer(db, name));
  TRY(check_may_change(db, found));
  const std::string table = pg::quote_qualified(found.source_schema, found.source_table);
  return change_table(db, table, [&] { return drop_in_transaction(db, found, true); });
}

Result<std::optional<double>> seconds_since_walks(pg::Connection& db) {
  auto rows = TRY(
      db.exec("SELECT coalesce(extract(epoch FROM now() - min(walked_at)), 0), coalesce(bool_or(walked_at IS "
              "NULL), false) FROM embedd.vectorizers WHERE state = 'active'"));
  if (rows.flag(0, 1)) return std::nullopt;
  return rows.number(0, 0);
}

Result<std::int64_t> estimate_rows(pg::Connection& db, const VectorizerInfo& vectorizer) {
  // A partitioned table has no count of its own until somebody analyses it; add up its leaves.
  auto rows = TRY(db.exec(R"(
SELECT coalesce(sum(nullif(greatest(c.reltuples, -1), -1)), -1)::bigint FROM pg_class c
WHERE c.oid = to_regclass($1) AND c.relkind <> 'p'
   OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)) WHERE isleaf))",
                          {pg::quote_qualified(vectorizer.source_schema, vectorizer.source_table)}));
  return rows.integer(0, 0);
}

}  // namespace embedd::schema
