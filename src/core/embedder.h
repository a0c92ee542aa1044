/// The port through which the worker buys embeddings. core/worker.h states the rule that all ports share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "core/budget.h"
#include "core/job.h"
#include "core/learned_limits.h"

namespace embedd {

/// One provider request. start() reads `inputs`; later nothing does.
struct EmbedRequest {
  std::uint64_t id = 0;
  std::string endpoint;
  std::string model;
  int dimensions = 0;  ///< what the answer must have
  bool send_dimensions = false;
  std::vector<std::string_view> inputs;  ///< non-empty UTF-8 texts
};

struct EmbedAnswer {
  Embeddings vectors;          ///< one per input, in input order, checked (G9)
  std::string model;           ///< as the server reports it; the requested name if it reports none
  std::uint64_t tokens = 0;    ///< billed, as `usage` says if that can be true; 0 if the server does not say
  std::uint64_t claimed = 0;   ///< what `usage` says was billed, if that cannot be true; else 0
  bool packed = false;         ///< the vectors came in base64, not as numbers
  std::size_t body_bytes = 0;  ///< memory that the answer's body took, decompressed; 0: there was no body
  bool computed_here = false;  ///< by the built-in embedder: no server can have mixed up the vectors
};

/// What the server said about its limits; a field that the server did not name is empty.
struct RateLimits {
  std::optional<std::int64_t> limit_requests, remaining_requests, limit_tokens, remaining_tokens;
  std::optional<Duration> reset_requests, reset_tokens;
};

struct Reply {
  std::uint64_t id = 0;
  Result<EmbedAnswer> answer;
  RateLimits limits;
  std::string request_id;  ///< the provider's name for the request: short, printable; failed requests only
  Duration took{};
};

/// Limits of an endpoint, from configuration.
struct EndpointLimits {
  std::uint32_t max_in_flight = 32;
  std::uint32_t max_inputs = 2048;             ///< per request
  std::uint32_t max_request_tokens = 300'000;  ///< per request
  std::uint32_t max_input_tokens = 8191;       ///< per input; see LongTexts
  std::int64_t requests_per_minute = 0;        ///< 0: learn from the server's headers
  std::int64_t tokens_per_minute = 0;
  Budget budget{};                 ///< of the endpoint, for all models and vectorizers together
  Duration timeout = seconds(60);  ///< least silence after which a request may be given up
};

enum class KeyState {
  present,    ///< or none is needed
  missing,    ///< G8: a state, not an error
  undefined,  ///< no endpoint of that name is configured here
};

/// Where embeddings come from. An answer's error has one of the provider's kinds (ErrorKind). Each request
/// gets one reply, unless the worker gives the request up. The worker decides how long to wait for a reply.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual void start(const EmbedRequest& request) = 0;
  virtual std::vector<Reply> take_replies() = 0;
  /// Forgets a request in flight: no reply to the request will come. The server may still compute it.
  virtual void give_up(std::uint64_t id) = 0;
  /// Ends every request in flight; each still gets a reply, with the error `canceled`.
  virtual void cancel_all() = 0;
  /// Re-reads a `*_file` key if the file changed. Cheap enough for every poll.
  virtual KeyState key_state(const std::string& endpoint) = 0;
  /// Changes whenever the endpoint's key changes, so that a pause for a bad key or an empty account can end.
  [[nodiscard]] virtual std::uint64_t key_version(const std::string& endpoint) const { return 0; }
  [[nodiscard]] virtual EndpointLimits limits(const std::string& endpoint) const = 0;
  /// The parameters that are not sent for the model, because the endpoint refused them.
  [[nodiscard]] virtual LeftOut left_out(const std::string& endpoint, const std::string& model) const {
    return {};
  }
  virtual void leave_out(const std::string& endpoint, const std::string& model, LeftOut which) {}
};

}  // namespace embedd
