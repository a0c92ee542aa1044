/// The built-in embedder behind the Embedder port: no network, no key, no cost. text/hashing.h says what its
/// vectors can do.
#pragma once

#include <string>
#include <vector>

#include "core/embedder.h"
#include "core/io.h"
#include "provider/endpoint.h"

namespace embedd::provider {

class LocalEmbedder final : public Embedder {
 public:
  /// start() computes the reply and wakes `io` before it returns.
  LocalEmbedder(Io& io, const EndpointConfig& config);

  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override;
  void give_up(std::uint64_t) override {}
  void cancel_all() override {}
  KeyState key_state(const std::string& endpoint) override { return KeyState::present; }
  /// At most 4 requests of 256 inputs, because computing stops the loop's other work.
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override { return limits_; }

 private:
  Io& io_;
  EndpointLimits limits_;
  std::vector<Reply> replies_;
};

}  // namespace embedd::provider
