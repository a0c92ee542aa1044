#include "schema/traces.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/quoting.h"
#include "schema/made.h"
#include "schema/pgvector.h"
#include "schema/source_table.h"

namespace embedd::schema {
namespace {

/// Of the first user's first version.
const char* const kScore = "similarity * ln(greatest(trust_score, 0) + 2)";
const char* const kTemplate = "{title}\\n{context_text}\\n{solution_text}";
/// Blanks between the parts belong to the parts, and the text loses those at its ends: so parts that are
/// there have one blank between them.
const char* const kContextTemplate =
    "{?context_fingerprint->language}language:{context_fingerprint->language}{/}"
    "{?context_fingerprint->framework} framework:{context_fingerprint->framework}{/}"
    "{?context_fingerprint->os} os:{context_fingerprint->os}{/}"
    "{?context_fingerprint->package_manager} package_manager:{context_fingerprint->package_manager}{/}"
    "{?context_fingerprint->runtime} runtime:{context_fingerprint->runtime}{/}"
    "{?context_fingerprint->environment} environment:{context_fingerprint->environment}{/}";

/// A column that an adopted table must have; the vectorizers check the types.
struct Needed {
  std::string_view name;
  const char* type;  ///< for a table that lacks the column; {}: the schema of the extension vector
  bool full = false;
};
constexpr Needed kNeeded[] = {{"title", "text"},
                              {"context_text", "text"},
                              {"solution_text", "text"},
                              {"embedding", "{}.vector(1536)"},
                              {"embedding_model_id", "varchar(100)"},
                              {"embedding_model_version", "varchar(100)"},
                              {"solution_embedding", "{}.vector(1536)", true},
                              {"context_fingerprint", "jsonb", true},
                              {"context_embedding", "{}.vector(1536)", true}};

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
/// Only of a table that embedd creates.
constexpr const char* kFull[] = {
    R"(ALTER TABLE {0}.traces
  ADD solution_embedding  {1}.vector(1536),
  ADD context_embedding   {1}.vector(1536),
  ADD context_fingerprint jsonb,
  ADD contributor_id      uuid,
  ADD retrieval_count     integer NOT NULL DEFAULT 0,
  ADD last_retrieved_at   timestamptz,
  ADD depth_score         integer NOT NULL DEFAULT 0,
  ADD half_life_days      integer,
  ADD somatic_intensity   double precision NOT NULL DEFAULT 0,
  ADD impact_level        varchar(20) NOT NULL DEFAULT 'normal',
  ADD trace_type          varchar(20) NOT NULL DEFAULT 'episodic',
  ADD convergence_level   integer,
  ADD memory_temperature  varchar(10),
  ADD valid_from          timestamptz,
  ADD valid_until         timestamptz,
  ADD is_flagged          boolean NOT NULL DEFAULT false)",
    R"(CREATE TABLE {0}.trace_relationships (
  source_trace_id   uuid NOT NULL REFERENCES {0}.traces ON DELETE CASCADE,
  target_trace_id   uuid NOT NULL REFERENCES {0}.traces ON DELETE CASCADE,
  relationship_type varchar(30) NOT NULL,
  strength          double precision NOT NULL DEFAULT 1,
  PRIMARY KEY (source_trace_id, target_trace_id, relationship_type)
))",
    "CREATE INDEX trace_relationships_target ON {0}.trace_relationships (target_trace_id)",
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

/// Records the tables that embedd made; `had_tags`: the table `tags` was there before.
Result<void> record_tables(pg::Connection& db, const std::string& schema, bool had_tags,
                           std::initializer_list<std::string_view> tables) {
  for (const std::string_view table : tables)
    if (table != "tags" || !had_tags)
      TRY(record_made(db, Made::Kind::rows, pg::quote_qualified(schema, table), table));
  return {};
}

Result<void> run_each(pg::Connection& db, std::span<const char* const> statements, const std::string& schema,
                      const std::string& extension) {
  for (const char* statement : statements)
    TRY(db.exec(fmt::format(fmt::runtime(statement), pg::quote_identifier(schema), extension)));
  return {};
}

/// An existing table is not altered, so it must have what the vectorizers need.
Result<void> check_adoptable(const SourceTable& table, const TracesOptions& options,
                             const std::string& extension) {
  std::string missing, add;
  for (const Needed& needed : kNeeded) {
    if (table.find(needed.name) || (needed.full && !options.full)) continue;
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", needed.name);
    add += fmt::format("{}ADD {} {}", add.empty() ? "" : ", ", needed.name,
                       fmt::format(fmt::runtime(needed.type), extension));
  }
  if (missing.empty()) return {};
  return fail(ErrorKind::invalid_argument,
              fmt::format("the existing table {0} lacks the columns {1}. As the owner, run: ALTER TABLE {0} "
                          "{2}; or declare your own columns with: embedd vectorizer create",
                          table.quoted(), missing, add));
}

