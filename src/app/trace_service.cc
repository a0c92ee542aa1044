#include "app/trace_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "base/trim.h"
#include "text/lower.h"
#include "text/utf8.h"

namespace embedd::app {
namespace {

/// Retries after the vectorizer's name was taken by another model.
constexpr int kMaxModels = 2;
/// The share of the deadline that the query's vector may take.
constexpr double kEmbedShare = 0.6;

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

Result<void> check_text(std::string_view field, std::string_view text, std::size_t most = 0) {
  if (!utf8::valid(text)) return wrong("{}: must be UTF-8", field);
  if (text.find('\0') != std::string_view::npos) return wrong("{}: must not hold the character NUL", field);
  if (trim(text).empty()) return wrong("{}: must not be empty", field);
  if (most > 0 && utf8::characters(text) > most)
    return wrong("{}: must have at most {} characters, not {}", field, most, utf8::characters(text));
  return {};
}

Result<void> check_query(search::TraceQuery& query) {
  if (trim(query.q).empty()) query.q.clear();
  if (!query.q.empty()) TRY(check_text("q", query.q, TraceService::kMaxQueryCharacters));
  query.tags = TRY(normalized_tags(query.tags, TraceService::kMaxQueryTags));
  if (query.limit < 1 || query.limit > search::kMaxTraces)
    return wrong("limit: must be a whole number from 1 to {}", search::kMaxTraces);
  if (query.q.empty() && query.tags.empty()) return wrong("At least one of 'q' or 'tags' must be provided");
  return {};
}

Result<void> check_new(search::NewTrace& trace) {
  TRY(check_text("title", trace.title, TraceService::kMaxTitleCharacters));
  TRY(check_text("context_text", trace.context_text));
  TRY(check_text("solution_text", trace.solution_text));
  trace.tags = TRY(normalized_tags(trace.tags, TraceService::kMaxTraceTags));
  return {};
}

/// A random uuid, version 4.
std::string new_uuid() {
  static thread_local std::random_device random;
  std::array<unsigned, 4> words{};
  for (unsigned& word : words) word = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16, words[1] & 0xfff,
                     (words[2] >> 16 & 0x3fff) | 0x8000, words[2] & 0xffff, words[3]);
}

SearchFailure no_trace(std::string_view id) {
  return {"not_found", {ErrorKind::invalid_argument, fmt::format("there is no trace {}", id)}};
}

/// The answer of a statement, or why there is none.
template <typename T>
std::expected<T, SearchFailure> answer_of(Result<T> result) {
  if (result) return *std::move(result);
  return std::unexpected(failure_of(std::move(result.error())));
}

}  // namespace

Result<std::vector<std::string>> normalized_tags(const std::vector<std::string>& tags, std::size_t most) {
  if (tags.size() > most) return wrong("tags: must have at most {} elements", most);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const std::string field = fmt::format("tags[{}]", i);
    TRY(check_text(field, tags[i]));
    std::string tag = lower(trim(tags[i]));
    TRY(check_text(field, tag, TraceService::kMaxTagCharacters));
    if (std::ranges::find(out, tag) == out.end()) out.push_back(std::move(tag));
  }
  return out;
}

struct TraceService::Search {
  search::TraceQuery query;
  Done<TracesFound> done;
  Instant deadline = std::chrono::steady_clock::now() + kDeadline;
  VectorAnswer vector{};
  bool other_model = false;  ///< the vector is not of the vectorizer's present model
  int models = 0;
};

template <typename T, typename Ask>
void TraceService::ask(Instant deadline, Ask ask, Done<T> done) {
  const auto answer = std::make_shared<std::optional<T>>();
  service_.work_on(
      std::string(kVectorizer), deadline,
      [this, answer, ask = std::move(ask)](
          Lent& lent, const SearchService::Known& subject) -> std::expected<void, SearchFailure> {
        const auto tables = tables_of(lent, subject);
        if (!tables) return std::unexpected(failure_of(tables.error()));
        std::expected<T, SearchFailure> got = ask(lent.trip, **tables);
        if (!got) return std::unexpected(std::move(got.error()));
        *answer = *std::move(got);
        return {};
      },
      [answer, done = std::move(done)](std::optional<SearchFailure> failure) {
        if (failure) return done(std::unexpected(*std::move(failure)));
        done(**std::move(answer));
      });
}

/// What is known of the tables lives as long as what is known of the vectorizer.
Result<TraceService::Tables> TraceService::tables_of(Lent& lent, const SearchService::Known& subject) {
  {
    const std::lock_guard lock(mutex_);
    if (known_ && known_->subject == subject) return known_;
  }
  Tables tables = TRY(search::load_trace_tables(lent.db, subject));
  const std::lock_guard lock(mutex_);
  known_ = tables;
  return tables;
}

void TraceService::declared(Done<bool> done) {
  service_.recent_list([done = std::move(done)](const auto& listed) {
    if (!listed) return done(std::unexpected(listed.error()));
    done(std::ranges::any_of(**listed, [](const Listed& each) { return each.info.name == kVectorizer; }));
  });
}

