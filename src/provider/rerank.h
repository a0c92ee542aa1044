/// Endpoints that say how well texts answer a query, so that a search can be put into a better order.
///
/// Three shapes are spoken, which many servers share:
///
///   cohere  {"model", "query", "documents"} → {"results": [{"index", "relevance_score"}]}
///   jina    the same, and "return_documents": false
///   tei     {"query", "texts", "truncate": true} → [{"index", "score"}]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/units.h"
#include "provider/endpoint.h"

namespace embedd::provider {

enum class RerankShape : std::uint8_t { cohere, jina, tei };
std::optional<RerankShape> rerank_shape_named(std::string_view name);

struct RerankConfig {
  static constexpr int kMostCandidates = 100;

  std::string name;
  RerankShape shape = RerankShape::cohere;
  /// Key, model, ca_file and connect_timeout; base_url is the whole URL, such as
  /// https://api.cohere.com/v2/rerank.
  EndpointConfig endpoint;
  int candidates = 0;  ///< hits that are sent; 0: 50, and 32 for tei, which takes no more by default
  milliseconds timeout{2000};

  [[nodiscard]] int most_candidates() const;
};

/// Refuses a configuration that cannot work. The message tells a person what to do.
Result<void> validate(const RerankConfig& config);

/// Most bytes of a text that is sent; the rest is cut off.
inline constexpr std::size_t kMostRerankText = 8 * kKiB;

std::string rerank_body(const RerankConfig& config, std::string_view query,
                        const std::vector<std::string>& texts);

/// The scores, in the order of the texts, from the `body` of a 200. Errors: unavailable (not JSON),
/// invalid_answer (a score for each text is not there once, or an index or a score is wrong).
Result<std::vector<double>> read_scores(RerankShape shape, std::string_view body, std::size_t texts);

}  // namespace embedd::provider