/// An endpoint or model that was named must not be ignored.
Result<void> check_agrees(const VectorizerInfo& info, const TracesOptions& options) {
  if ((!options.endpoint_asked || options.endpoint == info.endpoint) &&
      (!options.model_asked || options.model == info.model))
    return {};
  return fail(ErrorKind::invalid_argument,
              fmt::format("there is a vectorizer {0} already, of model {1} at endpoint {2}. To have another, "
                          "run: embedd vectorizer drop {0}, then this again; its rows are then embedded anew",
                          info.name, info.model, info.endpoint));
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
    TRY(record_tables(db, schema, false, {"traces"}));
    if (options.full) {
      TRY(run_each(db, kFull, schema, extension));
      TRY(record_tables(db, schema, false, {"trace_relationships"}));
    }
    report.created_table = report.created_index = true;
  }
  auto table = TRY(inspect_table(db, pg::quote_qualified(schema, "traces")));
  TRY(check_adoptable(table, options, extension));
  if (options.adopt_only) return {};
  auto tagged = TRY(exists_table(db, schema, "trace_tags"));
  if (tagged || !has_uuid_id(table)) return {};
  const bool had_tags = TRY(exists_table(db, schema, "tags"));
  TRY(run_each(db, kTags, schema, extension));
  return record_tables(db, schema, had_tags, {"tags", "trace_tags"});
}

VectorizerSpec common_spec(const TracesOptions& options, const char* name, const char* text,
                           const char* column) {
  VectorizerSpec spec;
  spec.name = name;
  spec.text = text;
  spec.column = column;
  spec.endpoint = options.endpoint;
  spec.model = options.model;
  return spec;
}

std::vector<VectorizerSpec> specs_of(const TracesOptions& options) {
  std::vector<VectorizerSpec> specs{common_spec(options, kTracesVectorizer, kTemplate, "embedding")};
  specs[0].model_id_column = "embedding_model_id";
  specs[0].model_version_column = "embedding_model_version";
  if (!options.full) return specs;
  specs.push_back(common_spec(options, "traces_solution", "{solution_text}", "solution_embedding"));
  specs[1].where = fmt::format("length(solution_text) >= {}", kLeastSolution);
  specs.push_back(common_spec(options, "traces_context", kContextTemplate, "context_embedding"));
  return specs;
}

Result<TracesReport::Vector> declare(pg::Connection& db, const std::vector<VectorizerInfo>& all,
                                     const VectorizerSpec& spec) {
  if (const auto found = std::ranges::find(all, spec.name, &VectorizerInfo::name); found != all.end())
    return TracesReport::Vector{.vectorizer = *found};
  auto created = TRY(declare_vectorizer(db, spec));
  return TracesReport::Vector{true, std::move(created.info), std::move(created.existing)};
}

}  // namespace

Result<bool> has_traces(pg::Connection& db) {
  auto rows = TRY(db.exec("SELECT to_regclass('traces') IS NOT NULL"));
  return rows.flag(0, 0);
}

Result<TracesReport> init_traces(pg::Connection& db, const TracesOptions& options) {
  TracesReport report;
  const auto all = TRY(list_vectorizers(db));
  std::vector<VectorizerSpec> specs = specs_of(options);
  for (const VectorizerSpec& spec : specs)
    if (const auto found = std::ranges::find(all, spec.name, &VectorizerInfo::name); found != all.end())
      TRY(check_agrees(*found, options));
  std::string schema;
  TRY(db.transaction([&] { return make_tables(db, options, report, schema); }));
  const auto table =
      TRY(db.transaction([&] { return inspect_table(db, pg::quote_qualified(schema, "traces")); }));
  const SourceColumn* trust = table.find("trust_score");
  if (trust != nullptr && trust->category == 'N' && !trust->foreign) specs[0].score = kScore;
  const auto traces = std::ranges::find(all, kTracesVectorizer, &VectorizerInfo::name);
  const bool follow = traces != all.end() && !options.endpoint_asked && !options.model_asked;
  for (VectorizerSpec& spec : specs) {
    if (follow) {
      spec.endpoint = traces->endpoint;
      spec.model = traces->model;
    }
    spec.table = pg::quote_qualified(schema, "traces");
    report.vectors.push_back(TRY(declare(db, all, spec)));
  }
  return report;
}

}  // namespace embedd::schema
