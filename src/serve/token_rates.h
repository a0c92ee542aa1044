/// How many requests a minute the tokens may make, over all servers that share a Redis.
///
/// A server admits by what it knows, and never waits. After each request it tells Redis, in the background,
/// what it has admitted, and learns what is left. So together the servers admit more than the rate by what
/// the others admit within one settlement: redis::Client::kPatience at most, a fraction of a millisecond
/// usually. This is owed: what is left goes below 0, to minus one minute's requests, and the next minute
/// admits as many fewer. While Redis is away, each server counts by itself.
#pragma once

#include <memory>
#include <optional>

#include "base/units.h"
#include "redis/client.h"
#include "serve/tokens.h"

namespace embedd::serve {

class TokenRates {
 public:
  /// `redis` must outlive this object; null: the server is alone.
  TokenRates(const Tokens& tokens, redis::Client* redis);

  /// None: the request of this client is admitted. Otherwise: how long until one would be. Thread-safe; does
  /// not block.
  std::optional<Duration> wait(std::size_t client, Instant now);

 private:
  struct State;
  static void settle(const std::shared_ptr<State>& state, std::size_t client);

  std::shared_ptr<State> state_;  ///< shared with settlements under way
};

}  // namespace embedd::serve
