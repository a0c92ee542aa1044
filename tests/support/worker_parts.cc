#include "support/worker_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/answer_size.h"
#include "core/batch.h"

namespace embedd::test {

void Told::rescheduled(const Vectorizer&, ErrorKind kind, std::size_t jobs, bool charged) {
  events.push_back(fmt::format("{} {} for {}", charged ? "charged" : "rescheduled", jobs, name_of(kind)));
}
void Told::discarded(const Vectorizer&, ErrorKind kind, const std::string& message) {
  events.push_back(fmt::format("discarded for {}: {}", name_of(kind), message));
}
void Told::truncated(const Vectorizer&, std::size_t tokens) {
  events.push_back(fmt::format("truncated to {} tokens", tokens));
}
void Told::braked(const Vectorizer&, std::size_t jobs, const std::string&) {
  events.push_back(fmt::format("braked {}", jobs));
}
void Told::abandoned(const Vectorizer&, std::size_t inputs, Duration silence) {
  events.push_back(fmt::format("abandoned {} after {:g} s", inputs, to_seconds(silence)));
}
void Told::equal_vectors(const Vectorizer&, std::size_t texts, bool refused) {
  events.push_back(fmt::format("{} {} equal vectors", refused ? "doubted" : "believed", texts));
}
void Told::vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration) {
  events.push_back(fmt::format("{} rests: {}", vectorizer.name, message));
}

void Told::budget_changed(const BudgetNews& news) {
  events.push_back(fmt::format("{}{} {}", news.vectorizer, news.endpoint,
                               news.waits ? "waits: " + news.message : "buys again"));
}

namespace {

std::string_view verb_of(const Settlement& settlement) {
  switch (settlement.action) {
    case Action::complete: return "complete";
    case Action::keep: return "keep";
    case Action::clear: return "clear";
    case Action::drop: return "drop";
    case Action::reschedule: return settlement.charge_attempt ? "charge" : "reschedule";
    case Action::discard: return "discard";
    case Action::extend: return "extend";
    case Action::stage: return "stage";
  }
  return "unknown";
}

}  // namespace

std::string words_of(const Settlement& settlement) {
  std::string words(verb_of(settlement));
  for (const SettledJob& job : settlement.jobs) {
    words += " " + job.key;
    if (job.slot >= 0) words += fmt::format("={}", job.slot);
    if (job.wasted > 0) words += fmt::format(" ({} in vain)", job.wasted);
    if (!job.cut) continue;
    words += fmt::format(", {} on:", job.first_chunk);
    for (const Chunk& chunk : job.cut->chunks) words += " " + chunk.text;
    if (!job.cut->last) words += fmt::format(", then from {}", job.cut->next.characters);
  }
  if (settlement.charge_attempt || settlement.action == Action::discard)
    words += fmt::format(" for {}: {}", name_of(settlement.reason), settlement.message);
  else if (settlement.action == Action::reschedule && settlement.delay > Duration{})
    words += fmt::format(" after {:g} s", to_seconds(settlement.delay));
  return words;
}

WorkerParts::WorkerParts(const WorkerOptions& options)
    : state(options, queue, embedder, tokens, chunker, observer), notes(add_lane(1, "notes")) {}

Lane& WorkerParts::add_lane(VectorizerId id, const std::string& name, const std::string& endpoint) {
  gate(endpoint).refresh(KeyState::present, 1, embedder.endpoint_limits);
  return state.lanes.list({.id = id, .name = name, .endpoint = endpoint, .model = "model", .dimensions = 2});
}

LeasedJob WorkerParts::job(const Key& key, std::string text) {
  if (text.empty()) text = "text of " + key;
  LeasedJob leased{.job = {.vectorizer = notes.vectorizer.id, .key = key, .text = std::move(text)},
                   .lapses_at = now + state.options.lease};
  leased.job.lease.fill(static_cast<std::uint8_t>(key.front()));
  leased.job.text_hash = static_cast<std::int64_t>(std::hash<std::string>{}(leased.job.text));
  leased.max_tokens = leased.job.text.size();
  return leased;
}

std::vector<LeasedJob> WorkerParts::jobs(const std::vector<Key>& keys) {
  std::vector<LeasedJob> all;
  for (const Key& key : keys) all.push_back(job(key));
  return all;
}

void WorkerParts::wear_out(const LeasedJob& leased) {
  while (state.brake.wait(leased.job, now).length <= Duration{}) state.brake.bought(leased.job, now);
}

std::uint64_t WorkerParts::in_flight(Lane& lane, std::vector<LeasedJob> jobs) {
  JobBuffer buffer;
  for (LeasedJob& leased : jobs) buffer.push_back(std::move(leased));
  const auto size = static_cast<std::uint32_t>(buffer.size());
  Batch batch = pack(buffer, lane.vectorizer, {.max_inputs = size, .max_tokens = 1'000'000}, tokens);
  batch.most_inputs = size;
  for (const LeasedJob& leased : batch.jobs) state.brake.bought(leased.job, now);
  return state.in_flight.add(std::move(batch), gate(lane.vectorizer.endpoint), now).id;
}

std::vector<Key> WorkerParts::buffered(const Lane& lane) {
  std::vector<Key> keys;
  for (const LeasedJob& leased : lane.buffer.fresh()) keys.push_back(leased.job.key);
  for (const LeasedJob& leased : lane.buffer.suspects()) keys.push_back(leased.job.key);
  return keys;
}

std::vector<std::string> WorkerParts::settled() {
  std::vector<std::string> words;
  for (const auto& settlement : std::exchange(queue.settlements, {})) words.push_back(words_of(*settlement));
  return words;
}

std::vector<std::string> WorkerParts::asked() {
  std::vector<std::string> words;
  for (const auto& request : std::exchange(embedder.requests, {}))
    words.push_back(fmt::format("{}", fmt::join(request.texts, " ")));
  return words;
}

}  // namespace embedd::test
