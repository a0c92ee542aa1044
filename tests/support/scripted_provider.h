/// An OpenAI-compatible embeddings server that does what a test tells it to, over real HTTP/1.1 on loopback.
///
///   ScriptedProvider provider({.dimensions = 8});
///   provider.answers_next(3, Answer::error(429, "rate_limit_exceeded").with("retry-after", "2"));
///   provider.poisons("bad row", Answer::error(400, "invalid_value"));
///   … run a worker against provider.base_url() …
///   EXPECT_EQ(provider.stats().repeated_texts, 0);   // no token was paid twice
///
/// Vectors are expected_vector() of each text. One thread serves all connections; every member function may
/// be called from any thread. The same server stands alone as the binary `scripted_provider`, which is
/// scripted over POST /control (see scripted_control.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "support/expected_vector.h"

namespace embedd::test {

/// How an answer departs from a plain one. The first group is still right, and must be accepted.
enum class Fault {
  none,
  floats,           ///< arrays of numbers though base64 was asked for
  base64,           ///< base64 though it was not asked for
  reversed,         ///< data in reverse order, with true indexes
  no_index,         ///< `index` left out everywhere: position counts
  zero_index_gone,  ///< `index` left out where it is 0, as Gemini does; data reversed
  no_usage,         ///< neither `usage` nor `model`
  pretty,           ///< floats, one a line, indented
  byte_order_mark,  ///< EF BB BF before the JSON

  short_count,   ///< the last vector missing
  long_count,    ///< one vector too many
  no_data,       ///< an empty `data`
  duplicate,     ///< two items with the same index
  out_of_range,  ///< an index equal to the count
  negative,      ///< an index of −1
  wrong_dimensions,
  ragged,      ///< only the last vector has another length
  nan,         ///< base64 of a NaN
  infinity,    ///< a number too big for float32
  zeros,       ///< the last vector all zero
  nulls,       ///< the last embedding is null
  null_value,  ///< a null inside the last vector
  bad_base64,
  truncated,  ///< JSON that ends in the middle
  html,
  empty,
  error_in_200,
  not_json,

  redirect,            ///< 307 to another path of this server, which records the visit
  disconnect,          ///< closes without a byte
  disconnect_in_body,  ///< closes after half the body
  slow_drip,           ///< a byte every 50 ms
  endless_body,
  endless_headers,
  hang,  ///< never answers
};
std::string_view name_of(Fault fault);
std::optional<Fault> fault_named(std::string_view name);

/// One scripted answer. Status 200 with an empty body means the true vectors, bent by `fault`.
struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Fault fault = Fault::none;

  static Answer broken(Fault fault) { return {.fault = fault}; }
  static Answer raw(int status, std::string body) { return {.status = status, .body = std::move(body)}; }
  /// OpenAI's error shape.
  static Answer error(int status, std::string_view code, std::string_view message = "scripted");
  Answer with(std::string_view header, std::string_view value) && {
    headers.emplace_back(header, value);
    return std::move(*this);
  }
};

struct ProviderOptions {
  int port = 0;  ///< 0: any free one
  int dimensions = 1536;
  std::string key;  ///< demanded as `Authorization: Bearer` or `api-key`; empty: none needed
  Duration latency{};
  double texts_per_second = 0;  ///< as a model server computes them, one request after another; 0: at once
  unsigned parallel = 1;        ///< requests that are computed at the same time, at that pace together
  std::int64_t requests_per_minute = 0;  ///< 0: no limit, and no headers about it
  std::int64_t tokens_per_minute = 0;
  double burst_seconds = 60;  ///< how much of the minute's allowance may be used at once
  std::size_t max_inputs = 2048;
  std::uint64_t max_input_tokens = 8191;
  std::uint64_t max_request_tokens = 300'000;
  std::string refused_parameter;  ///< a field of the request; in Mistral's words
};

struct ProviderStats {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;        ///< to /embeddings, whatever the answer
  std::uint64_t answered = 0;        ///< with vectors
  std::uint64_t inputs = 0;          ///< texts in `answered`
  std::uint64_t tokens = 0;          ///< billed: those of `answered`
  std::uint64_t distinct_texts = 0;  ///< in `answered`
  std::uint64_t repeated_texts = 0;  ///< inputs − distinct_texts: paid more than once
  std::uint64_t redirected = 0;      ///< visits to where a redirect points: must stay 0
  std::uint64_t in_flight = 0;       ///< requests read and not yet answered
  std::uint64_t max_in_flight = 0;
  std::uint64_t held = 0;       ///< waiting for release()
  std::uint64_t abandoned = 0;  ///< inputs that were computed for somebody who had gone
  std::map<int, std::uint64_t> statuses;
};

/// What the last request looked like.
struct RecordedRequest {
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::vector<std::string> inputs;
};

class ScriptedProvider {
 public:
  explicit ScriptedProvider(const ProviderOptions& options = {});
  ~ScriptedProvider();
  ScriptedProvider(const ScriptedProvider&) = delete;
  ScriptedProvider& operator=(const ScriptedProvider&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string base_url() const;  ///< http://127.0.0.1:PORT/v1

  /// The next `times` requests, after those already scripted.
  void answers_next(int times, Answer answer);
  /// Every request that nothing more special concerns; without a value, the truth again.
  void answers_always(std::optional<Answer> answer);
  /// Every request with a text that contains `part`.
  void poisons(std::string part, Answer answer);
  /// Forgets all scripted answers and poison; statistics stay.
  void forgives();

  /// Keeps answers back, until release(). What is answered was decided on arrival.
  void hold();
  void release();

  void set_latency(Duration latency);
  /// Of a provider that was made with one.
  void set_texts_per_second(double texts_per_second);
  void set_key(std::string key);
  void set_rate_limits(std::int64_t requests_per_minute, std::int64_t tokens_per_minute);
  void set_max_inputs(std::size_t inputs);
  void set_max_input_tokens(std::uint64_t tokens);
  void set_refused_parameter(std::string name);

  [[nodiscard]] ProviderStats stats() const;
  /// How often `text` was answered with a vector.
  [[nodiscard]] std::uint64_t times_embedded(std::string_view text) const;
  [[nodiscard]] RecordedRequest last_request() const;
  /// Waits until the statistics satisfy `condition`; false if they do not within `patience`.
  bool wait_for(const std::function<bool(const ProviderStats&)>& condition,
                Duration patience = seconds(10)) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace embedd::test
