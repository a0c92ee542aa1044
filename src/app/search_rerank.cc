// SearchService's searches whose hits an endpoint puts into a better order.
//
// The reranker always gets the first hits in the usual order, as many as its configuration says, whatever the
// page. So pages agree with each other; hits behind these keep the usual order.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "app/search_run.h"

namespace embedd::app {
namespace {

/// Left for making the answer after the reranker's.
constexpr Duration kRest = milliseconds(20);

/// Orders the hits by their scores, the highest first; `scores` are of the first hits. Equal ones keep their
/// order.
void order(std::vector<search::Hit>& hits, const std::vector<double>& scores) {
  std::vector<std::size_t> places(scores.size());
  std::iota(places.begin(), places.end(), 0);
  std::ranges::sort(places, [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  std::vector<search::Hit> ordered;
  for (const std::size_t place : places) {
    ordered.push_back(std::move(hits[place]));
    ordered.back().rerank_score = scores[place];
  }
  std::ranges::move(ordered, hits.begin());
}

/// Keeps the page that was asked for.
void take_page(search::Answer& found, const search::Request& request) {
  const auto offset = std::min(static_cast<std::size_t>(request.offset), found.hits.size());
  found.hits.erase(found.hits.begin(), found.hits.begin() + static_cast<std::ptrdiff_t>(offset));
  const auto most = static_cast<std::size_t>(request.k);
  if (found.hits.size() >= most) found.returned_fewer.clear();
  if (found.hits.size() > most) found.hits.resize(most);
}

}  // namespace

/// Decides whether hits are reranked, and which the database is to find for that.
void SearchService::choose_reranker(Search& search) const {
  const search::Request& request = search.request;
  if (search.rerank.empty()) return;
  const provider::RerankConfig* reranker = rerankers_ ? rerankers_->find(search.rerank) : nullptr;
  if (reranker == nullptr) {
    search.not_reranked = {
        "rerank", "not_configured",
        fmt::format("the hits were not reranked: this server has no [rerank.{}]", search.rerank)};
    return;
  }
  const int most = reranker->most_candidates();
  if (request.offset >= most) return;  // behind all that are reranked
  search.reranker = reranker;
  search.wide = request;
  search.wide.rerank = search.rerank;
  search.wide.offset = 0;
  search.wide.k = std::max(most, request.offset + request.k);
}

/// Whether the hits to be reranked were too many bytes, so that some did not come. Then the search is made
/// again as if nothing were to be reranked, so that every hit is on a page.
bool SearchService::must_go_without_reranker(Search& search, const search::Answer& found) {
  if (search.reranker == nullptr || !found.returned_fewer.starts_with("bytes")) return false;
  search.reranker = nullptr;
  search.not_reranked = {"rerank", "too_large",
                         fmt::format("the hits were not reranked: the rows to be compared have more than {} "
                                     "MiB; ask for fewer columns",
                                     search::kMaxAnswerBytes / kMiB)};
  return true;
}

void SearchService::rerank(const std::shared_ptr<Search>& search, search::Answer found) {
  const std::string name = search->rerank;
  const auto count =
      std::min(found.hits.size(), static_cast<std::size_t>(search->reranker->most_candidates()));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < found.hits.size(); ++i) {
    if (i < count) texts.push_back(std::move(found.hits[i].text));
    found.hits[i].text = {};
  }
  const Instant began = std::chrono::steady_clock::now();
  auto kept = std::make_shared<search::Answer>(std::move(found));
  rerankers_->rerank(name, search->request.query, std::move(texts), search->deadline - kRest,
                     [this, search, name, kept, began](const Rerankers::Scores& scores) {
                       search->rerank_ms = ms_since(began);
                       reranked_(name, scores ? "ok" : scores.error().reason);
                       if (scores)
                         order(kept->hits, *scores);
                       else
                         search->not_reranked = {
                             "rerank", scores.error().reason,
                             "the hits were not reranked: " + scores.error().error.message};
                       take_page(*kept, search->request);
                       conclude(*search, std::move(*kept));
                     });
}

}  // namespace embedd::app
