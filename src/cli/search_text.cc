#include "cli/search_text.h"

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <fmt/format.h>
#include <simdjson.h>

#include <vector>

#include "base/readable.h"
#include "cli/output.h"
#include "mcp/hits_text.h"
#include "text/template.h"

namespace embedd::cli {

namespace {

constexpr std::size_t kMostKey = 100, kMostText = 160;

std::string text_of(simdjson::dom::element value) {
  std::string_view text;
  return value.get(text) ? simdjson::minify(value) : std::string(text);
}

std::string line(std::string_view text) { return fmt::format("   {}\n", printable(text, kMostText)); }

/// What the template reads of the row, in its order.
std::string joined(const std::string& row, const std::string& text_template) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object object;
  if (parser.parse(row).get(root) || root.get(object)) return row;
  std::vector<std::string> names;
  for (const auto& [name, value] : object) names.emplace_back(name);
  const auto parsed = parse_template(text_template, names);
  if (!parsed) return row;
  std::string out;
  for (const Template::Value& part : parsed->values()) {
    auto value = object.at_key(part.column);
    for (const std::string& key : part.keys) value = value.at_key(key);
    simdjson::dom::element found;
    if (value.get(found) || found.is_null()) continue;
    if (!out.empty()) out += ' ';
    out += text_of(found);
  }
  return out;
}

/// What stands behind the key. Alone, the vectors' similarity is the hit's score for people.
std::string details(const search::Hit& hit, bool by_similarity) {
  std::string out;
  if (hit.chunk_seq) out += fmt::format(", chunk {}", *hit.chunk_seq);
  if (by_similarity) return out;
  if (hit.similarity) out += fmt::format(", similarity {:.3f}", *hit.similarity);
  if (hit.vector_rank) out += fmt::format(", vector rank {}", *hit.vector_rank);
  if (hit.text_rank) out += fmt::format(", text rank {}", *hit.text_rank);
  return out;
}

std::string neighbours_text(const std::string& neighbours) {
  simdjson::dom::parser parser;
  simdjson::dom::array chunks;
  std::string out;
  if (neighbours.empty() || parser.parse(neighbours).get(chunks)) return out;
  for (const simdjson::dom::element chunk : chunks) {
    std::int64_t seq = 0;
    simdjson::dom::element text;
    if (chunk["seq"].get(seq) || chunk["text"].get(text)) continue;
    out += line(fmt::format("chunk {}: {}", seq, text_of(text)));
  }
  return out;
}

std::string hit_text(const search::Hit& hit, const app::SearchResult& result, int number, bool rows) {
  const bool by_similarity =
      result.answer.mode == search::Mode::vector && !result.answer.scored && !hit.rerank_score;
  const std::string score =
      hit.rerank_score                  ? fmt::format("{:.3f}", *hit.rerank_score)
      : by_similarity && hit.similarity ? fmt::format("{:.3f}", *hit.similarity)
      : hit.score ? fmt::format(fmt::runtime(result.answer.scored ? "{:.4g}" : "{:.4f}"), *hit.score)
                  : "no score";
  std::string out =
      fmt::format("{}. {} {}\n", number, paint(Colour::bold, score),
                  paint(Colour::dim, printable(hit.key, kMostKey) + details(hit, by_similarity)));
  if (hit.highlight)
    out += line(*hit.highlight);
  else if (hit.chunk_seq)
    out += line(hit.chunk);
  else if (!rows)
    out += line(joined(hit.row, result.vectorizer.text_template));
  if (rows) out += line(hit.row);
  return out + neighbours_text(hit.neighbours);
}

std::string facets_text(const std::string& facets) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object columns;
  std::int64_t rows = 0;
  if (facets.empty() || parser.parse(facets).get(root) || root["rows"].get(rows) ||
      root["columns"].get(columns))
    return "";
  std::string out = fmt::format("of {} candidates:\n", human_count(rows));
  for (const auto& [name, counts] : columns) {
    std::string values;
    simdjson::dom::array each;
    if (counts.get(each)) continue;
    for (const simdjson::dom::element count : each) {
      simdjson::dom::element value;
      std::int64_t times = 0;
      if (count["value"].get(value) || count["count"].get(times)) continue;
      values += fmt::format("{}{} {}", values.empty() ? "" : ", ", text_of(value), times);
    }
    out += fmt::format("   {}: {}\n", printable(name, kMostKey), printable(values));
  }
  return out;
}

std::string explanation(const app::SearchAnswer& answer) {
  std::string out = fmt::format("took {:.1f} ms, of them the query's vector {:.1f}, the database {:.1f}",
                                answer.took_ms, answer.embed_ms, answer.database_ms);
  out += answer.reranked ? fmt::format(", the reranker {:.1f}\n", answer.rerank_ms) : "\n";
  for (const search::PlanStep& step : answer.found.plan)
    out += line(fmt::format("{}{}{}", step.node, step.relation.empty() ? "" : " on " + step.relation,
                            step.index.empty() ? "" : " using " + step.index));
  return out;
}

}  // namespace

std::string search_text(const app::SearchResult& result, int first, bool rows) {
  const app::SearchAnswer& answer = result.answer;
  std::string out = mcp::remarks(answer);
  if (!result.waiting.empty() && answer.mode != search::Mode::text)
    out += fmt::format("[{}]\n", printable(result.waiting));
  int number = first;
  for (const search::Hit& hit : answer.found.hits) out += hit_text(hit, result, number++, rows);
  out += facets_text(answer.found.facets);
  if (answer.explained) out += explanation(answer);
  return out;
}

}  // namespace embedd::cli
