#include "search/traces.h"

#include <fmt/format.h>

#include <utility>

#include "pg/quoting.h"
#include "search/forms.h"
#include "search/search.h"
#include "search/trace_statement.h"

namespace embedd::search {
namespace {

/// How much longer than the statement's own limit the client waits for the server.
constexpr Duration kGrace = seconds(1);
/// An index scan that does not go on by itself looks at more rows, so that flagged ones cost no hits.
constexpr int kEffortAtOnce = 200;
constexpr int kHalfvecProposals = 4;

constexpr std::string_view kFields[] = {
    // Of a search:
    "status", "trust_score", "contributor_id", "contributor_name", "created_at", "retrieval_count",
    "depth_score", "somatic_intensity", "impact_level", "trace_type", "context_fingerprint",
    "convergence_level", "memory_temperature", "valid_from", "valid_until",
    // Of a trace that is read:
    "updated_at", "confirmation_count", "half_life_days", "is_stale", "is_flagged"};
constexpr std::size_t kSearchFields = 15;

/// Columns of traces_rows.sql.
enum Column : int {
  kNumber,
  kId,
  kSimilarity,
  kScore,
  kTitle,
  kContext,
  kSolution,
  kTrust,
  kTags,
  kRelated,
  kFirstField
};

/// Runs the statement in a transaction that can write nothing.
Result<pg::Rows> read(pg::OneTrip& trip, const Subject& subject, Statement statement, Instant deadline) {
  trip.clear();
  Request effort{.candidates = subject.pgvector.iterative_scan ? kTraceEffort : kEffortAtOnce};
  effort.filter.emplace();  // there is always a condition
  auto outcome =
      trip.run({.settings = settings_statement(subject, effort, deadline - std::chrono::steady_clock::now()),
                .sql = std::move(statement.sql),
                .params = std::move(statement.params)},
               deadline + kGrace);
  if (outcome) return std::move(outcome->rows);
  if (trip.last_sqlstate() == "57014")
    return fail(ErrorKind::canceled, "the search took too long: narrow it");
  return std::unexpected(std::move(outcome.error()));
}

/// Whether the row t is shown to searches.
std::string visible(TraceStatement& statement, const TraceTables& tables) {
  const schema::SourceColumn* flagged = tables.traces().find("is_flagged");
  if (flagged == nullptr || flagged->type != "boolean") return "true";
  return statement.column("is_flagged") + " IS NOT TRUE";
}

std::string unexpired(TraceStatement& statement, const TraceTables& tables) {
  const schema::SourceColumn* until = tables.traces().find("valid_until");
  if (until == nullptr || until->category != 'D' || until->foreign) return "";
  const std::string column = statement.column("valid_until");
  return fmt::format(
      " AND ({0} IS NULL OR {0}::pg_catalog.timestamptz OPERATOR(pg_catalog.>=) pg_catalog.now())", column);
}

/// Whether the vector in the row t is of the query's model: a table may have vectors of another one until
/// they are replaced.
std::string of_same_model(TraceStatement& statement, const schema::VectorizerInfo& info) {
  if (!info.model_id_column) return "";
  return fmt::format(" AND {}::pg_catalog.text OPERATOR(pg_catalog.=) {}",
                     statement.column(*info.model_id_column), statement.bind(info.model));
}

/// Sets the placeholders for the tables of tags.
void set_tag_tables(TraceStatement& statement, const TraceTables& tables) {
  const schema::SourceTable &tags = tables.tags->table, &links = tables.links->table;
  statement.set("tag_table", tags.quoted());
  statement.set("links", links.quoted());
  for (const char* name : {"id", "name"}) statement.column("g", tags, name);
  for (const char* name : {"trace_id", "tag_id"}) statement.column("l", links, name);
}

std::string tags_of_hit(TraceStatement& statement, const TraceTables& tables) {
  if (!tables.tags) return "ARRAY[]::pg_catalog.text[]";
  set_tag_tables(statement, tables);
  return fmt::format(
      "ARRAY(SELECT {} COLLATE pg_catalog.\"C\" FROM {} l JOIN {} g ON g.\"id\" OPERATOR(pg_catalog.=) "
      "l.\"tag_id\" WHERE l.\"trace_id\" OPERATOR(pg_catalog.=) h.id ORDER BY 1)",
      statement.readable("g.\"name\"::pg_catalog.text"), tables.links->table.quoted(),
      tables.tags->table.quoted());
}

Result<std::string> related_to_hit(TraceStatement& statement, const TraceTables& tables,
                                   const std::optional<Filter>& mandatory) {
  if (!tables.relationships) return "'[]'::pg_catalog.text";
  const schema::SourceTable& table = tables.relationships->table;
  for (const char* name : {"source_trace_id", "target_trace_id", "relationship_type", "strength"})
    statement.column("m", table, name);
  const pg::Words words{{"title", statement.text("title")},
                        {"relationships", table.quoted()},
                        {"source", tables.traces().quoted()},
                        {"visible", visible(statement, tables)},
                        {"mandatory", TRY(statement.mandatory(mandatory))},
                        {"most_related", std::to_string(kMaxRelatedTraces)}};
  return pg::fill(forms().form("traces_related"), words);
}

std::string contributor_name(TraceStatement& statement, const TraceTables& tables) {
  if (tables.has("contributor_name") || !tables.users) return statement.json("contributor_name");
  const schema::SourceTable& users = tables.users->table;
  for (const char* name : {"id", "display_name"}) statement.column("u", users, name);
  return fmt::format("(SELECT {} FROM {} u WHERE u.\"id\" OPERATOR(pg_catalog.=) {})",
                     statement.readable("pg_catalog.to_json(u.\"display_name\")::pg_catalog.text"),
                     users.quoted(), statement.column("contributor_id"));
}

/// Sets the placeholders of traces_rows.sql.
Result<void> set_row(TraceStatement& statement, const TraceTables& tables,
                     const std::optional<Filter>& mandatory, bool whole) {
  for (const char* name : {"title", "context_text", "solution_text"})
    statement.set(name, fmt::format("coalesce({}, '')", statement.text(name)));
  statement.set("trust", statement.trust());
  statement.set("tags", tags_of_hit(statement, tables));
  statement.set("related", TRY(related_to_hit(statement, tables, mandatory)));
  std::string fields;
  for (const std::string_view name : trace_fields(whole))
    fields += fmt::format(
        ", {} AS {}",
        name == "contributor_name" ? contributor_name(statement, tables) : statement.json(std::string(name)),
        pg::quote_identifier("field " + std::string(name)));
  statement.set("fields", fields);
  statement.set("most_bytes", std::to_string(kMaxAnswerBytes));
  return {};
}

std::vector<Trace> traces_of(const pg::Rows& rows, bool whole) {
  std::vector<Trace> out;
  for (int i = 0; i < rows.size(); ++i) {
    Trace trace{.id = rows.text(i, kId),
                .title = rows.text(i, kTitle),
                .context_text = rows.text(i, kContext),
                .solution_text = rows.text(i, kSolution),
                .trust = rows.number(i, kTrust),
                .similarity = rows.number(i, kSimilarity),
                .score = rows.number(i, kScore),
                .tags = rows.array(i, kTags),
                .related = rows.text(i, kRelated)};
    for (std::size_t n = 0; n < trace_fields(whole).size(); ++n)
      trace.fields.push_back(rows.maybe(i, kFirstField + static_cast<int>(n)).value_or("null"));
    out.push_back(std::move(trace));
  }
  return out;
}

/// Sets the placeholders of traces_near.sql.
void set_nearest(TraceStatement& statement, const Subject& subject, const std::vector<float>& vector) {
  const schema::VectorizerInfo& info = subject.info;
  const std::string &extension = subject.pgvector.schema, column = statement.column(info.destination_column);
  const std::string parameter = statement.bind(vector_literal(vector));
  const std::string distance = fmt::format("{} OPERATOR({}.<=>) {}::{}.{}", column, extension, parameter,
                                           extension, info.destination_type);
  const bool by_half = info.index_kind == "halfvec" && info.destination_type == "vector";
  statement.set("distance", distance);
  statement.set("indexed_distance",
                by_half ? fmt::format("{0}::{1}.halfvec({2}) OPERATOR({1}.<=>) {3}::{1}.halfvec({2})", column,
                                      extension, info.dimensions, parameter)
                        : distance);
  statement.set("proposals", std::to_string(kTraceCandidates * (by_half ? kHalfvecProposals : 1)));
  // Without a scan that goes on by itself, fewer than the candidates are as many as there may be.
  statement.set("enough", std::to_string(subject.pgvector.iterative_scan ? kTraceCandidates : kMaxTraces));
}

}  // namespace

bool is_uuid(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !kHex.contains(text[i])) return false;
  }
  return true;
}

