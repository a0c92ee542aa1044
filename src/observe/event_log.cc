#include "observe/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace embedd::observe {

namespace {

constexpr seconds kSummary{1};   ///< between two batch_completed of a vectorizer
constexpr seconds kRepeat{30};   ///< between two lines about the same problem
constexpr minutes kFlapping{1};  ///< between two lines about an endpoint that slows down and recovers
constexpr minutes kBraked{5};    ///< between two lines about a vectorizer that buys in vain
constexpr std::chrono::hours kAdvice{1};  ///< between two lines that say what to do
constexpr std::chrono::hours kOdd{24};    ///< between two lines about a server's odd claims
constexpr seconds kDeadLetters{1};        ///< between two job_discarded of a vectorizer and kind

bool is_rate(EndpointState state) {
  return state == EndpointState::ready || state == EndpointState::slowed || state == EndpointState::paused;
}

std::string_view event_of(EndpointState state) {
  switch (state) {
    case EndpointState::ready: return "endpoint_ready";
    case EndpointState::slowed: return "endpoint_slowed";
    case EndpointState::no_api_key: return "no_api_key";
    case EndpointState::paused:
    case EndpointState::unauthenticated:
    case EndpointState::quota_exhausted:
    case EndpointState::undefined: break;
  }
  return "endpoint_paused";
}

}  // namespace

std::optional<std::uint64_t> RepeatFilter::pass(const std::string& key, Instant now, Duration interval) {
  if (!entries_.contains(key) && entries_.size() >= kMost) entries_.clear();
  const auto [entry, added] = entries_.try_emplace(key);
  if (!added && now - entry->second.last < interval) {
    ++entry->second.suppressed;
    return std::nullopt;
  }
  entry->second.last = now;
  return std::exchange(entry->second.suppressed, 0);
}

void EventLog::claimed(const Vectorizer& vectorizer, std::size_t, std::size_t rescued) {
  if (rescued == 0) return;
  if (const auto suppressed = repeats_.pass("rescued " + vectorizer.name, clock_.now(), kRepeat))
    log::info("leases_rescued",
              {{"vectorizer", vectorizer.name}, {"jobs", rescued}, {"lines_suppressed", *suppressed}});
}

void EventLog::request_finished(const Vectorizer& vectorizer, const Reply& reply) {
  Sum& sum = sums_[vectorizer.id];
  sum.vectorizer = vectorizer.name;
  if (reply.answer) {
    ++sum.requests;
    sum.tokens += reply.answer->tokens;
    note_drift(vectorizer, *reply.answer);
    return disbelieve(vectorizer, *reply.answer);
  }
  const Error& error = reply.answer.error();
  if (error.kind == ErrorKind::canceled) return;
  const std::string key = fmt::format("request {} {}", vectorizer.endpoint, name_of(error.kind));
  if (const auto suppressed = repeats_.pass(key, clock_.now(), kRepeat))
    log::warn("request_failed", {{"endpoint", vectorizer.endpoint},
                                 {"vectorizer", vectorizer.name},
                                 {"kind", name_of(error.kind)},
                                 {"message", error.message},
                                 {"request_id", reply.request_id},
                                 {"lines_suppressed", *suppressed}});
}

/// A server may answer with a newer version of a model under the same name. Their vectors are not comparable.
void EventLog::note_drift(const Vectorizer& vectorizer, const EmbedAnswer& answer) {
  std::string& known = served_[vectorizer.id];
  if (known == answer.model) return;
  const std::string before = std::exchange(known, answer.model);
  if (before.empty()) return;
  if (const auto suppressed = repeats_.pass("drift " + vectorizer.name, clock_.now(), kRepeat))
    log::warn("embedding_model_drift_detected", {{"vectorizer", vectorizer.name},
                                                 {"endpoint", vectorizer.endpoint},
                                                 {"existing_model", before},
                                                 {"current_model", answer.model},
                                                 {"lines_suppressed", *suppressed}});
}

void EventLog::disbelieve(const Vectorizer& vectorizer, const EmbedAnswer& answer) {
  if (answer.claimed == 0) return;
  if (const auto suppressed = repeats_.pass("disbelieved " + vectorizer.endpoint, clock_.now(), kOdd))
    log::warn("usage_disbelieved", {{"endpoint", vectorizer.endpoint},
                                    {"vectorizer", vectorizer.name},
                                    {"tokens_claimed", answer.claimed},
                                    {"tokens_booked", answer.tokens},
                                    {"lines_suppressed", *suppressed}});
}

void EventLog::settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
                       std::size_t jobs) {
  Sum& sum = sums_[vectorizer.id];
  sum.vectorizer = vectorizer.name;
  if (settlement.action == Action::clear && outcome == Outcome::done) sum.cleared += jobs;
  if (has_vectors(settlement.action)) {
    if (outcome == Outcome::done) sum.rows += jobs;
    if (outcome == Outcome::kept) sum.kept += jobs;
    if (outcome == Outcome::stale || outcome == Outcome::gone) sum.stale += jobs;
  }
  const Instant now = clock_.now();
  if (now - sum.written_at >= kSummary) write(sum, now);
}

