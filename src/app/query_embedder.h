/// Computes the vectors of search queries on a thread of its own, so that no request waits for another's
/// provider. Recent vectors are kept, kCacheBytes of them, and equal queries at the same time are one
/// request.
///
/// After a failure that is the endpoint's, the endpoint is left alone: for the time that the server asks for,
/// or for a pause that doubles from one second to thirty. Meanwhile each query is refused at once, with the
/// same reason.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/vector_cache.h"
#include "base/error.h"
#include "base/units.h"
#include "provider/embedders.h"
#include "provider/endpoint.h"
#include "provider/loop.h"

namespace embedd::app {

/// Why there is no vector.
struct NoVector {
  std::string reason;  ///< a stable word: no_api_key, deadline, or a name of ErrorKind
  Error error;
};

struct QueryVector {
  std::vector<float> values;
  std::uint64_t tokens = 0;  ///< bought for it; 0: it was known, or bought for another query
};

class QueryEmbedder {
 public:
  static constexpr std::size_t kCacheBytes = 8 * kMiB;

  struct Query {
    VectorizerId vectorizer = 0;  ///< whose usage it is
    std::string endpoint, model;
    int dimensions = 0;
    bool send_dimensions = false;
    std::string text;
  };
  /// Called on the embedder's thread; must not block.
  using Done = std::function<void(std::expected<QueryVector, NoVector>)>;
  /// Told of each request to a provider that was billed, or may have been. Called on the embedder's thread.
  using Bought = std::function<void(const Query&, std::uint64_t tokens)>;

  QueryEmbedder(std::vector<provider::EndpointConfig> endpoints, Bought bought);
  /// Ends every query in flight; each still gets its answer.
  ~QueryEmbedder();
  QueryEmbedder(const QueryEmbedder&) = delete;
  QueryEmbedder& operator=(const QueryEmbedder&) = delete;

  /// Thread-safe. `done` is called once, at `deadline` at the latest.
  void embed(Query query, Instant deadline, Done done);

 private:
  struct Waiting {
    Query query;
    Instant deadline;
    Done done;
  };
  /// One request to an endpoint, and who waits for its answer; never nobody.
  struct Sent {
    std::string key;
    Instant at{};
    std::vector<Waiting> waiting;
    [[nodiscard]] const Query& query() const { return waiting.front().query; }
  };
  /// An endpoint that is left alone.
  struct Pause {
    int failures = 0;  ///< in a row; failures during a pause count as one
    Instant failed_at{}, until{};
    NoVector why;
  };

  void run();
  void start(Waiting waiting);
  void send(std::string key, Waiting waiting);
  void finish(Reply reply);
  void expire(Instant now);
  void failed(const std::string& endpoint, const Error& error, Instant now);

  const Bought bought_;
  provider::Loop loop_;
  std::mutex mutex_;
  std::vector<Waiting> arrived_;  ///< guarded by mutex_
  bool stopping_ = false;         ///< guarded by mutex_

  // Used by the embedder's thread alone:
  provider::Embedders embedders_;
  std::map<std::uint64_t, Sent> in_flight_;
  std::map<std::string, std::uint64_t> by_key_;  ///< ids of in_flight_, by key_of()
  VectorCache cache_{kCacheBytes};
  std::map<std::string, Pause> pauses_;  ///< by endpoint
  std::uint64_t next_id_ = 1;

  std::thread thread_;
};

}  // namespace embedd::app