std::span<const std::string_view> trace_fields(bool whole) {
  return std::span(kFields).first(whole ? std::size(kFields) : kSearchFields);
}

std::string trace_score_sql(const TraceTables& tables, std::string_view similarity) {
  TraceStatement statement(tables);
  std::string trust = statement.trust();
  if (similarity.empty()) return trust;
  return fmt::format(
      "({}) OPERATOR(pg_catalog.*) pg_catalog.ln(2::pg_catalog.float8 OPERATOR(pg_catalog.+) greatest({}, "
      "0::pg_catalog.float8))",
      similarity, trust);
}

Result<std::vector<Trace>> search_traces(pg::OneTrip& trip, const TraceTables& tables,
                                         const TraceQuery& query, const std::vector<float>& vector,
                                         Instant deadline) {
  if (!query.tags.empty() && !tables.tags) return std::vector<Trace>();
  const Subject& subject = *tables.subject;
  TraceStatement statement(tables);
  std::string conditions = visible(statement, tables);
  if (!query.include_expired) conditions += unexpired(statement, tables);
  if (!query.tags.empty()) {
    set_tag_tables(statement, tables);
    conditions += " AND " + pg::fill(forms().form("traces_tagged"),
                                     {{"links", tables.links->table.quoted()},
                                      {"tag_table", tables.tags->table.quoted()},
                                      {"tag_names", statement.bind(pg::array_literal(query.tags))},
                                      {"tag_count", std::to_string(query.tags.size())}});
  }
  conditions += TRY(statement.mandatory(query.mandatory));
  const bool near = !query.q.empty();
  if (near) conditions += of_same_model(statement, subject.info);
  if (near && subject.info.filter_sql) conditions += fmt::format(" AND ({})", *subject.info.filter_sql);
  statement.set("conditions", conditions);
  statement.set("candidates", std::to_string(kTraceCandidates));
  statement.set("limit", statement.bind(std::to_string(query.limit)));
  statement.set("score", trace_score_sql(tables, near ? "c.similarity" : ""));
  if (near) set_nearest(statement, subject, vector);
  TRY(set_row(statement, tables, query.mandatory, false));
  const auto rows = TRY(read(
      trip, subject,
      std::move(statement).finish("traces_search", {{"candidates", near ? "traces_near" : "traces_trusted"}}),
      deadline));
  return traces_of(rows, false);
}