void TraceService::search(search::TraceQuery query, Done<TracesFound> done) {
  if (auto checked = check_query(query); !checked)
    return done(std::unexpected(failure_of(std::move(checked.error()))));
  auto search = std::make_shared<Search>(Search{.query = std::move(query), .done = std::move(done)});
  if (search->query.q.empty()) return find(search);
  embed(search);
}

void TraceService::embed(const std::shared_ptr<Search>& search) {
  const Duration left = search->deadline - std::chrono::steady_clock::now();
  const auto patience =
      std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(kEmbedShare * to_seconds(left)));
  service_.embed(std::string(kVectorizer), {.texts = {search->query.q}, .deadline = patience},
                 [this, search](std::expected<VectorAnswer, SearchFailure> vector) {
                   if (!vector) return search->done(std::unexpected(std::move(vector.error())));
                   search->vector = *std::move(vector);
                   find(search);
                 });
}

void TraceService::find(const std::shared_ptr<Search>& search) {
  const auto look = [search](pg::OneTrip& trip,
                             const search::TraceTables& tables) -> std::expected<TracesFound, SearchFailure> {
    const bool near = !search->query.q.empty();
    search->other_model = near && !is_same_model(search->vector.of, tables.subject->info);
    if (search->other_model) return TracesFound{};
    static const std::vector<float> kNone;
    const auto look_for = [&](const search::TraceQuery& query) {
      return search::search_traces(trip, tables, query, near ? search->vector.vectors.front() : kNone,
                                   search->deadline);
    };
    std::optional<Degraded> degraded;
    auto traces = look_for(search->query);
    if (!traces && near && tables.subject->info.score && is_refused(traces.error(), trip)) {
      // The score may be at fault. If the statement is refused without it, too, the score is not.
      degraded = without_score(kVectorizer, trip.last_sqlstate());
      search::TraceQuery unscored = search->query;
      unscored.scored = false;
      traces = look_for(unscored);
    }
    if (!traces) return std::unexpected(failure_of(std::move(traces.error())));
    return TracesFound{*std::move(traces), search->vector.model, std::move(degraded)};
  };
  ask<TracesFound>(search->deadline, look, [this, search](std::expected<TracesFound, SearchFailure> found) {
    if (!found || !search->other_model) return search->done(std::move(found));
    if (search->models++ < kMaxModels) return embed(search);
    search->done(std::unexpected(SearchFailure{
        "unavailable", {ErrorKind::unavailable, "the model of the traces is being changed; try again"}}));
  });
}

void TraceService::read(std::string id, std::optional<search::Filter> mandatory, Done<search::Trace> done) {
  if (!search::is_uuid(id)) return done(std::unexpected(invalid("id: must be a uuid")));
  const Instant deadline = std::chrono::steady_clock::now() + kDeadline;
  const auto look = [id = std::move(id), mandatory = std::move(mandatory), deadline](
                        pg::OneTrip& trip,
                        const search::TraceTables& tables) -> std::expected<search::Trace, SearchFailure> {
    auto trace = search::read_trace(trip, tables, id, mandatory, deadline);
    if (!trace) return std::unexpected(failure_of(std::move(trace.error())));
    if (!*trace) return std::unexpected(no_trace(id));
    return **std::move(trace);
  };
  ask<search::Trace>(deadline, look, std::move(done));
}

void TraceService::add(search::NewTrace trace, Done<search::AddedTrace> done) {
  if (auto checked = check_new(trace); !checked)
    return done(std::unexpected(failure_of(std::move(checked.error()))));
  const Instant deadline = std::chrono::steady_clock::now() + kDeadline;
  const auto add =
      [id = new_uuid(), trace = std::move(trace), deadline](
          pg::OneTrip& trip,
          const search::TraceTables& tables) -> std::expected<search::AddedTrace, SearchFailure> {
    if (trace.contributor.empty() &&
        std::ranges::find(tables.required, "contributor_id") != tables.required.end())
      return std::unexpected(SearchFailure{
          "forbidden",
          {ErrorKind::unauthenticated,
           "each trace must have a contributor_id, and this client has none: set contributor in its table "
           "[token.NAME], or start embedd mcp with --contributor"}});
    return answer_of(search::add_trace(trip, tables, id, trace, deadline));
  };
  ask<search::AddedTrace>(deadline, add, std::move(done));
}

void TraceService::tags(std::optional<search::Filter> mandatory, Done<std::vector<std::string>> done) {
  const Instant deadline = std::chrono::steady_clock::now() + kDeadline;
  const auto list = [mandatory = std::move(mandatory), deadline](pg::OneTrip& trip,
                                                                 const search::TraceTables& tables) {
    return answer_of(search::list_tags(trip, tables, mandatory, deadline));
  };
  ask<std::vector<std::string>>(deadline, list, std::move(done));
}

}  // namespace embedd::app
