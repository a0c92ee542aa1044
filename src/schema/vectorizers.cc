#include "schema/vectorizers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "pg/quoting.h"
#include "schema/adoption.h"
#include "schema/change_table.h"
#include "schema/declaration.h"
#include "schema/existing_store.h"
#include "schema/pgvector.h"
#include "schema/sql_text.h"
#include "schema/store.h"
#include "schema/triggers.h"

namespace embedd::schema {
namespace {

// The source by its oid: a renamed table is still the same table. A dropped one keeps its last known name,
// unless it is there again.
std::string select_all(const pg::Connection& db) {
  return fmt::format(R"(
SELECT v.id, v.name, {0}, {1}, v.key_columns,
       v.key_types, v.template, v.filter, v.destination_column, v.destination_type, v.model_id_column,
       v.model_version_column, v.endpoint, v.model, v.dimensions, v.send_dimensions, v.long_texts,
       coalesce(s.nspname, ''), coalesce(s.relname, ''), v.chunk_rule, v.chunk_template,
       v.index_kind, ARRAY(SELECT jsonb_object_keys(v.deferred_indexes)), v.state = 'paused', v.text_sql,
       embedd.types_of(v.id), v.filter_sql, v.key_json_sql, to_char(v.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector')
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
  return out;
}

pg::Param optional_text(const std::string& text) { return text.empty() ? pg::Param() : pg::Param(text); }

/// Of `names`, those whose type is not PostgreSQL's own.
std::set<std::string> foreign_of(const SourceTable& source, const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (const std::string& name : names)
    if (source.find(name)->foreign) out.insert(name);
  return out;
}

TextTypes text_types(const SourceTable& source) {
  TextTypes out;
  for (const SourceColumn& column : source.columns) {
    if (column.foreign) out.foreign.insert(column.name);
    if (column.category == 'A') out.arrays.insert(column.name);
  }
  return out;
}

std::vector<std::string> own_types(const SourceTable& source, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(source.find(name)->own_type);
  return out;
}

/// A vector out of line, as pg_column_size() has it, which leaves out the header of four bytes: two numbers
/// of two bytes each, and the elements.
int stored_bytes(const Declaration& declared) {
  if (declared.destination->modifier <= 0) return 0;
  return 4 + declared.destination->modifier * (declared.destination->type_name == "halfvec" ? 2 : 4);
}

CapturePlan plan_for(const Declaration& declared) {
  CapturePlan plan;
  plan.source = declared.source.quoted();
  plan.by_row = declared.source.by_row;
  plan.key_columns = declared.key;
  plan.key_own_types = own_types(declared.source, declared.key);
  for (const std::string& name : declared.key) {
    const SourceColumn* column = declared.source.find(name);
    plan.key_types.push_back(column->base_type);
    plan.key_collations.push_back(column->collation);
  }
  const auto read = [&plan](const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (std::ranges::find(plan.read, name) == plan.read.end()) plan.read.push_back(name);
  };
  read(declared.text.columns());
  for (const Template::Value& value : declared.context) read({value.column});
  if (declared.filter) read(declared.filter->columns);
  read(declared.key);
  plan.store = declared.store;
  if (declared.destination) {
    plan.destination = declared.destination->name;
    plan.destination_type = declared.destination->own_type;
    plan.destination_base_type = declared.destination->base_type;
    plan.stored_bytes = stored_bytes(declared);
  }
  plan.key_json_sql =
      compile_key_json(plan.key_columns, plan.key_types, foreign_of(declared.source, plan.key_columns));
  return plan;
}

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
  destination, key_numbers, destination_number)
VALUES ($1, $2::oid::regclass, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, $22, $23, $24, $25, CASE WHEN $24 = '' THEN 'column' ELSE 'table' END,
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
                       spec.chunk_template});
  if (!rows && db.last_sqlstate() == "23505")  // somebody else's, committed since we looked
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

/// A superuser gives the trigger functions to kCaptureRole, so that nothing runs with a superuser's rights on
/// behalf of whoever writes to the table. That role then looks the key's types up by name.
Result<bool> prepare_capture_role(pg::Connection& db, const Declaration& declared) {
  auto may = TRY(db.exec(
      "SELECT rolsuper AND EXISTS (SELECT FROM pg_roles WHERE rolname = $1) FROM pg_roles WHERE rolname = "
      "current_user",
      {kCaptureRole}));
  if (!may.flag(0, 0)) return false;
  std::vector<std::string> columns = declared.key;
  if (declared.destination) columns.push_back(declared.destination->name);
  const auto lacking = [&] {
    return db.exec(
        "SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $3::text) FROM pg_attribute a "
        "JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace "
        "OR n.nspname = $4 OR n.oid = (SELECT extnamespace FROM pg_extension WHERE extname = 'vector') WHERE "
        "a.attrelid = "
        "$1::oid AND a.attname = ANY ($2::text[]) AND n.nspname <> 'pg_catalog' AND NOT "
        "EXISTS (SELECT FROM aclexplode(n.nspacl) g WHERE g.grantee = $3::regrole AND g.privilege_type = "
        "'USAGE')",
        {std::to_string(declared.source.oid), pg::array_literal(columns), kCaptureRole,
         declared.store ? pg::Param(declared.store->schema) : pg::Param()});
  };
  auto grants = lacking();
  if (grants && !grants->empty()) {
    // PostgreSQL lets no two transactions at once grant anything on one schema.
    TRY(db.exec("SELECT pg_advisory_xact_lock(111516266161254)"));
    grants = lacking();
  }
  if (!grants) return std::unexpected(grants.error());
  for (int i = 0; i < grants->size(); ++i) TRY(db.exec(grants->text(i, 0)));
  return true;
}

Result<Declared> create_in_transaction(pg::Connection& db, const VectorizerSpec& spec);

/// The store is there, and so are the tables of waiting chunks: what embeds those.
Result<void> declare_chunks(pg::Connection& db, const VectorizerSpec& spec, const CapturePlan& plan,
                            int dimensions) {
  const std::string id = std::to_string(plan.id);
  TRY(db.exec("UPDATE embedd.vectorizers SET store = $2::regclass WHERE id = $1", {id, plan.store->table}));
  const VectorizerSpec chunks = chunks_spec(spec, plan.id, dimensions);
  TRY(create_in_transaction(db, chunks));
  TRY(db.exec("UPDATE embedd.vectorizers SET rows_of = $2 WHERE name = $1", {chunks.name, id}));
  return {};
}

Result<Declared> create_in_transaction(pg::Connection& db, const VectorizerSpec& spec) {
  auto declared = TRY(check_declaration(db, spec));
  CapturePlan plan = plan_for(declared);
  plan.vector_type = TRY(find_pgvector(db)).schema + ".vector";
  auto by_role = TRY(prepare_capture_role(db, declared));
  plan.by_role = by_role;
  plan.tells_toast_apart = db.server_version() >= 170000;
  auto id = TRY(insert_row(db, spec, declared, plan));
  plan.id = id;
  if (declared.filter) TRY(keep_filter(db, plan.id, spec, declared));
  TRY(run_all(db, queue_ddl(plan)));
  Declared out{.remarks = declared.remarks};
  if (plan.store) TRY(declare_chunks(db, spec, plan, declared.dimensions));
  auto info = TRY(find_vectorizer(db, spec.name));
  out.info = std::move(info);
  // Before the triggers, which keep the table's users waiting until the transaction ends.
  if (plan.store && !plan.store->exists)
    out.existing.counted = true;  // it is new, and holds none
  else
    out.existing = TRY((plan.store ? take_stock_of_store : take_stock)(db, spec, declared, out.info));
  TRY(run_all(db, capture_ddl(plan)));
  if (spec.predecessor) TRY(run_all(db, spec.predecessor->removal));
  TRY(db.exec("SELECT pg_notify('embedd', $1)", {std::to_string(plan.id)}));
  return out;
}

Result<void> set_state(pg::Connection& db, std::string_view name, std::string_view state) {
  auto found = TRY(find_vectorizer(db, name));
  TRY(db.exec("UPDATE embedd.vectorizers SET state = $2 WHERE id = $1 AND state <> $2",
              {std::to_string(found.id), std::string(state)}));
  TRY(db.exec("SELECT pg_notify('embedd', $1)", {std::to_string(found.id)}));
  return {};
}

}  // namespace

Result<Declared> declare_vectorizer(pg::Connection& db, const VectorizerSpec& spec) {
  return change_table(db, spec.table, [&] { return create_in_transaction(db, spec); });
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

namespace {

/// Whoever created it may drop it, and so may superusers. Its tables tell.
Result<void> check_may_drop(pg::Connection& db, const VectorizerInfo& info) {
  auto rows =
      TRY(db.exec("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass($1) AND NOT "
                  "pg_has_role(relowner, "
                  "'USAGE')",
                  {queue_table(info.id)}));
  if (rows.empty()) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("the vectorizer {} was created by the role {}: drop it as {}", info.name,
                          rows.view(0, 0), rows.view(0, 0)));
}

}  // namespace

Result<void> drop_vectorizer(pg::Connection& db, std::string_view name) {
  auto found = TRY(find_vectorizer(db, name));
  TRY(check_may_drop(db, found));
  const std::string table = pg::quote_qualified(found.source_schema, found.source_table);
  return change_table(db, table, [&]() -> Result<void> {
    const std::string id = std::to_string(found.id);
    // The chunks that wait are of no use to anybody else.
    const auto chunks = TRY(db.exec("SELECT id FROM embedd.vectorizers WHERE rows_of = $1", {id}));
    for (int i = 0; i < chunks.size(); ++i) {
      TRY(run_all(db, drop_ddl(chunks.integer(i, 0), false)));
      TRY(db.exec("DELETE FROM embedd.missed_changes WHERE vectorizer_id = $1", {chunks.text(i, 0)}));
    }
    const bool proofs = found.stores() ? false : TRY(keep_proofs(db, found.id));
    TRY(run_all(db, drop_ddl(found.id, proofs)));
    return run_all(db, {"DROP FUNCTION IF EXISTS " + filter_function(found.id),
                        "DELETE FROM embedd.missed_changes WHERE vectorizer_id = " + id,
                        "DELETE FROM embedd.vectorizers WHERE id = " + id});
  });
}

Result<std::optional<double>> seconds_since_walks(pg::Connection& db) {
  auto rows = TRY(db.exec(
      "SELECT coalesce(extract(epoch FROM now() - min(reconciled_at)), 0), coalesce(bool_or(reconciled_at IS "
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
