/// One search under way. For the files of SearchService.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/search_service.h"

namespace embedd::app {

struct SearchService::Search {
  std::string vectorizer;
  search::Request request;
  Done<SearchAnswer> done;
  Instant began = std::chrono::steady_clock::now();
  Instant deadline = began + request.deadline;
  Reading known{};
  search::Mode mode = search::Mode::hybrid;
  std::vector<float> vector{};
  std::optional<NoVector> no_vector{};
  std::string score_refused{};  ///< why the database could not compute the vectorizer's score
  double embed_ms = 0, database_ms = 0;
  Instant asked{};  ///< when the database was asked
  int retries = 0;
  std::string rerank = std::exchange(request.rerank, {});  ///< the name that was asked for
  const provider::RerankConfig* reranker = nullptr;        ///< null: the hits keep their order
  search::Request wide{};  ///< for the hits to be reranked, if there is a reranker
  std::optional<Degraded> not_reranked{};
  double rerank_ms = 0;

  [[nodiscard]] search::Legs legs() const {
    return {.vector = mode != search::Mode::text && !no_vector,
            .text = mode != search::Mode::vector,
            .score = subject().info.score && score_refused.empty()};
  }
  /// What the database is asked.
  [[nodiscard]] const search::Request& executed() const { return reranker == nullptr ? request : wide; }
  [[nodiscard]] const search::Subject& subject() const { return *known.subject; }
  bool may_retry() { return retries++ < kMaxRetries && std::chrono::steady_clock::now() < deadline; }
  void fail(SearchFailure failure) { done(std::unexpected(std::move(failure))); }
};

}  // namespace embedd::app
