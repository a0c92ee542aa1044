/// Computes the vectors of search queries on a thread of its own, so that no request waits for another's
/// provider. Recent vectors are kept, kCacheBytes of them, and equal queries at the same time are one
/// request. What is not kept here may be known to the other servers (SharedVectors), which are asked next.
///
/// After a failure that is the endpoint's, the endpoint is left alone (Pauses). Meanwhile each query is
/// refused at once, with the same reason.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/pauses.h"
#include "app/shared_vectors.h"
#include "app/vector_cache.h"
#include "base/error.h"
#include "base/units.h"
#include "provider/embedders.h"
#include "provider/endpoint.h"
#include "provider/loop.h"

namespace embedd::app {

/// Why there is no vector.
using NoVector = Unserved;

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

  /// Told whether a layer (memory, redis) has a query's vector: hit or miss, of memory also joined (the same
  /// query is under way), of redis also invalid and unavailable. Called on the embedder's thread.
  using LookedUp = std::function<void(const char* layer, const char* outcome)>;

  /// `shared` must outlive this object; null: there are no other servers.
  QueryEmbedder(std::vector<provider::EndpointConfig> endpoints, Bought bought, SharedVectors* shared,
                LookedUp looked_up);
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
  /// One question to the other servers, then one request to an endpoint, and who waits for its answer; never
  /// nobody.
  struct Sent {
    std::string key;
    std::string shared_key;  ///< empty: other servers do not know of it
    bool sent = false;       ///< to the endpoint
    Instant at{};
    std::vector<Waiting> waiting;
    [[nodiscard]] const Query& query() const { return waiting.front().query; }
  };
  /// What the other servers knew of a query; filled by threads of theirs, which may outlive this object.
  struct Known {
    std::uint64_t id = 0;
    SharedVectors::Outcome outcome = SharedVectors::Outcome::miss;
    std::vector<float> vector;
  };
  struct Inbox {
    std::mutex mutex;
    std::vector<Known> known;        ///< guarded by mutex
    provider::Loop* loop = nullptr;  ///< guarded by mutex; null: nobody reads any more
  };

  void run();
  void start(Waiting waiting);
  void ask_others(std::uint64_t id, const Sent& sent);
  void learn(Known known);
  void send(std::uint64_t id);
  void finish(Reply reply);
  void answer(std::uint64_t id, std::expected<QueryVector, NoVector> outcome);
  std::optional<NoVector> refusal(const std::string& endpoint);
  void expire(Instant now);

  const std::map<std::string, provider::EndpointConfig, std::less<>> endpoints_;
  const Bought bought_;
  SharedVectors* const shared_;
  const LookedUp looked_up_;
  provider::Loop loop_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::mutex mutex_;
  std::vector<Waiting> arrived_;  ///< guarded by mutex_
  bool stopping_ = false;         ///< guarded by mutex_

  // Used by the embedder's thread alone:
  provider::Embedders embedders_;
  std::map<std::uint64_t, Sent> in_flight_;
  std::map<std::string, std::uint64_t> by_key_;  ///< ids of in_flight_, by key_of()
  VectorCache cache_{kCacheBytes};
  Pauses pauses_;
  std::uint64_t next_id_ = 1;

  std::thread thread_;
};

}  // namespace embedd::app
