#include "search/ranked.h"

#define SIMDJSON_EXCEPTIONS 0
#include <fmt/format.h>
#include <simdjson.h>

#include "search/extras.h"

namespace embedd::search {
namespace {

/// How much longer than the statement's own limit the client waits for the server.
constexpr Duration kGrace = seconds(1);

void collect_steps(simdjson::dom::element node, std::vector<PlanStep>& steps, int depth) {
  if (depth > 64 || steps.size() >= 64) return;
  const auto text = [&node](const char* name) {
    std::string_view value;
    return node[name].get(value) ? std::string() : std::string(value);
  };
  PlanStep step{.node = text("Node Type"), .relation = text("Relation Name"), .index = text("Index Name")};
  if (!step.relation.empty() || !step.index.empty()) steps.push_back(std::move(step));
  simdjson::dom::array parts;
  if (node["Plans"].get(parts)) return;
  for (const simdjson::dom::element part : parts) collect_steps(part, steps, depth + 1);
}

std::vector<PlanStep> steps_of(const std::string& plan) {
  std::vector<PlanStep> steps;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (!parser.parse(plan).at(0).at_key("Plan").get(root)) collect_steps(root, steps, 0);
  return steps;
}

Hit read_hit(const pg::Rows& rows, int i, const Request& request) {
  Hit hit{.key = rows.text(i, kKey), .fused = rows.number(i, kFused), .row = rows.text(i, kRow)};
  if (!rows.is_null(i, kScore)) hit.score = rows.number(i, kScore);
  if (!rows.is_null(i, kSimilarity)) hit.similarity = rows.number(i, kSimilarity);
  if (!rows.is_null(i, kVectorRank)) hit.vector_rank = rows.integer(i, kVectorRank);
  if (!rows.is_null(i, kTextRank)) hit.text_rank = rows.integer(i, kTextRank);
  if (request.highlight) hit.highlight = with_markers(rows.text(i, kHighlight), *request.highlight);
  if (!request.rerank.empty()) hit.text = rows.text(i, kText);
  if (!rows.is_null(i, kNeighbours)) hit.neighbours = rows.text(i, kNeighbours);
  if (!rows.is_null(i, kSeq) && rows.integer(i, kSeq) >= 0) {
    hit.chunk_seq = static_cast<int>(rows.integer(i, kSeq));
    hit.chunk = rows.text(i, kChunk);
  }
  return hit;
}

std::string why_fewer(const pg::Rows& rows, const Answer& answer, const Request& request) {
  if (static_cast<int>(answer.hits.size()) >= request.k) return "";
  if (rows.integer(0, kPage) > static_cast<std::int64_t>(answer.hits.size()))
    return fmt::format("bytes: an answer has at most {} MiB; go on at offset {}, or ask for fewer columns",
                       kMaxAnswerBytes / kMiB, request.offset + answer.hits.size());
  if (rows.integer(0, kNear) >= request.candidates || rows.integer(0, kFound) >= request.candidates)
    return fmt::format(
        "candidates: each leg proposed {}; ask for more with \"candidates\", at most {}, the same on each "
        "page",
        request.candidates, kMaxCandidates);
  return "";
}

/// Explains errors that the client's own filter or values caused.
Error explain(Error error, const std::string& sqlstate, const Request& request) {
  if (sqlstate == "57014")
    return {ErrorKind::canceled,
            fmt::format("the search took longer than {} ms: narrow it, or raise deadline_ms",
                        request.deadline.count())};
  if (!request.filter && !request.similar_to) return error;
  const char* field = request.filter ? "filter" : "similar_to";
  if (sqlstate.starts_with("22"))
    return {ErrorKind::invalid_argument,
            fmt::format("{}: a value does not fit its column's type (SQLSTATE {})", field, sqlstate)};
  if (sqlstate == "42883" || sqlstate == "42725" || sqlstate == "42804" || sqlstate == "0A000")
    return {ErrorKind::invalid_argument,
            fmt::format("{}: an operator does not fit its column's type (SQLSTATE {})", field, sqlstate)};
  return error;
}

}  // namespace

Result<Answer> ranked_search(pg::OneTrip& trip, const Subject& subject, const Request& request, Legs legs,
                             const std::vector<float>& vector, Instant deadline) {
  trip.clear();
  auto statement = TRY(build_statement(subject, request, legs, vector));
  const Duration left = deadline - std::chrono::steady_clock::now();
  auto outcome = trip.run({.settings = settings_statement(subject, request, left),
                           .sql = std::move(statement.sql),
                           .params = std::move(statement.params),
                           .explain = request.explain},
                          deadline + kGrace);
  if (!outcome) return std::unexpected(explain(std::move(outcome.error()), trip.last_sqlstate(), request));
  const pg::Rows& rows = outcome->rows;
  Answer answer;
  for (int i = 0; i < rows.size(); ++i)
    if (!rows.is_null(i, kKey)) answer.hits.push_back(read_hit(rows, i, request));
  answer.returned_fewer = why_fewer(rows, answer, request);
  answer.origin = static_cast<Origin>(rows.integer(0, kOrigin));
  if (!request.facets.empty()) answer.facets = rows.text(0, kFacets);
  answer.backlog = rows.flag(0, kBacklog);
  answer.many_matches = rows.integer(0, kMatches) > kMaxMatches;
  if (request.explain) answer.plan = steps_of(outcome->plan);
  return answer;
}

}  // namespace embedd::search
