/// All endpoints of the configuration as one Embedder, each request going to the endpoint that it names.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/embedder.h"
#include "provider/endpoint.h"
#include "provider/loop.h"

namespace embedd::provider {

class Embedders final : public Embedder {
 public:
  /// Each config valid (see validate) and named differently. Nothing is connected until it is used.
  Embedders(Loop& loop, std::vector<EndpointConfig> configs);
  ~Embedders() override;

  /// For an endpoint that is not configured the reply is `misconfigured`.
  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override;
  void give_up(std::uint64_t id) override;
  void cancel_all() override;
  KeyState key_state(const std::string& endpoint) override;
  [[nodiscard]] std::uint64_t key_version(const std::string& endpoint) const override;
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override;
  [[nodiscard]] LeftOut left_out(const std::string& endpoint, const std::string& model) const override;
  void leave_out(const std::string& endpoint, const std::string& model, LeftOut which) override;

 private:
  [[nodiscard]] Embedder* find(const std::string& endpoint) const;

  Loop& loop_;
  std::map<std::string, std::unique_ptr<Embedder>, std::less<>> by_name_;
  std::vector<Reply> replies_;  ///< of requests that went nowhere
};

/// What came of one request that was waited for.
struct Trial {
  Result<EmbedAnswer> answer;
  LeftOut left_out;  ///< since the endpoint refused it
  Duration took{};
};

/// One request with one short text, as a worker would send it: whether the endpoint takes what a vectorizer
/// says.
Trial try_endpoint(const EndpointConfig& config, const std::string& model, int dimensions,
                   bool send_dimensions);

/// One request, waited for on a loop of its own, for the endpoint's timeout at most. For commands and search;
/// a worker never waits like this. `prefix` stands in for the endpoint's document_prefix: pass its
/// query_prefix for a query.
Result<EmbedAnswer> embed_once(EndpointConfig config, const std::string& prefix, const std::string& model,
                               int dimensions, bool send_dimensions, std::vector<std::string_view> inputs);

/// The vector of one search query.
Result<std::vector<float>> embed_query(const EndpointConfig& config, const std::string& model, int dimensions,
                                       bool send_dimensions, std::string_view query);

}  // namespace embedd::provider