void EventLog::write(Sum& sum, Instant now) {
  if (sum.empty()) return;
  if (summaries_)
    log::info("batch_completed", {{"vectorizer", sum.vectorizer},
                                  {"rows", sum.rows},
                                  {"cleared", sum.cleared},
                                  {"kept", sum.kept},
                                  {"stale", sum.stale},
                                  {"requests", sum.requests},
                                  {"tokens", sum.tokens}});
  sum = Sum{.vectorizer = sum.vectorizer, .written_at = now};
}

void EventLog::turned() {
  const Instant now = clock_.now();
  for (auto& [id, sum] : sums_)
    if (now - sum.written_at >= kSummary) write(sum, now);
}

void EventLog::flush() {
  for (auto& [id, sum] : sums_) write(sum, clock_.now());
}

void EventLog::rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) {
  const std::string key = fmt::format("rescheduled {} {} {}", vectorizer.id, name_of(kind), charged);
  if (const auto suppressed = repeats_.pass(key, clock_.now(), kRepeat))
    log::info("jobs_rescheduled", {{"vectorizer", vectorizer.name},
                                   {"kind", name_of(kind)},
                                   {"jobs", jobs},
                                   {"attempt_charged", charged},
                                   {"lines_suppressed", *suppressed}});
}

void EventLog::discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) {
  const std::string key = fmt::format("discarded {} {}", vectorizer.id, name_of(kind));
  if (const auto suppressed = repeats_.pass(key, clock_.now(), kDeadLetters))
    log::warn("job_discarded", {{"vectorizer", vectorizer.name},
                                {"kind", name_of(kind)},
                                {"message", message},
                                {"lines_suppressed", *suppressed}});
}

void EventLog::truncated(const Vectorizer& vectorizer, std::size_t tokens) {
  if (const auto suppressed =
          repeats_.pass(fmt::format("truncated {}", vectorizer.id), clock_.now(), kRepeat))
    log::info("text_truncated",
              {{"vectorizer", vectorizer.name}, {"tokens", tokens}, {"lines_suppressed", *suppressed}});
}

void EventLog::cut_silently(const Vectorizer& vectorizer, std::size_t tokens, std::size_t most) {
  const std::string key = fmt::format("cut {} {}", vectorizer.endpoint, vectorizer.model);
  if (!repeats_.pass(key, clock_.now(), kOdd)) return;
  log::warn(
      "texts_cut_by_server",
      {{"endpoint", vectorizer.endpoint},
       {"vectorizer", vectorizer.name},
       {"model", vectorizer.model},
       {"tokens", tokens},
       {"message",
        fmt::format(
            "the server bills every long text as {} tokens, whatever its length: it cuts long texts. Let "
            "the server take longer texts, or set max_input_tokens = {} for the endpoint, so that "
            "the vectorizer's long_texts decides what happens to them (docs/endpoints.md)",
            tokens, most)}});
}

void EventLog::equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) {
  const std::string key = fmt::format("equal {} {}", refused, vectorizer.endpoint);
  const auto suppressed = repeats_.pass(key, clock_.now(), refused ? Duration(kAdvice) : Duration(kOdd));
  if (!suppressed) return;
  constexpr std::string_view kRefused =
      "one answer gave different texts the same vector: none of its vectors is stored, and each of these "
      "texts is asked for alone. If this goes on, the server mixes up texts that it computes at the same "
      "time: set max_inputs = 1 and max_in_flight = 1 for the endpoint (docs/endpoints.md)";
  constexpr std::string_view kBelieved =
      "these texts have the same vector even when each is asked for alone, so the vector is stored: the "
      "model may ignore case, or cut long texts that begin alike";
  log::write(refused ? log::Level::warn : log::Level::info,
             refused ? "equal_vectors" : "equal_vectors_believed",
             {{"endpoint", vectorizer.endpoint},
              {"vectorizer", vectorizer.name},
              {"texts", texts},
              {"message", refused ? kRefused : kBelieved},
              {"lines_suppressed", *suppressed}});
}

void EventLog::braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) {
  braked_[vectorizer.id] += jobs;
  if (!repeats_.pass(fmt::format("braked {}", vectorizer.id), clock_.now(), kBraked)) return;
  log::warn("spending_braked", {{"vectorizer", vectorizer.name},
                                {"jobs", std::exchange(braked_[vectorizer.id], 0)},
                                {"message", why}});
}

void EventLog::unbooked(const Unbooked& entry) {
  if (const auto suppressed =
          repeats_.pass(fmt::format("unbooked {}", entry.vectorizer), clock_.now(), kRepeat))
    log::warn(entry.lost ? "usage_lost" : "usage_not_booked", {{"vectorizer_id", entry.vectorizer},
                                                               {"model", entry.model},
                                                               {"requests", entry.requests},
                                                               {"rows", entry.rows},
                                                               {"tokens", entry.tokens},
                                                               {"reason", entry.error.message},
                                                               {"lines_suppressed", *suppressed}});
}

