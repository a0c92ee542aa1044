#include "schema/vector_index.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pg/quoting.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

constexpr int kVectorLimit = 2000;   ///< pgvector's limit for an index over vector
constexpr int kHalfvecLimit = 4000;  ///< pgvector's limit for an index over halfvec
constexpr std::int64_t kCountLimit = 10'000;

template <typename... Arguments>
std::unexpected<Error> wrong(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Arguments>(arguments)...));
}

std::string table_of(const VectorizerInfo& v) {
  return pg::quote_qualified(v.vectors_schema(), v.vectors_table());
}

}  // namespace

Result<void> check_index_kind(const SourceTable& table, const SourceColumn& column, std::string_view kind,
                              int dimensions) {
  if (kind == "none") return {};
  if (kind != "hnsw" && kind != "halfvec" && kind != "ivfflat")
    return wrong("an index can be hnsw, halfvec, ivfflat or none, not '{}'", kind);
  if (table.partitioned)
    return wrong(
        "{} is partitioned, and PostgreSQL builds no index of a partitioned table while it is in use; choose "
        "--index none, and CREATE INDEX CONCURRENTLY on each partition",
        table.quoted());
  const bool half = kind == "halfvec" || column.type_name == "halfvec";
  if (column.modifier <= 0 && !(half && column.type_name == "vector"))
    return wrong(
        "the column '{0}' is of type {1} without dimensions, which no {2} index takes; run: ALTER TABLE {3} "
        "ALTER COLUMN {4} TYPE {1}({5})",
        column.name, column.type_name, kind, table.quoted(), pg::quote_identifier(column.name), dimensions);
  if (half && dimensions > kHalfvecLimit)
    return wrong(
        "no index takes more than 4,000 dimensions, and '{}' has {}; choose --index none, or a column of "
        "fewer "
        "dimensions and a model that can give them",
        column.name, dimensions);
  if (!half && dimensions > kVectorLimit && dimensions <= kHalfvecLimit)
    return wrong(
        "an index of kind {} takes up to 2,000 dimensions, and '{}' has {}; choose --index halfvec, which "
        "takes up to 4,000",
        kind, column.name, dimensions);
  if (!half && dimensions > kVectorLimit)
    return wrong(
        "an index of kind {} takes up to 2,000 dimensions, halfvec up to 4,000, and '{}' has {}; choose "
        "--index "
        "none, or a column of fewer dimensions and a model that can give them",
        kind, column.name, dimensions);
  return {};
}

std::optional<std::string> index_note(const SourceColumn& column, std::string_view kind, int dimensions) {
  if (kind != "none" || dimensions <= kVectorLimit) return std::nullopt;
  if (dimensions > kHalfvecLimit)
    return fmt::format(
        "no index of pgvector's takes the {} dimensions of '{}', but 4,000 at most: each search reads all "
        "rows",
        dimensions, column.name);
  if (column.type_name == "halfvec") return std::nullopt;
  return fmt::format(
      "of the {} dimensions of '{}' only an index of half precision can be made: --index halfvec, now or "
      "with "
      "embedd vectorizer reindex",
      dimensions, column.name);
}

Result<std::vector<VectorIndex>> vector_indexes(pg::Connection& db, const VectorizerInfo& v) {
  const bool half = v.index_kind == "halfvec" || v.destination_type == "halfvec";
  return db.transaction([&]() -> Result<std::vector<VectorIndex>> {
    // So that PostgreSQL qualifies every name in a definition.
    TRY(db.exec("SELECT set_config('search_path', '', true)"));
    auto rows =
        TRY(db.exec(R"(
SELECT c.relname, pg_get_indexdef(c.oid), i.indisvalid,
       i.indisvalid AND i.indpred IS NULL AND am.amname = $3 AND o.opcname = $4
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
JOIN pg_opclass o ON o.oid = i.indclass[0]
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = $2
WHERE i.indrelid = to_regclass($1) AND am.amname IN ('hnsw', 'ivfflat')
  AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)
ORDER BY c.relname)",
                    {table_of(v), v.destination_column, v.index_kind == "ivfflat" ? "ivfflat" : "hnsw",
                     half ? "halfvec_cosine_ops" : "vector_cosine_ops"}));
    std::vector<VectorIndex> out;
    for (int i = 0; i < rows.size(); ++i)
      out.push_back({rows.text(i, 0), rows.text(i, 1), rows.flag(i, 2), rows.flag(i, 3)});
    return out;
  });
}

/// Only an owner may create or drop an index; PostgreSQL's error does not name the owner.
Result<void> check_index_owner(pg::Connection& db, const VectorizerInfo& v) {
  auto rows = TRY(db.exec(
      "SELECT pg_has_role(c.relowner, 'USAGE'), current_user, r.rolname, "
      "has_table_privilege('embedd.vectorizers', 'UPDATE') FROM pg_class c JOIN pg_roles r ON r.oid = "
      "c.relowner WHERE c.oid = to_regclass($1)",
      {table_of(v)}));
  if (rows.empty()) return fail(ErrorKind::misconfigured, fmt::format("{} is gone", table_of(v)));
  if (!rows.flag(0, 0))
    return fail(ErrorKind::misconfigured,
                fmt::format("the role {} does not own {}, and only an owner may build or drop its indexes; "
                            "run this as {}",
                            rows.view(0, 1), table_of(v), rows.view(0, 2)));
  if (!rows.flag(0, 3))
    return fail(
        ErrorKind::misconfigured,
        fmt::format("the role {0} lacks a privilege; as the owner, run: GRANT UPDATE ON embedd.vectorizers "
                    "TO {0}",
                    db.quote_identifier(rows.view(0, 1))));
  return {};
}

