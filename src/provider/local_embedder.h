/// The built-in embedder behind the Embedder port: no network, no key, no cost. See text/hashing.h for what
/// its vectors can and cannot do.
#pragma once

#include <string>
#include <vector>

#include "core/embedder.h"
#include "core/io.h"
#include "provider/endpoint.h"

namespace embedd::provider {

class LocalEmbedder final : public Embedder {
 public:
  /// `io` is woken when a reply is there, which is before start() returns.
  LocalEmbedder(Io& io, const EndpointConfig& config);

  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override;
  void give_up(std::uint64_t) override {}
  void cancel_all() override {}
  KeyState key_state(const std::string& endpoint) override { return KeyState::present; }
  /// At most 4 requests of 256 inputs, so that computing keeps the loop from its other work only briefly.
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override { return limits_; }

 private:
  Io& io_;
  EndpointLimits limits_;
  std::vector<Reply> replies_;
};

}  // namespace embedd::provider