Result<std::optional<Trace>> read_trace(pg::OneTrip& trip, const TraceTables& tables, const std::string& id,
                                        const std::optional<Filter>& mandatory, Instant deadline) {
  TraceStatement statement(tables);
  statement.set("key", statement.bind(id));
  statement.set("mandatory", TRY(statement.mandatory(mandatory)));
  TRY(set_row(statement, tables, mandatory, kWhole));
  const auto rows = TRY(read(trip, *tables.subject, std::move(statement).finish("traces_get"), deadline));
  std::vector<Trace> found = traces_of(rows, kWhole);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Result<std::vector<std::string>> list_tags(pg::OneTrip& trip, const TraceTables& tables,
                                           const std::optional<Filter>& mandatory, Instant deadline) {
  std::vector<std::string> out;
  if (!tables.tags) return out;
  TraceStatement statement(tables);
  set_tag_tables(statement, tables);
  std::string seen = "true";
  if (mandatory)
    seen = fmt::format(
        "EXISTS (SELECT FROM {} l JOIN {} t ON t.\"id\" OPERATOR(pg_catalog.=) l.\"trace_id\" WHERE "
        "l.\"tag_id\" OPERATOR(pg_catalog.=) g.\"id\"{})",
        tables.links->table.quoted(), tables.traces().quoted(), TRY(statement.mandatory(mandatory)));
  statement.set("seen", seen);
  statement.set("tag_name", statement.readable("g.\"name\"::pg_catalog.text"));
  statement.set("most_tags", std::to_string(kMaxListedTags));
  const auto rows = TRY(read(trip, *tables.subject, std::move(statement).finish("traces_tags"), deadline));
  for (int i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

}  // namespace embedd::search
