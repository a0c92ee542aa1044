/// Answers searches for `embedd serve`: many at a time, each in one round trip to the database.
///
/// A hybrid search whose query cannot be embedded is answered by its text leg, and says so. What is known of
/// a vectorizer is read again after kSubjectLives, or when a statement does not fit the table any more. If
/// another model has taken the vectorizer's name meanwhile, the query is embedded again.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/query_embedder.h"
#include "app/query_usage.h"
#include "app/rerankers.h"
#include "app/search_failure.h"
#include "app/search_pool.h"
#include "app/settings.h"
#include "app/shared_vectors.h"
#include "base/error.h"
#include "schema/vectorizers.h"
#include "search/embed_request.h"
#include "search/ranked.h"
#include "search/request.h"

namespace embedd::app {

struct SearchAnswer {
  search::Answer found;
  search::Mode mode = search::Mode::hybrid;  ///< as it was asked for
  std::string model;
  std::optional<Degraded> degraded;
  bool scored = false;    ///< by the vectorizer's score
  bool reranked = false;  ///< or was to be: then hits may have a rerank_score
  bool explained = false;
  double took_ms = 0, embed_ms = 0, database_ms = 0, rerank_ms = 0;
};

struct VectorAnswer {
  std::vector<std::vector<float>> vectors;  ///< in the order of the texts
  std::string model;
  schema::VectorizerInfo of;  ///< the vectorizer whose model it is
  std::uint64_t tokens = 0;   ///< bought for this answer
  double took_ms = 0;
};

struct Listed {
  schema::VectorizerInfo info;
  std::string text_search;
};

class SearchService {
 public:
  static constexpr Duration kSubjectLives = seconds(5);
  /// Retries after a lost connection, or after the vectorizer has changed.
  static constexpr int kMaxRetries = 2;

  template <typename T>
  using Done = std::function<void(std::expected<T, SearchFailure>)>;

  /// What a server has beside the database.
  struct Surroundings {
    redis::Client* redis = nullptr;  ///< must outlive the service; null: query vectors are not shared
    QueryEmbedder::LookedUp looked_up = [](const char*, const char*) {};
    /// Told of each request to a reranker, and of each that was not sent; `outcome`: ok, or why not.
    std::function<void(const std::string& name, const std::string& outcome)> reranked =
        [](const std::string&, const std::string&) {};
  };

  /// `settings` must outlive this object.
  SearchService(const Settings& settings, int connections) : SearchService(settings, connections, {}) {}
  SearchService(const Settings& settings, int connections, Surroundings around);

  /// Thread-safe. `done` is called once, on another thread, and must not block. A search that is still
  /// waiting when this object ends fails.
  void search(std::string vectorizer, search::Request request, Done<SearchAnswer> done);
  /// The vector of the request's one text, as a query for `vectorizer`.
  void embed(std::string vectorizer, search::EmbedRequest request, Done<VectorAnswer> done);
  /// The vectors of the request's texts, as queries, by the model that `request.model` names: MODEL or
  /// ENDPOINT/MODEL of a vectorizer that may be used.
  using MayUse = std::function<bool(const std::string& vectorizer)>;
  void embed_for_model(search::EmbedRequest request, MayUse may_use, Done<VectorAnswer> done);
  void list(Done<std::vector<Listed>> done);
  /// The same, at most kSubjectLives old. `done` may be called before the call returns.
  using List = std::shared_ptr<const std::vector<Listed>>;
  void recent_list(Done<List> done);
  /// Whether the database answers.
  void check(Done<bool> done);

  using Known = std::shared_ptr<const search::Subject>;
  /// Runs `work` with a connection, and with what is known of the vectorizer, for another use case. Runs it
  /// again, kMaxRetries times at most, if the connection was lost, or if what was known is outdated: then the
  /// error has an SQLSTATE of class 42, or says that something is not there. So `work` must not do harm if it
  /// is repeated. `finished` gets the last failure, if there was one.
  using Work = std::function<std::expected<void, SearchFailure>(Lent&, const Known&)>;
  using Finished = std::function<void(std::optional<SearchFailure>)>;
  void work_on(std::string vectorizer, Instant deadline, Work work, Finished finished);

 private:
  struct Search;
  struct Vectors;
  struct Errand;
  struct Reading {
    Known subject;
    Instant read_at;
  };

  void begin(const std::shared_ptr<Search>& search, Result<Lent> lent);
  void embed(const std::shared_ptr<Search>& search);
  void execute(const std::shared_ptr<Search>& search, Result<Lent> lent);
  static bool may_go_without_score(Search& search, const Error& error, const pg::OneTrip& trip);
  void choose_reranker(Search& search) const;
  static bool must_go_without_reranker(Search& search, const search::Answer& found);
  void rerank(const std::shared_ptr<Search>& search, search::Answer found);
  static void conclude(Search& search, search::Answer found);
  static std::optional<SearchFailure> misfit(Search& search);
  void find_subject(std::string vectorizer, const std::shared_ptr<Vectors>& call, bool again);
  void start_vectors(const std::shared_ptr<Vectors>& call, const schema::VectorizerInfo& info);
  void next_vector(const std::shared_ptr<Vectors>& call);
  void keep_vector(const std::shared_ptr<Vectors>& call, std::size_t index,
                   std::expected<QueryVector, NoVector> vector);
  Result<Reading> read_known(Lent& lent, const std::string& name);
  void forget(const std::string& name);
  void run(const std::shared_ptr<Errand>& errand);
  template <typename T>
  void read_aside(Result<T> (*read)(pg::Connection&), Done<T> done, bool again);

  std::mutex mutex_;
  std::map<std::string, Reading> known_;  ///< guarded by mutex_
  List listed_;                           ///< guarded by mutex_; may be null
  Instant listed_at_{};                   ///< guarded by mutex_
  const std::function<void(const std::string& name, const std::string& outcome)> reranked_;
  std::optional<Rerankers> rerankers_;  ///< ends after the pool, whose jobs hand over to it
  SearchPool pool_;
  SearchPool aside_;  ///< connection for reads and bookings that must not wait behind searches
  QueryUsage usage_;
  std::optional<SharedVectors> shared_;
  QueryEmbedder embedder_;  ///< ends before the pool, to which it hands over
};

}  // namespace embedd::app
