#include "provider/rerank.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/json.h"
#include "provider/classify.h"
#include "text/utf8.h"

// Without simdjson's exceptions a hidden conversion that throws does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace embedd::provider {
namespace {

constexpr std::array<std::string_view, 3> kShapes = {"cohere", "jina", "tei"};
constexpr int kCandidates = 50, kTeiCandidates = 32;

/// The beginning of a text, which ends with a whole character.
std::string_view beginning(std::string_view text) {
  text = text.substr(0, kMostRerankText);
  return text.substr(0, utf8::valid_prefix(text));
}

std::unexpected<Error> invalid(std::string_view what) {
  return fail(ErrorKind::invalid_answer, fmt::format("not the scores of the texts: {}", what));
}

}  // namespace

std::optional<RerankShape> rerank_shape_named(std::string_view name) {
  for (std::size_t i = 0; i < kShapes.size(); ++i)
    if (kShapes[i] == name) return static_cast<RerankShape>(i);
  return std::nullopt;
}

int RerankConfig::most_candidates() const {
  if (candidates > 0) return candidates;
  return shape == RerankShape::tei ? kTeiCandidates : kCandidates;
}

Result<void> validate(const RerankConfig& config) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorKind::invalid_argument, fmt::format("rerank \"{}\": {}", config.name, what));
  };
  if (config.endpoint.base_url.empty())
    return wrong("needs url, such as \"https://api.cohere.com/v2/rerank\"");
  if (config.endpoint.model.empty() && config.shape != RerankShape::tei)
    return wrong("needs model, such as \"rerank-v3.5\"");
  if (auto valid = validate(config.endpoint); !valid) {
    std::string_view message = valid.error().message;
    message.remove_prefix(std::min(message.find(": ") + 2, message.size()));
    if (message.starts_with("base_")) message.remove_prefix(std::string_view("base_").size());
    return wrong(message);
  }
  return {};
}

std::string rerank_body(const RerankConfig& config, std::string_view query,
                        const std::vector<std::string>& texts) {
  const bool tei = config.shape == RerankShape::tei;
  JsonWriter json;
  json.object();
  if (!tei) json.key("model").value(config.endpoint.model);
  json.key("query").value(query).key(tei ? "texts" : "documents").array();
  for (const std::string& text : texts) json.value(beginning(text));
  json.end();
  if (config.shape == RerankShape::jina) json.key("return_documents").value(false);
  if (tei) json.key("truncate").value(true);
  return json.end().str();
}

Result<std::vector<double>> read_scores(RerankShape shape, std::string_view body, std::size_t texts) {
  body = without_bom(body);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (body.empty() || parser.parse(body.data(), body.size()).get(root))
    return fail(ErrorKind::unavailable, "not the scores of the texts: the answer is not JSON");
  simdjson::dom::array results;
  if (shape == RerankShape::tei ? root.get(results) : root["results"].get(results))
    return invalid("there is no list of results");
  if (results.size() != texts)
    return invalid(fmt::format("there are {} results for {} texts", results.size(), texts));
  std::vector<double> scores(texts, std::nan(""));
  for (const simdjson::dom::element result : results) {
    std::uint64_t index = 0;
    double score = 0;
    if (result["index"].get(index) || index >= texts) return invalid("an index is none of a text");
    if (result[shape == RerankShape::tei ? "score" : "relevance_score"].get(score) || !std::isfinite(score))
      return invalid("a score is not a number");
    if (!std::isnan(scores[index])) return invalid("an index is there twice");
    scores[index] = score;
  }
  return scores;
}

}  // namespace embedd::provider
