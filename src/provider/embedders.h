/// All endpoints of the configuration as one Embedder: each request goes to the endpoint that it names.
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
  /// Each config must be valid (see validate) and have a name of its own. Connections are opened on first
  /// use.
  Embedders(Loop& loop, std::vector<EndpointConfig> configs);
  ~Embedders() override;

  /// If the endpoint is not configured, the reply is `misconfigured`.
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
  std::vector<Reply> replies_;  ///< replies to requests that could not be sent
};

/// The outcome of one trial request.
struct Trial {
  Result<EmbedAnswer> answer;
  LeftOut left_out;  ///< parameters that the endpoint refused
  Duration took{};
};

/// Sends one request with one short text, as a worker would: shows whether the endpoint accepts what a
/// vectorizer declares.
Trial try_endpoint(const EndpointConfig& config, const std::string& model, int dimensions,
                   bool send_dimensions);

/// Sends one request and waits for the answer on a loop of its own, at most for the endpoint's timeout. For
/// commands; a worker never waits like this. `prefix` replaces the endpoint's document_prefix:
/// pass the query_prefix for a query.
Result<EmbedAnswer> embed_once(EndpointConfig config, const std::string& prefix, const std::string& model,
                               int dimensions, bool send_dimensions, std::vector<std::string_view> inputs);

}  // namespace embedd::provider
