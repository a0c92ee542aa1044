/// Answers searches for `embedd serve`: many at a time, each in one round trip to the database.
///
/// A hybrid search whose query cannot be embedded is answered by its text leg, and says so. What is known of
/// a vectorizer is read again after kSubjectLives, or when a statement does not fit it any more. If another
/// model has taken the vectorizer's name meanwhile, the query is embedded again.
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
#include "app/search_pool.h"
#include "app/settings.h"
#include "base/error.h"
#include "schema/vectorizers.h"
#include "search/ranked.h"
#include "search/request.h"

namespace embedd::app {

struct Degraded {
  std::string leg, reason, message;
};

struct SearchAnswer {
  search::Answer found;
  search::Mode mode = search::Mode::hybrid;  ///< as it was asked for
  std::string model;
  std::optional<Degraded> degraded;
  bool explained = false;
  double took_ms = 0, embed_ms = 0, database_ms = 0;
};

/// Why there is no answer. `code` is a stable word: not_found, invalid_request, deadline, unavailable,
/// internal, or the reason why there is no vector (NoVector).
struct SearchFailure {
  std::string code;
  Error error;
};

struct Listed {
  schema::VectorizerInfo info;
  std::string text_search;
};

class SearchService {
 public:
  static constexpr Duration kSubjectLives = seconds(5);

  template <typename T>
  using Done = std::function<void(std::expected<T, SearchFailure>)>;

  /// `settings` must outlive this object.
  SearchService(const Settings& settings, int connections);

  /// Thread-safe. `done` is called once, on another thread, and must not block. A search that is still
  /// waiting when this object ends fails.
  void search(std::string vectorizer, search::Request request, Done<SearchAnswer> done);
  void list(Done<std::vector<Listed>> done);
  /// Whether the database answers.
  void check(Done<bool> done);

 private:
  struct Search;
  struct Known {
    std::shared_ptr<const search::Subject> subject;
    Instant read_at;
  };

  void begin(const std::shared_ptr<Search>& search, Result<Lent> lent);
  void embed(const std::shared_ptr<Search>& search);
  void execute(const std::shared_ptr<Search>& search, Result<Lent> lent);
  static void conclude(Search& search, search::Answer found);
  static std::optional<SearchFailure> misfit(Search& search);
  Result<Known> read_known(Lent& lent, const std::string& name);
  void forget(const std::string& name);
  template <typename T>
  void read_aside(Result<T> (*read)(pg::Connection&), Done<T> done, bool again);

  std::mutex mutex_;
  std::map<std::string, Known> known_;  ///< guarded by mutex_
  SearchPool pool_;
  SearchPool aside_;        ///< for what must not wait behind searches
  QueryEmbedder embedder_;  ///< ends before the pool, to which it hands over
};

}  // namespace embedd::app
