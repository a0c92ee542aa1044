#include "schema/traces.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/quoting.h"
#include "schema/pgvector.h"
#include "schema/source_table.h"

namespace embedd::schema {
namespace {

const char* const kVectorizer = "traces";
const char* const kTemplate = "{title}\\n{context_text}\\n{solution_text}";

/// Columns that an adopted table must have; the vectorizer checks their types.
constexpr std::string_view kNeeded[] = {"title",     "context_text",       "solution_text",
                                        "embedding", "embedding_model_id", "embedding_model_version"};

/// {0}: the quoted schema, {1}: the schema of the extension vector.
constexpr const char* kTables[] = {
    R"(CREATE TABLE {0}.traces (
  id                      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  title                   text NOT NULL,
  context_text            text NOT NULL,
  solution_text           text NOT NULL,
  embedding               {1}.vector(1536),
  embedding_model_id      varchar(100),
  embedding_model_version varchar(100),
  status                  varchar(20) NOT NULL DEFAULT 'published',
  trust_score             double precision NOT NULL DEFAULT 0,
  created_at              timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now()
))",
    R"(CREATE INDEX traces_embedding_hnsw ON {0}.traces USING hnsw (embedding {1}.vector_cosine_ops)
  WITH (m = 16, ef_construction = 64))",
    "CREATE INDEX traces_trust_score ON {0}.traces (trust_score DESC)",
};
constexpr const char* kTags[] = {
    R"(CREATE TABLE IF NOT EXISTS {0}.tags (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
))",
    R"(CREATE TABLE {0}.trace_tags (
  trace_id uuid NOT NULL REFERENCES {0}.traces ON DELETE CASCADE,
  tag_id   bigint NOT NULL REFERENCES {0}.tags ON DELETE CASCADE,
  PRIMARY KEY (trace_id, tag_id)
))",
    "CREATE INDEX trace_tags_tag ON {0}.trace_tags (tag_id, trace_id)",
};

Result<std::string> one_text(pg::Connection& db, const std::string& sql,
                             std::initializer_list<pg::Param> params = {}) {
  auto rows = TRY(db.exec(sql, params));
  return rows.empty() ? std::string() : rows.text(0, 0);
}

Result<bool> exists_table(pg::Connection& db, const std::string& schema, const std::string& table) {
  auto rows = TRY(
      db.exec("SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND "
              "c.relname = $2",
              {schema, table}));
  return !rows.empty();
}

/// The schema of an existing table `traces`, else the schema for a new one.
Result<std::string> choose_schema(pg::Connection& db, const TracesOptions& options) {
  if (!options.schema.empty()) return options.schema;
  auto found = one_text(db,
                        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                        "WHERE c.oid = to_regclass('traces')");
  if (!found || !found->empty()) return found;
  auto current = one_text(db, "SELECT current_schema()");
  if (!current) return current;
  if (current->empty())
    return fail(ErrorKind::invalid_argument, "the search_path names no schema; give one with --schema");
  return current;
}

Result<void> run_each(pg::Connection& db, std::span<const char* const> statements, const std::string& schema,
                      const std::string& extension) {
  for (const char* statement : statements)
    TRY(db.exec(fmt::format(fmt::runtime(statement), pg::quote_identifier(schema), extension)));
  return {};
}

/// An existing table is not altered, so it must have what the vectorizer needs.
Result<void> check_adoptable(const SourceTable& table) {
  std::string missing;
  for (const std::string_view column : kNeeded)
    if (!table.find(column)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", column);
  if (missing.empty()) return {};
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("the existing table {} lacks the columns {}; add them, or declare your own columns with: "
                  "embedd vectorizer create",
                  table.quoted(), missing));
}

/// An endpoint or model that was named must not be ignored.
Result<void> check_agrees(const VectorizerInfo& info, const TracesOptions& options) {
  if ((!options.endpoint_asked || options.endpoint == info.endpoint) &&
      (!options.model_asked || options.model == info.model))
    return {};
  return fail(ErrorKind::invalid_argument,
              fmt::format("there is a vectorizer {0} already, of model {1} at endpoint {2}. To have another, "
                          "run: embedd vectorizer drop {0}, then this again; its rows are then embedded anew",
                          kVectorizer, info.model, info.endpoint));
}

/// A table with another key keeps its own tags.
bool has_uuid_id(const SourceTable& table) {
  const SourceColumn* id = table.find("id");
  return id && id->type_name == "uuid" && table.primary_key == std::vector<std::string>{"id"};
}

/// The lock keeps two `traces init` from creating the same tables.
Result<void> make_tables(pg::Connection& db, const TracesOptions& options, TracesReport& report,
                         std::string& schema) {
  TRY(db.exec("SELECT pg_advisory_xact_lock(111516266161253)"));
  auto chosen = TRY(choose_schema(db, options));
  schema = chosen;
  const std::string extension = TRY(find_pgvector(db)).schema;
  auto exists = TRY(exists_table(db, schema, "traces"));
  if (!exists && options.adopt_only)
    return fail(ErrorKind::misconfigured, fmt::format("there is no table {} yet, and --adopt-only makes none",
                                                      pg::quote_qualified(schema, "traces")));
  if (!exists) {
    TRY(run_each(db, kTables, schema, extension));
    report.created_table = report.created_index = true;
  }
  auto table = TRY(inspect_table(db, pg::quote_qualified(schema, "traces")));
  TRY(check_adoptable(table));
  if (options.adopt_only) return {};
  auto tagged = TRY(exists_table(db, schema, "trace_tags"));
  if (!tagged && has_uuid_id(table)) return run_each(db, kTags, schema, extension);
  return {};
}

}  // namespace

Result<bool> has_traces(pg::Connection& db) {
  auto rows = TRY(db.exec("SELECT to_regclass('traces') IS NOT NULL"));
  return rows.flag(0, 0);
}

Result<TracesReport> init_traces(pg::Connection& db, const TracesOptions& options) {
  TracesReport report;
  auto all = TRY(list_vectorizers(db));
  const auto existing = std::ranges::find(all, kVectorizer, &VectorizerInfo::name);
  if (existing != all.end()) TRY(check_agrees(*existing, options));
  std::string schema;
  TRY(db.transaction([&] { return make_tables(db, options, report, schema); }));
  if (existing != all.end()) {
    report.vectorizer = std::move(*existing);
    return report;
  }
  VectorizerSpec spec;
  spec.name = kVectorizer;
  spec.table = pg::quote_qualified(schema, "traces");
  spec.text = kTemplate;
  spec.column = "embedding";
  spec.model_id_column = "embedding_model_id";
  spec.model_version_column = "embedding_model_version";
  spec.endpoint = options.endpoint;
  spec.model = options.model;
  auto created = TRY(declare_vectorizer(db, spec));
  report.created_vectorizer = true;
  report.vectorizer = std::move(created.info);
  report.existing = std::move(created.existing);
  return report;
}

}  // namespace embedd::schema