void EventLog::abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration silence) {
  if (const auto suppressed = repeats_.pass("abandoned " + vectorizer.endpoint, clock_.now(), kAdvice))
    log::warn("request_abandoned",
              {{"endpoint", vectorizer.endpoint},
               {"vectorizer", vectorizer.name},
               {"inputs", inputs},
               {"silent_seconds", to_seconds(silence)},
               {"message",
                "the server may still compute these texts; embedd now sends it less at a time. If this goes "
                "on, raise timeout_seconds of the endpoint, or look at the server (docs/endpoints.md)"},
               {"lines_suppressed", *suppressed}});
}

void EventLog::endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                                Duration pause) {
  const auto [last, first] = endpoints_.try_emplace(endpoint, EndpointState::ready);
  if (last->second == state) return;
  // An endpoint at its rate limit changes between ready and slowed all the time.
  const bool flapping = is_rate(last->second) && is_rate(state);
  last->second = state;
  std::uint64_t suppressed = 0;
  if (flapping) {
    const auto passed =
        repeats_.pass(fmt::format("{} {}", event_of(state), endpoint), clock_.now(), kFlapping);
    if (!passed) return;
    suppressed = *passed;
  }
  const bool good = state == EndpointState::ready || state == EndpointState::slowed;
  log::write(good ? log::Level::info : log::Level::warn, event_of(state),
             {{"endpoint", endpoint},
              {"state", name_of(state)},
              {"message", message},
              {"pause_seconds", to_seconds(pause)},
              {"lines_suppressed", suppressed}});
}

void EventLog::vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration pause) {
  if (message.empty()) {
    if (resting_.erase(vectorizer.id) > 0) log::info("vectorizer_resumed", {{"vectorizer", vectorizer.name}});
    return;
  }
  const auto last = resting_.find(vectorizer.id);
  if (last != resting_.end() && last->second == message) return;
  // A vectorizer that rests and resumes all the time is logged once per interval.
  const auto suppressed = repeats_.pass(fmt::format("resting {}", vectorizer.id), clock_.now(), kRepeat);
  if (!suppressed) return;
  resting_[vectorizer.id] = message;
  log::warn("vectorizer_resting", {{"vectorizer", vectorizer.name},
                                   {"message", message},
                                   {"pause_seconds", to_seconds(pause)},
                                   {"lines_suppressed", *suppressed}});
}

void EventLog::budget_changed(const BudgetNews& news) {
  const log::Field whose = news.vectorizer.empty() ? log::Field{"endpoint", news.endpoint}
                                                   : log::Field{"vectorizer", news.vectorizer};
  if (news.waits)
    log::warn("budget_spent", {whose, {"message", news.message}});
  else
    log::info("budget_open", {whose});
}

void EventLog::polled(const std::vector<VectorizerState>& states) {
  if (database_failing_) log::info("database_recovered");
  database_failing_ = false;
  const auto gone = [&](const auto& item) {
    return std::ranges::none_of(
        states, [&](const VectorizerState& state) { return state.vectorizer.id == item.first; });
  };
  std::erase_if(sums_, [&](const auto& item) { return item.second.empty() && gone(item); });
  std::erase_if(walks_, gone);
  std::erase_if(resting_, gone);
  std::erase_if(braked_, gone);
}

void EventLog::walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) {
  Walk& walk = walks_[vectorizer.id];
  walk.scanned += progress.scanned;
  walk.enqueued += progress.enqueued;
  walk.replaced += progress.replaced;
  walk.disputed += progress.disputed;
  if (!progress.finished) return;
  if (progress.put_off) log::debug("walk_put_off", {{"vectorizer", vectorizer.name}});
  if (walk.scanned > 0)
    log::info(
        "walk_finished",
        {{"vectorizer", vectorizer.name}, {"rows_scanned", walk.scanned}, {"rows_enqueued", walk.enqueued}});
  if (walk.replaced + walk.disputed > 0)
    log::warn(
        "vectors_replaced",
        {{"vectorizer", vectorizer.name},
         {"rows_embedded_again", walk.replaced},
         {"rows_left_alone", walk.disputed},
         {"hint", walk.disputed > 0 ? "something overwrites the vectors of these rows, unseen by embedd's "
                                      "triggers, each time embedd stores them: look for such a trigger"
                                    : "something wrote other vectors into these rows, unseen by embedd's "
                                      "triggers"}});
  walk = Walk();
}

void EventLog::database_error(std::string_view what, const Error& error) {
  const bool outage = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::in_doubt;
  database_failing_ = database_failing_ || outage;
  const std::string key = outage ? "database" : fmt::format("database {} {}", what, name_of(error.kind));
  if (const auto suppressed = repeats_.pass(key, clock_.now(), kRepeat))
    log::warn("database_error", {{"during", what},
                                 {"kind", name_of(error.kind)},
                                 {"message", error.message},
                                 {"lines_suppressed", *suppressed}});
}

}  // namespace embedd::observe
