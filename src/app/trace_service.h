/// The traces service: finds, reads and adds traces of the first user's tables. For HTTP (serve/traces_api.h)
/// and for agents; it knows neither.
///
///   TraceService traces(search_service);
///   traces.search({.q = "connection pool exhausted", .tags = {" Postgres "}}, [](auto found) {
///     if (!found) return report(found.error());  // code: invalid_request, no_api_key, unavailable, …
///     for (const search::Trace& trace : found->traces) use(trace.title, trace.score);
///   });
///
/// The table and the model are those of the vectorizer `traces`, which `embedd traces init` declares; without
/// it each call fails with not_found. Values are checked and normalised here: a tag loses the blanks around
/// it, and is in lower case. A failure's message begins with the field that is wrong: "tags[1]: …".
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/search_service.h"
#include "base/error.h"
#include "search/traces.h"

namespace embedd::app {

struct TracesFound {
  std::vector<search::Trace> traces;  ///< the best first
  std::string model;                  ///< of the query's vector; empty: there was no q
  std::optional<Degraded> degraded{};
};

class TraceService {
 public:
  static constexpr std::size_t kMaxQueryCharacters = 2000, kMaxTitleCharacters = 500, kMaxTagCharacters = 50;
  static constexpr std::size_t kMaxQueryTags = 10, kMaxTraceTags = 20;
  static constexpr Duration kDeadline = seconds(10);
  static constexpr std::string_view kVectorizer = "traces";

  template <typename T>
  using Done = SearchService::Done<T>;

  /// `service` must outlive the last answer.
  explicit TraceService(SearchService& service) : service_(service) {}

  /// Whether there is the vectorizer, as it was at most SearchService::kSubjectLives ago.
  void declared(Done<bool> done);
  /// Thread-safe, as all of these. `done` is called once, perhaps before the call returns, and must not
  /// block. `query.mandatory`: the filter of the client's token.
  void search(search::TraceQuery query, Done<TracesFound> done);
  /// A trace that is not there, or does not pass the filter, is `not_found`.
  void read(std::string id, std::optional<search::Filter> mandatory, Done<search::Trace> done);
  void add(search::NewTrace trace, Done<search::AddedTrace> done);
  void tags(std::optional<search::Filter> mandatory, Done<std::vector<std::string>> done);

 private:
  struct Search;
  using Tables = std::shared_ptr<const search::TraceTables>;

  void embed(const std::shared_ptr<Search>& search);
  void find(const std::shared_ptr<Search>& search);
  Result<Tables> tables_of(Lent& lent, const std::shared_ptr<const search::Subject>& subject);
  template <typename T, typename Ask>
  void ask(Instant deadline, Ask ask, Done<T> done);

  SearchService& service_;
  std::mutex mutex_;
  Tables known_;  ///< guarded by mutex_; may be null
};

/// `tags` without the blanks around them, in lower case, each once. `field`: the name of the list. Errors:
/// invalid_argument, which names the tag: there are more than `most`, or one is empty or too long.
Result<std::vector<std::string>> normalized_tags(const std::vector<std::string>& tags, std::size_t most);

}  // namespace embedd::app