Result<std::string> find_text_index(pg::Connection& db, const VectorizerInfo& info) {
  const std::string name = pg::quote_qualified(info.vectors_schema(), text_index(info.id));
  const auto rows =
      TRY(db.exec("SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid", {name}));
  return rows.empty() ? "" : name;
}

Result<bool> index_wanted(pg::Connection& db, const VectorizerInfo& v) {
  if (!v.deferred_indexes.empty()) return true;
  if (v.index_kind == "none") return false;
  auto indexes = TRY(vector_indexes(db, v));
  return std::ranges::none_of(indexes, &VectorIndex::serves);
}

Result<Backlog> read_backlog(pg::Connection& db, const VectorizerInfo& v) {
  const std::string queue = queue_table(v.id);
  auto rows = TRY(db.exec(fmt::format(R"(
SELECT v.walked_at IS NOT NULL, v.state = 'paused',
       (SELECT count(*) FROM (SELECT FROM {0} LIMIT {1}) bounded),
       (SELECT reltuples::bigint FROM pg_class WHERE oid = '{0}'::regclass),
       EXISTS (SELECT FROM embedd.workers WHERE NOT stopped AND seen_at > now() - interval '1 minute')
FROM embedd.vectorizers v WHERE v.id = $1)",
                                      queue, kCountLimit),
                          {std::to_string(v.id)}));
  if (rows.empty()) return wrong("the vectorizer {} was dropped", v.name);
  Backlog out;
  out.walked = rows.flag(0, 0);
  out.paused = rows.flag(0, 1);
  out.jobs = rows.integer(0, 2);
  if (out.jobs >= kCountLimit) out.jobs = std::max(out.jobs, rows.integer(0, 3));
  out.worker_running = rows.flag(0, 4);
  auto estimate = TRY(estimate_rows(db, v));
  out.rows = estimate;
  return out;
}

Result<VectorizerInfo> choose_index(pg::Connection& db, std::string_view name, std::string_view kind) {
  auto found = TRY(find_vectorizer(db, name));
  TRY(check_index_owner(db, found));
  TRY(db.transaction([&]() -> Result<void> {
    const auto table = TRY(inspect_table(db, table_of(found)));
    const SourceColumn* column = table.find(found.destination_column);
    if (!column) return wrong("{} has no column '{}' any more", table.quoted(), found.destination_column);
    TRY(check_index_kind(table, *column, kind, found.dimensions));
    TRY(db.exec("UPDATE embedd.vectorizers SET index_kind = $2 WHERE id = $1",
                {std::to_string(found.id), std::string(kind)}));
    return {};
  }));
  return find_vectorizer(db, name);
}

namespace {

/// The column's indexes, for a role that may drop them.
Result<std::vector<VectorIndex>> own_indexes(pg::Connection& db, const VectorizerInfo& v) {
  TRY(check_index_owner(db, v));
  return vector_indexes(db, v);
}

std::vector<std::string> names_of(const std::vector<VectorIndex>& indexes) {
  std::vector<std::string> names;
  for (const VectorIndex& index : indexes) names.push_back(index.name);
  return names;
}

}  // namespace

Result<std::vector<std::string>> deferrable_indexes(pg::Connection& db, const VectorizerInfo& v) {
  auto indexes = TRY(own_indexes(db, v));
  return names_of(indexes);
}

Result<void> defer_indexes(pg::Connection& db, const VectorizerInfo& v, std::span<const std::string> names) {
  auto indexes = TRY(own_indexes(db, v));
  const std::vector<std::string> there = names_of(indexes);
  for (const std::string& name : names)
    if (std::ranges::find(there, name) == there.end() &&
        std::ranges::find(v.deferred_indexes, name) == v.deferred_indexes.end())
      return wrong("{} is no vector index of the column '{}'; there is: {}", name, v.destination_column,
                   fmt::join(there, ", "));
  for (const VectorIndex& index : indexes) {
    if (std::ranges::find(names, index.name) == names.end()) continue;
    // Recorded first, then dropped: the definition is never lost.
    TRY(db.exec(
        "UPDATE embedd.vectorizers SET deferred_indexes = deferred_indexes || jsonb_build_object($2::text, "
        "$3::text) WHERE id = $1",
        {std::to_string(v.id), index.name, index.definition}));
    TRY(db.exec("DROP INDEX CONCURRENTLY " + pg::quote_qualified(v.vectors_schema(), index.name)));
  }
  return {};
}

}  // namespace embedd::schema
