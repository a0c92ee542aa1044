// SearchService's vectors without a search: of one query, or of texts for a model.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/search_failure.h"
#include "app/search_service.h"

namespace embedd::app {
namespace {

/// Requests to the provider at a time, for one call of a client.
constexpr std::size_t kAtOnce = 8;
/// Most numbers of all vectors of an answer together: some 5 MB of JSON.
constexpr std::size_t kMaxNumbers = 400'000;

bool is_meant(const schema::VectorizerInfo& info, const search::EmbedRequest& request) {
  const bool named = info.model == request.model || info.endpoint + "/" + info.model == request.model;
  return named && (request.dimensions == 0 || request.dimensions == info.dimensions);
}

std::string model_of(const schema::VectorizerInfo& info) {
  return fmt::format("{}/{} with {} dimensions", info.endpoint, info.model, info.dimensions);
}

}  // namespace

/// One call, whose texts are embedded a few at a time.
struct SearchService::Vectors {
  search::EmbedRequest request;
  Done<VectorAnswer> done;
  Instant began = std::chrono::steady_clock::now();
  Instant deadline = began + request.deadline;
  schema::VectorizerInfo info{};

  std::mutex mutex{};
  VectorAnswer answer{};       ///< guarded by mutex
  std::size_t next = 0;        ///< guarded by mutex
  std::size_t unanswered = 0;  ///< guarded by mutex
  bool over = false;           ///< guarded by mutex; `done` was called

  void fail(SearchFailure failure) { done(std::unexpected(std::move(failure))); }
};

void SearchService::embed(std::string vectorizer, search::EmbedRequest request, Done<VectorAnswer> done) {
  auto call = std::make_shared<Vectors>();
  call->request = std::move(request);
  call->deadline = call->began + call->request.deadline;
  call->done = std::move(done);
  find_subject(std::move(vectorizer), call, true);
}

void SearchService::find_subject(std::string vectorizer, const std::shared_ptr<Vectors>& call, bool again) {
  pool_.run(
      [this, vectorizer = std::move(vectorizer), call, again](Result<Lent> lent) {
        if (!lent) return call->fail(failure_of(std::move(lent.error())));
        auto known = read_known(*lent, vectorizer);
        if (!known && !lent->db.usable() && again) {
          pool_.distrust();
          return find_subject(vectorizer, call, false);
        }
        if (!known) return call->fail(failure_of(std::move(known.error())));
        if (!known->subject) return call->fail(no_vectorizer(vectorizer));
        start_vectors(call, known->subject->info);
      },
      call->deadline);
}

void SearchService::embed_for_model(search::EmbedRequest request, MayUse may_use, Done<VectorAnswer> done) {
  auto call = std::make_shared<Vectors>();
  call->request = std::move(request);
  call->deadline = call->began + call->request.deadline;
  call->done = std::move(done);
  recent_list([this, call, may_use = std::move(may_use)](auto listed) {
    if (!listed) return call->fail(std::move(listed.error()));
    std::vector<const schema::VectorizerInfo*> meant;
    for (const Listed& each : **listed) {
      const schema::VectorizerInfo& info = each.info;
      if (!may_use(info.name) || !is_meant(info, call->request)) continue;
      if (std::ranges::none_of(meant, [&](const auto* other) { return is_same_model(*other, info); }))
        meant.push_back(&info);
    }
    if (meant.empty())
      return call->fail(invalid(fmt::format(
          "model: no vectorizer has the model '{}'{}; GET /v1/vectorizers lists them", call->request.model,
          call->request.dimensions == 0 ? ""
                                        : fmt::format(" with {} dimensions", call->request.dimensions))));
    if (meant.size() > 1)
      return call->fail(invalid(fmt::format(
          "model: '{}' may be {} or {}: name the endpoint too, as ENDPOINT/MODEL, or the dimensions",
          call->request.model, model_of(*meant[0]), model_of(*meant[1]))));
    start_vectors(call, *meant.front());
  });
}

void SearchService::recent_list(Done<List> done) {
  const Instant now = std::chrono::steady_clock::now();
  {
    std::unique_lock lock(mutex_);
    if (const List known = listed_; known && now < listed_at_ + kSubjectLives) {
      lock.unlock();
      return done(known);
    }
  }
  list([this, now, done = std::move(done)](auto listed) {
    if (!listed) return done(std::unexpected(std::move(listed.error())));
    List fresh = std::make_shared<const std::vector<Listed>>(*std::move(listed));
    {
      const std::lock_guard lock(mutex_);
      listed_ = fresh;
      listed_at_ = now;
    }
    done(std::move(fresh));
  });
}

void SearchService::start_vectors(const std::shared_ptr<Vectors>& call, const schema::VectorizerInfo& info) {
  const std::size_t count = call->request.texts.size();
  const std::size_t most = std::max<std::size_t>(1, kMaxNumbers / static_cast<std::size_t>(info.dimensions));
  if (count > most)
    return call->fail(invalid(
        fmt::format("input: of {}, an answer has at most {} vectors, not {}", model_of(info), most, count)));
  call->info = info;
  call->answer.model = info.model;
  call->answer.of = info;
  call->answer.vectors.resize(count);
  call->unanswered = count;
  for (std::size_t i = 0; i < std::min(count, kAtOnce); ++i) next_vector(call);
}

void SearchService::next_vector(const std::shared_ptr<Vectors>& call) {
  std::size_t index = 0;
  {
    const std::lock_guard lock(call->mutex);
    if (call->over || call->next == call->request.texts.size()) return;
    index = call->next++;
  }
  const schema::VectorizerInfo& info = call->info;
  embedder_.embed({.vectorizer = info.id,
                   .endpoint = info.endpoint,
                   .model = info.model,
                   .dimensions = info.dimensions,
                   .send_dimensions = info.send_dimensions,
                   .text = call->request.texts[index]},
                  call->deadline, [this, call, index](std::expected<QueryVector, NoVector> vector) {
                    keep_vector(call, index, std::move(vector));
                  });
}

void SearchService::keep_vector(const std::shared_ptr<Vectors>& call, std::size_t index,
                                std::expected<QueryVector, NoVector> vector) {
  bool complete = false;
  {
    const std::lock_guard lock(call->mutex);
    if (call->over) return;
    complete = vector && --call->unanswered == 0;
    call->over = !vector || complete;
    if (vector) {
      call->answer.tokens += vector->tokens;
      call->answer.vectors[index] = std::move(vector->values);
    }
  }
  if (!vector) {
    NoVector& why = vector.error();
    if (call->request.texts.size() > 1 && (why.reason == "too_large" || why.reason == "rejected"))
      why.error.message = fmt::format("input[{}]: {}", index, why.error.message);
    return call->fail({std::move(why.reason), std::move(why.error), true});
  }
  if (!complete) return next_vector(call);
  call->answer.took_ms = ms_since(call->began);
  call->done(std::move(call->answer));
}

}  // namespace embedd::app
