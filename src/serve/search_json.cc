#include "serve/search_json.h"

#include <cmath>

#include "base/json.h"

namespace embedd::serve {
namespace {

/// Microseconds are enough.
double rounded(double ms) { return std::round(ms * 1000) / 1000; }

void write_number(JsonWriter& json, std::optional<double> number) {
  if (number)
    json.value(*number);
  else
    json.null();
}

void write_hit(JsonWriter& json, const search::Hit& hit, const app::SearchAnswer& answer) {
  json.object().key("key").raw(hit.key).key("score");
  write_number(json, hit.score);
  if (answer.scored) json.key("fused_score").value(hit.fused);
  if (answer.reranked) {
    json.key("rerank_score");
    write_number(json, hit.rerank_score);
  }
  json.key("similarity");
  write_number(json, hit.similarity);
  json.key("ranks").object();
  if (hit.vector_rank) json.key("vector").value(*hit.vector_rank);
  if (hit.text_rank) json.key("text").value(*hit.text_rank);
  json.end().key("row").raw(hit.row);
  if (hit.chunk_seq) {
    json.key("chunk").object().key("seq").value(*hit.chunk_seq).key("text").value(hit.chunk);
    if (hit.highlight) json.key("highlight").value(*hit.highlight);
    if (!hit.neighbours.empty()) json.key("neighbours").raw(hit.neighbours);
    json.end();
  } else if (hit.highlight) {
    json.key("highlight").value(*hit.highlight);
  }
  json.end();
}

void write_explanation(JsonWriter& json, const app::SearchAnswer& answer) {
  json.key("explain").object().key("embed_ms").value(rounded(answer.embed_ms));
  json.key("database_ms").value(rounded(answer.database_ms));
  if (answer.reranked) json.key("rerank_ms").value(rounded(answer.rerank_ms));
  json.key("plan").array();
  for (const search::PlanStep& step : answer.found.plan) {
    json.object().key("node").value(step.node);
    if (!step.relation.empty()) json.key("relation").value(step.relation);
    if (!step.index.empty()) json.key("index").value(step.index);
    json.end();
  }
  json.end().end();
}

}  // namespace

std::string search_json(const app::SearchAnswer& answer) {
  JsonWriter json;
  json.object().key("hits").array();
  for (const search::Hit& hit : answer.found.hits) write_hit(json, hit, answer);
  json.end().key("returned").value(static_cast<std::uint64_t>(answer.found.hits.size()));
  json.key("returned_fewer");
  if (answer.found.returned_fewer.empty())
    json.null();
  else
    json.value(answer.found.returned_fewer);
  json.key("degraded");
  if (answer.degraded)
    json.object()
        .key("leg")
        .value(answer.degraded->leg)
        .key("reason")
        .value(answer.degraded->reason)
        .key("message")
        .value(answer.degraded->message)
        .end();
  else
    json.null();
  json.key("mode").value(search::name_of(answer.mode)).key("model").value(answer.model);
  if (!answer.found.facets.empty()) json.key("facets").raw(answer.found.facets);
  json.key("took_ms").value(rounded(answer.took_ms));
  if (answer.explained) write_explanation(json, answer);
  return json.end().str() + "\n";
}

std::string list_json(const std::vector<app::Listed>& listed) {
  JsonWriter json;
  json.object().key("vectorizers").array();
  for (const app::Listed& each : listed) {
    const schema::VectorizerInfo& info = each.info;
    json.object().key("name").value(info.name).key("table").value(info.source_schema + "." +
                                                                  info.source_table);
    json.key("key").array();
    for (const std::string& name : info.key_columns) json.value(name);
    json.end().key("text").value(info.text_template).key("chunked").value(info.stores());
    json.key("model").value(info.model).key("dimensions").value(info.dimensions);
    json.key("text_search");
    if (each.text_search.empty())
      json.null();
    else
      json.value(each.text_search);
    json.key("score");
    if (info.score)
      json.value(*info.score);
    else
      json.null();
    json.key("paused").value(info.paused).end();
  }
  return json.end().end().str() + "\n";
}

}  // namespace embedd::serve
