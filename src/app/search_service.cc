#include "app/search_service.h"

#include <fmt/format.h>

#include <utility>

#include "app/endpoints.h"
#include "app/search_run.h"

namespace embedd::app {
namespace {

constexpr std::size_t kMostKnown = 1000;
constexpr Duration kAsideDeadline = seconds(5);
/// The share of the deadline that computing the query's vector may take, so that the text leg has time left.
constexpr double kEmbedShare = 0.6;
Result<std::vector<Listed>> read_list(pg::Connection& db) {
  const auto infos = TRY(schema::list_vectorizers(db));
  const auto words =
      TRY(db.exec("SELECT id, text_search FROM embedd.vectorizers WHERE text_search IS NOT NULL"));
  std::map<VectorizerId, std::string> by_id;
  for (int i = 0; i < words.size(); ++i) by_id[words.integer(i, 0)] = words.text(i, 1);
  std::vector<Listed> out;
  for (const schema::VectorizerInfo& info : infos) out.push_back({info, by_id[info.id]});
  return out;
}

/// The answer names one leg and one reason; a second one adds its message.
void note(SearchAnswer& answer, Degraded degraded) {
  if (answer.degraded)
    answer.degraded->message += "; " + degraded.message;
  else
    answer.degraded = std::move(degraded);
}

Result<bool> read_nothing(pg::Connection& db) {
  TRY(db.exec("SELECT 1"));
  return true;
}

}  // namespace

SearchService::SearchService(const Settings& settings, int connections, Surroundings around)
    : reranked_(std::move(around.reranked)),
      pool_(settings, connections),
      aside_(settings, 1),
      usage_(aside_, settings.prices),
      shared_(around.redis == nullptr ? std::nullopt : std::optional<SharedVectors>(*around.redis)),
      embedder_(
          settings.endpoints,
          [this](const QueryEmbedder::Query& query, std::uint64_t tokens) {
            usage_.add(query.vectorizer, query.endpoint, query.model, tokens);
          },
          shared_ ? &*shared_ : nullptr, std::move(around.looked_up)) {
  if (!settings.rerankers.empty()) rerankers_.emplace(settings.rerankers);
}

void SearchService::search(std::string vectorizer, search::Request request, Done<SearchAnswer> done) {
  auto search = std::make_shared<Search>(
      Search{.vectorizer = std::move(vectorizer), .request = std::move(request), .done = std::move(done)});
  choose_reranker(*search);
  pool_.run([this, search](Result<Lent> lent) { begin(search, std::move(lent)); }, search->deadline);
}

/// Begins a search, also a second time if what was known of the vectorizer was outdated. A vector of the same
/// model is kept.
void SearchService::begin(const std::shared_ptr<Search>& search, Result<Lent> lent) {
  if (!lent) return search->fail(failure_of(std::move(lent.error())));
  auto known = read_known(*lent, search->vectorizer);
  if (!known && !lent->db.usable() && search->may_retry()) {
    pool_.distrust();
    return pool_.run([this, search](Result<Lent> next) { begin(search, std::move(next)); }, search->deadline);
  }
  if (!known) return search->fail(failure_of(std::move(known.error())));
  if (!known->subject) return search->fail(no_vectorizer(search->vectorizer));
  const Reading before = std::exchange(search->known, *std::move(known));
  if (auto wrong = misfit(*search)) return search->fail(*std::move(wrong));
  if (before.subject && !is_same_model(before.subject->info, search->subject().info)) {
    search->vector.clear();
    search->no_vector.reset();
  }
  if (!search->request.vector.empty()) search->vector = search->request.vector;
  if (search->mode == search::Mode::text || !search->vector.empty() || search->no_vector ||
      search->request.similar_to)
    return execute(search, std::move(lent));
  embed(search);
}

/// Decides the mode. Returns why the request does not fit the vectorizer.
std::optional<SearchFailure> SearchService::misfit(Search& search) {
  const search::Request& request = search.request;
  const schema::VectorizerInfo& info = search.subject().info;
  const bool words = !search.subject().text_search.empty();
  search.mode = request.mode.value_or(words ? search::Mode::hybrid : search::Mode::vector);
  if (search.mode != search::Mode::vector && !words)
    return invalid(
        fmt::format("mode: {0} needs a text configuration, and {1} has none; its owner runs: embedd "
                    "vectorizer text-search {1} english",
                    name_of(search.mode), info.name));
  if (!request.vector.empty() && static_cast<int>(request.vector.size()) != info.dimensions)
    return invalid(fmt::format("vector: has {} numbers, and the vectorizer {} has {} dimensions",
                               request.vector.size(), info.name, info.dimensions));
  if (request.highlight && !words)
    return invalid(fmt::format("highlight: needs a text configuration, and {} has none", info.name));
  if (request.neighbours > 0 && !info.stores())
    return invalid(fmt::format("neighbours: {} has no chunks", info.name));
  return std::nullopt;
}

void SearchService::embed(const std::shared_ptr<Search>& search) {
  const Instant now = std::chrono::steady_clock::now();
  const bool alone = search->mode == search::Mode::vector;
  const auto patience =
      std::chrono::duration_cast<Duration>((search->deadline - now) * (alone ? 1 : kEmbedShare));
  const schema::VectorizerInfo& info = search->subject().info;
  embedder_.embed({.vectorizer = info.id,
                   .endpoint = info.endpoint,
                   .model = info.model,
                   .dimensions = info.dimensions,
                   .send_dimensions = info.send_dimensions,
                   .text = search->request.query},
                  now + patience, [this, search, now](std::expected<QueryVector, NoVector> vector) {
                    search->embed_ms = ms_since(now);
                    if (vector)
                      search->vector = std::move(vector->values);
                    else
                      search->no_vector = std::move(vector.error());
                    if (search->no_vector && search->mode == search::Mode::vector)
                      return search->fail({search->no_vector->reason, search->no_vector->error});
                    pool_.run([this, search](Result<Lent> lent) { execute(search, std::move(lent)); },
                              search->deadline);
                  });
}

void SearchService::execute(const std::shared_ptr<Search>& search, Result<Lent> lent) {
  if (!lent) return search->fail(failure_of(std::move(lent.error())));
  if (search->asked == Instant{}) search->asked = std::chrono::steady_clock::now();
  auto found = search::ranked_search(lent->trip, search->subject(), search->executed(), search->legs(),
                                     search->vector, search->deadline);
  if (found && must_go_without_reranker(*search, *found)) return execute(search, std::move(lent));
  if (found) search->database_ms = ms_since(search->asked);
  if (found && search->reranker != nullptr && !found->hits.empty()) return rerank(search, *std::move(found));
  if (found) return conclude(*search, *std::move(found));
  if (lent->trip.broken()) {
    // A connection that was lost while it was idle shows only now.
    pool_.distrust();
    if (search->may_retry())
      return pool_.run([this, search](Result<Lent> next) { execute(search, std::move(next)); },
                       search->deadline);
  } else if (is_outdated(found.error(), lent->trip.last_sqlstate(), search->known.read_at >= search->began) &&
             search->may_retry()) {
    lent->trip.forget();
    forget(search->vectorizer);
    return begin(search, std::move(lent));
  }
  if (may_go_without_score(*search, found.error(), lent->trip)) return execute(search, std::move(lent));
  search->fail(failure_of(std::move(found.error())));
}

/// Whether the score may be why the database refused the statement. Then the search is made without the
/// score, and says so; if it is refused again, the request is at fault.
bool SearchService::may_go_without_score(Search& search, const Error& error, const pg::OneTrip& trip) {
  if (!search.legs().score || !is_refused(error, trip)) return false;
  search.score_refused = trip.last_sqlstate();
  return true;
}

void SearchService::conclude(Search& search, search::Answer found) {
  if (found.origin == search::Origin::missing)
    return search.fail({"not_found", {ErrorKind::invalid_argument, "similar_to: there is no such row"}});
  if (found.origin == search::Origin::without_vector)
    return search.fail({"no_vector",
                        {ErrorKind::conflict,
                         "similar_to: the row has no vector: it waits for one, or has no text, or is in the "
                         "dead letters"}});
  SearchAnswer answer{.found = std::move(found), .mode = search.mode, .model = search.subject().info.model};
  answer.explained = search.request.explain;
  if (search.no_vector)
    note(answer, {"vector", search.no_vector->reason,
                  "only the words were searched: " + search.no_vector->error.message});
  if (!search.score_refused.empty()) note(answer, without_score(search.vectorizer, search.score_refused));
  if (search.not_reranked) note(answer, *std::move(search.not_reranked));
  answer.scored = search.legs().score;
  answer.reranked = !search.rerank.empty();
  answer.rerank_ms = search.rerank_ms;
  if (answer.found.backlog)
    note(answer, {"text", "backlog",
                  "some rows have no chunks yet, and not all of them were searched by their words"});
  if (answer.found.many_matches)
    note(answer,
         {"text", "many_matches",
          fmt::format(
              "more than {} texts have these words, and only so many were ranked: add words or a filter",
              search::kMaxMatches)});
  answer.embed_ms = search.embed_ms;
  answer.database_ms = search.database_ms;
  answer.took_ms = ms_since(search.began);
  search.done(std::move(answer));
}

Result<SearchService::Reading> SearchService::read_known(Lent& lent, const std::string& name) {
  const Instant now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(name);
    if (found != known_.end() && now < found->second.read_at + kSubjectLives) return found->second;
  }
  auto subject = search::load_subject(lent.db, name);
  if (!subject && subject.error().kind == ErrorKind::invalid_argument)  // no fault of the client's
    subject.error().kind = ErrorKind::misconfigured;
  Reading known{TRY(std::move(subject)), now};
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  if (known.subject)
    known_[name] = known;
  else
    known_.erase(name);
  return known;
}

void SearchService::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  known_.erase(name);
}

/// Reads with the connection that searches do not use. A connection that was lost while it was idle shows
/// only now, and is opened once again.
template <typename T>
void SearchService::read_aside(Result<T> (*read)(pg::Connection&), Done<T> done, bool again) {
  aside_.run(
      [this, read, done = std::move(done), again](Result<Lent> lent) {
        if (!lent) return done(std::unexpected(failure_of(std::move(lent.error()))));
        auto value = read(lent->db);
        if (value) return done(*std::move(value));
        if (again && !lent->db.usable()) return read_aside(read, done, false);
        done(std::unexpected(failure_of(std::move(value.error()))));
      },
      std::chrono::steady_clock::now() + kAsideDeadline);
}

void SearchService::list(Done<std::vector<Listed>> done) { read_aside(read_list, std::move(done), true); }

void SearchService::check(Done<bool> done) { read_aside(read_nothing, std::move(done), true); }

}  // namespace embedd::app
