#include "core/worker.h"

#include <algorithm>

#include "base/check.h"

namespace embedd {

namespace {

/// After the last non-empty claim, ask again a few times soon: a commit may have raced with it.
constexpr Duration kFollowUps[] = {milliseconds(10), milliseconds(40), milliseconds(200), milliseconds(1000)};
/// Jobs stay in memory over a rest of the endpoint that is shorter than this; else they are given back.
constexpr Duration kShortRest = seconds(5);
/// With `once`, an endpoint that rests for longer is not waited for.
constexpr Duration kLongRest = seconds(30);
/// A stopping worker that cannot settle (database gone) leaves after this; its leases lapse.
constexpr Duration kLastWords = seconds(5);

}  // namespace

Worker::Worker(WorkerOptions options, Queue& queue, Embedder& embedder, const TokenizerCatalog& tokenizers,
               const Clock& clock, Io& io, Observer& observer)
    : options_(options),
      queue_(queue),
      embedder_(embedder),
      tokenizers_(tokenizers),
      clock_(clock),
      io_(io),
      observer_(observer),
      random_(options.seed),
      settlements_(queue, observer, random_) {}

void Worker::run(std::stop_token stop) {
  const std::stop_callback wake(stop, [this] { io_.wake(); });
  while (!finished(stop.stop_requested())) turn(stop.stop_requested());
}

void Worker::turn(bool draining) {
  Instant now = clock_.now();
  if (draining) {
    stop_working(now);
  } else {
    poll(now);
    reconcile(now);
    claim(now);
    dispatch(now);
  }
  extend(now);
  settlements_.resend(now);
  observer_.in_flight(batches_.size(), leases_held(), held_bytes());
  io_.wait_until(wake_at(now));

  now = clock_.now();
  if (std::optional<Poll> result = queue_.take_poll()) note(std::move(*result), now);
  for (ReconcilePage& page : queue_.take_reconciled()) note(std::move(page), now);
  for (Claim& claim : queue_.take_claims()) admit(std::move(claim), now, draining);
  for (Reply& reply : embedder_.take_replies()) settle(std::move(reply), now);
  release(settlements_.take(now, draining), now);
}

bool Worker::finished(bool draining) const {
  if (once_done_) return true;
  if (!draining) return false;
  const bool given_up = canceled_ && clock_.now() >= drain_until_ + kLastWords;
  return (was_draining_ && leases_held() == 0 && claims_in_flight_ == 0 && settlements_.empty()) || given_up;
}

void Worker::cancel() {
  cancel_requested_ = true;
  io_.wake();
}

// ── Asking
// ──────────────────────────────────────────────────────────────────────────────────────────────────────

void Worker::poll(Instant now) {
  for (const VectorizerId id : queue_.take_hints())
    if (Lane* lane = find(id)) {
      lane->due = true;
      lane->next_claim_at = std::min(lane->next_claim_at, now);
    }
  if (poll_sent_ || now < next_poll_ || !queue_.ready()) return;
  poll_sent_ = true;
  progress_at_poll_ = progress_;
  queue_.send_poll({.rows_embedded = summary_.rows_embedded,
                    .requests_in_flight = static_cast<std::uint32_t>(batches_.size()),
                    .leases_held = static_cast<std::uint32_t>(leases_held())});
}

void Worker::note(Poll poll, Instant now) {
  poll_sent_ = false;
  next_poll_ = now + options_.poll;
  if (!poll) {
    observer_.database_error("poll", poll.error());
    next_poll_ = now + std::min<Duration>(options_.poll, backoff(milliseconds(200), seconds(5), 3, random_));
    return;
  }
  for (const auto& lane : lanes_) lane->listed = false;
  for (VectorizerState& state : *poll) {
    const Vectorizer& vectorizer = state.vectorizer;
    Lane* lane = find(vectorizer.id);
    if (lane == nullptr) {
      lane = lanes_.emplace_back(std::make_unique<Lane>()).get();
      lane->vectorizer = vectorizer;
    }
    // A changed declaration deserves a fresh start.
    if (lane->vectorizer != vectorizer) lane->paused_until = Instant{};
    lane->vectorizer = vectorizer;
    lane->listed = true;
    lane->due = lane->due || state.due;
    if (state.reconcile_due && !vectorizer.paused) lane->reconciling = true;
    const KeyState key = embedder_.key_state(vectorizer.endpoint);  // reads the key again, so it comes first
    gate_of(vectorizer.endpoint)
        .refresh(key, embedder_.key_version(vectorizer.endpoint), embedder_.limits(vectorizer.endpoint));
  }
  std::erase_if(lanes_,
                [](const auto& lane) { return !lane->listed && lane->in_flight == 0 && !lane->claiming; });
  for (const auto& lane : lanes_)
    if (lane->resting(now)) give_back(*lane, now);
  observer_.polled(*poll);

  summary_.rows_remain = std::any_of(poll->begin(), poll->end(), [](const VectorizerState& state) {
    return state.waiting || state.dead_letters > 0;
  });
  if (options_.once) {
    once_done_ = confirmed_idle(*poll, now);
    if (!once_done_ && leases_held() == 0)
      next_poll_ = now + std::min<Duration>(options_.poll, milliseconds(200));
  }
}

/// With `once`: nothing is held, nothing changed since the poll was asked, and nothing it lists can be worked
/// on.
bool Worker::confirmed_idle(const std::vector<VectorizerState>& states, Instant now) const {
  if (leases_held() > 0 || claims_in_flight_ > 0 || !settlements_.empty() || progress_ != progress_at_poll_)
    return false;
  return std::none_of(states.begin(), states.end(), [&](const VectorizerState& state) {
    const auto lane = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& candidate) {
      return candidate->vectorizer.id == state.vectorizer.id;
    });
    if (lane == lanes_.end()) return false;
    if ((*lane)->reconciling) return true;
    const EndpointGate* gate = gate_of(**lane);
    const bool workable = !(*lane)->resting(now) && gate != nullptr && gate->worth_claiming(now, kLongRest) &&
                          gate->state() != EndpointState::unauthenticated &&
                          gate->state() != EndpointState::quota_exhausted;
    return state.due && workable;
  });
}

void Worker::reconcile(Instant now) {
  if (!queue_.ready()) return;
  for (const auto& lane : lanes_) {
    if (!lane->reconciling || lane->page_sent || now < lane->next_page_at || lane->vectorizer.paused)
      continue;
    lane->page_sent = true;
    queue_.send_reconcile(lane->vectorizer.id, lane->cursor);
  }
}

void Worker::note(ReconcilePage page, Instant now) {
  Lane* lane = find(page.vectorizer);
  if (lane == nullptr) return;
  lane->page_sent = false;
  if (!page.progress) {
    observer_.database_error("reconcile", page.progress.error());
    lane->next_page_at = now + backoff(seconds(1), seconds(30), 3, random_);
    return;
  }
  const ReconcilePage::Progress& progress = *page.progress;
  ++progress_;
  if (progress.enqueued > 0) {
    lane->due = true;
    lane->next_claim_at = std::min(lane->next_claim_at, now);
  }
  lane->cursor = progress.next;
  lane->next_page_at = progress.deferred ? now + seconds(1) : now;
  if (progress.finished) {
    lane->reconciling = false;
    lane->cursor.clear();
  }
  observer_.reconciled(lane->vectorizer, progress);
}

// ── Claiming
// ────────────────────────────────────────────────────────────────────────────────────────────────────

bool Worker::wants_claim(const Lane& lane, Instant now) const {
  const EndpointGate* gate = gate_of(lane);
  if (gate == nullptr || !lane.due || lane.claiming || lane.resting(now) || now < lane.next_claim_at)
    return false;
  if (!gate->worth_claiming(now, Duration{})) return false;
  // One batch ahead keeps the requests coming; while probing, one small batch is all there may be.
  return gate->probing() ? lane.buffer.empty() && gate->open(now)
                         : lane.buffer.size() < options_.batch_inputs;
}

void Worker::claim(Instant now) {
  if (!queue_.ready()) return;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[(turn_of_ + i) % lanes_.size()];
    if (!wants_claim(lane, now)) continue;
    const std::size_t promised = (claims_in_flight_ + 1) * options_.claim_bytes;
    if (held_bytes() + promised > options_.held_bytes && leases_held() + claims_in_flight_ > 0) return;
    constexpr std::uint32_t kProbeRows = 8;
    const bool probing = lane.probing() || gate_of(lane)->probing();
    lane.claiming = true;
    ++claims_in_flight_;
    queue_.send_claim({.vectorizer = lane.vectorizer.id,
                       .lease = random_.lease_token(),
                       .lease_time = options_.lease,
                       .max_rows = probing ? kProbeRows : options_.claim_rows,
                       .max_text_bytes = options_.claim_bytes});
  }
}

void Worker::admit(Claim claim, Instant now, bool draining) {
  --claims_in_flight_;
  Lane* lane = find(claim.request.vectorizer);
  CHECK(lane != nullptr, "a claim of vectorizer {} outlived its lane", claim.request.vectorizer);
  lane->claiming = false;
  if (!claim.jobs) {
    const Error& error = claim.jobs.error();
    observer_.database_error("claim", error);
    lane->next_claim_at = now + backoff(milliseconds(200), seconds(5), ++lane->failed_claims, random_);
    if (error.kind == ErrorKind::misconfigured || error.kind == ErrorKind::rejected)
      pause(*lane, error.message, now);
    return;
  }
  lane->failed_claims = 0;
  if (claim.jobs->empty()) {
    const unsigned follow_up = lane->empty_claims++;
    lane->due = follow_up < std::size(kFollowUps);
    if (lane->due) lane->next_claim_at = now + kFollowUps[follow_up];
    return;
  }
  ++progress_;
  lane->empty_claims = 0;
  lane->due = true;
  lane->next_claim_at = claim.more ? now : now + kFollowUps[0];
  observer_.claimed(lane->vectorizer, claim.jobs->size(), claim.rescued);

  std::map<Task, std::vector<SettledJob>> settled_at_once;
  for (Job& job : *claim.jobs) {
    if (job.task != Task::embed) {
      settled_at_once[job.task].push_back({.key = job.key, .lease = job.lease, .text_hash = job.text_hash});
      continue;
    }
    HeldJob held{.job = std::move(job), .lapses_at = now + claim.request.lease_time};
    measure(*lane, held);
    lane->buffer.push_back(std::move(held));
  }
  for (auto& [task, jobs] : settled_at_once) {
    const Action action = task == Task::clear     ? Action::clear
                          : task == Task::current ? Action::drop
                                                  : Action::complete;
    send_simple(lane->vectorizer, action, std::move(jobs), now);
  }
  if (draining || lane->resting(now)) give_back(*lane, now);
}

/// Bounds the text's tokens, and cuts it to what the model takes. Tokens never outnumber bytes, so that short
/// texts need no counting.
void Worker::measure(const Lane& lane, HeldJob& held) {
  const std::size_t limit = embedder_.limits(lane.vectorizer.endpoint).max_input_tokens;
  std::string& text = held.job.text;
  held.max_tokens = text.size();
  if (text.size() <= limit) return;
  const Tokenizer& tokenizer = tokenizers_.tokenizer_for(lane.vectorizer.model);
  const std::size_t fitting = tokenizer.prefix_bytes(text, limit);
  if (fitting < text.size()) {
    text.resize(fitting);
    text.shrink_to_fit();
    held.max_tokens = limit;
    observer_.truncated(lane.vectorizer, limit);
  } else {
    held.max_tokens = std::min(tokenizer.count(text), limit);
  }
}

// ── Dispatching
// ─────────────────────────────────────────────────────────────────────────────────────────────────

void Worker::dispatch(Instant now) {
  for (bool any = true; any;) {
    any = false;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = *lanes_[turn_of_ % lanes_.size()];
      turn_of_ = (turn_of_ + 1) % lanes_.size();
      any = dispatch_one(lane, now) || any;
    }
  }
}

bool Worker::dispatch_one(Lane& lane, Instant now) {
  // Past its lease a job may be another's: paying for it here would pay twice.
  lane.buffer.erase_if([&](const HeldJob& held) { return held.lapses_at <= now; });
  if (lane.buffer.empty()) return false;
  EndpointGate& gate = gate_of(lane.vectorizer.endpoint);
  if (lane.resting(now) || !gate.worth_claiming(now, kShortRest)) {
    give_back(lane, now);
    return false;
  }
  if (!gate.open(now) || batches_.size() >= options_.max_in_flight) return false;

  const EndpointLimits& limits = gate.limits();
  constexpr std::uint32_t kProbeInputs = 8;
  std::uint32_t inputs = std::min({options_.batch_inputs, limits.max_inputs, lane.learned_inputs});
  if (gate.probing()) inputs = std::min(inputs, kProbeInputs);
  const std::size_t likely = std::min<std::size_t>(inputs, lane.buffer.size());
  const std::size_t answer = answer_bytes(likely, lane.vectorizer.dimensions);
  if (!batches_.empty() && held_bytes() + answer > options_.held_bytes) return false;

  Batch packed =
      pack(lane.buffer, lane.vectorizer, {.max_inputs = inputs, .max_tokens = limits.max_request_tokens});
  packed.id = next_request_++;
  packed.started_at = now;
  const std::uint64_t id = packed.id;
  const Batch& batch = batches_.emplace(id, std::move(packed)).first->second;
  gate.started();
  ++lane.in_flight;
  ++summary_.requests;
  observer_.request_started(lane.vectorizer, batch.carriers.size(), batch.max_tokens);
  embedder_.start({.id = id,
                   .endpoint = lane.vectorizer.endpoint,
                   .model = lane.vectorizer.model,
                   .dimensions = lane.vectorizer.dimensions,
                   .send_dimensions = lane.vectorizer.send_dimensions,
                   .inputs = batch.inputs()});
  return true;
}

// ── Settling
// ────────────────────────────────────────────────────────────────────────────────────────────────────

void Worker::settle(Reply reply, Instant now) {
  auto node = batches_.extract(reply.id);
  CHECK(!node.empty(), "a reply to request {}, which is not in flight", reply.id);
  Batch batch = std::move(node.mapped());
  Lane* lane = find(batch.vectorizer.id);
  if (lane != nullptr) --lane->in_flight;
  observer_.request_finished(batch.vectorizer, reply);

  EndpointGate& gate = gate_of(batch.vectorizer.endpoint);
  if (reply.answer) {
    gate.succeeded(now);
    return complete(lane, std::move(batch), std::move(*reply.answer), now);
  }
  const Error& error = reply.answer.error();
  if (is_endpoint_fault(error.kind))
    gate.failed(error, batch.started_at, now);
  else if (error.kind == ErrorKind::canceled || error.kind == ErrorKind::misconfigured)
    gate.finished();
  else
    gate.succeeded(now);  // it answered, and judged the request: the endpoint itself is well
  handle_failure(lane, std::move(batch), error, now);
}

void Worker::complete(Lane* lane, Batch batch, EmbedAnswer answer, Instant now) {
  CHECK(answer.vectors.count() == batch.carriers.size(), "{} vectors for {} inputs", answer.vectors.count(),
        batch.carriers.size());
  if (lane != nullptr) {
    lane->accepted_before = true;
    lane->failed_alone = 0;
    if (lane->learned_inputs < options_.batch_inputs)
      lane->learned_inputs += std::max(1U, lane->learned_inputs / 8);
  }
  summary_.tokens += answer.tokens;
  Settlement settlement{.vectorizer = batch.vectorizer.id,
                        .action = Action::complete,
                        .vectors = std::move(answer.vectors),
                        .model_id = batch.vectorizer.model,
                        .model_version = std::move(answer.model),
                        .requests = 1,
                        .tokens = answer.tokens};
  settlement.jobs.reserve(batch.jobs.size());
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const Job& job = batch.jobs[i].job;
    settlement.jobs.push_back(
        {.key = job.key, .lease = job.lease, .text_hash = job.text_hash, .slot = batch.slots[i]});
  }
  summary_.rows_embedded += settlement.jobs.size();
  settlements_.send(batch.vectorizer, std::move(settlement), now);
}

void Worker::handle_failure(Lane* lane, Batch batch, const Error& error, Instant now) {
  if (lane == nullptr || was_draining_ || lane->resting(now))
    return reschedule(batch.vectorizer, batch.jobs, Duration{}, now);
  const bool alone = batch.jobs.size() == 1;
  const Failure failure{.kind = error.kind,
                        .jobs = batch.jobs.size(),
                        .attempt = alone ? batch.jobs.front().job.attempt : 0,
                        .max_attempts = options_.max_attempts,
                        .endpoint_healthy = gate_of(lane->vectorizer.endpoint).healthy(now),
                        .accepted_before = lane->accepted_before,
                        .failed_alone = lane->failed_alone};
  carry_out(verdict(failure), *lane, std::move(batch), error, now);
}

void Worker::carry_out(Verdict verdict, Lane& lane, Batch batch, const Error& error, Instant now) {
  switch (verdict) {
    case Verdict::hold:
      observer_.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      for (HeldJob& held : batch.jobs) lane.buffer.push_back(std::move(held));
      return;  // dispatch gives them back if the endpoint rests for long
    case Verdict::split: return split(lane, std::move(batch), error.kind);
    case Verdict::set_aside:
      observer_.rescheduled(lane.vectorizer, error.kind, 1, false);
      return reschedule(lane.vectorizer, batch.jobs, kSetAside, now);
    case Verdict::shrink: return shrink(lane, std::move(batch.jobs.front()), error, now);
    case Verdict::charge:
      ++lane.failed_alone;
      observer_.rescheduled(lane.vectorizer, error.kind, 1, true);
      return reschedule(lane.vectorizer, batch.jobs,
                        attempt_delay(batch.jobs.front().job.attempt + 1, random_), now, &error);
    case Verdict::discard:
      ++lane.failed_alone;
      return discard(lane.vectorizer, batch.jobs.front(), error, now);
    case Verdict::pause_vectorizer:
      pause(lane, error.message, now);
      observer_.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return reschedule(lane.vectorizer, batch.jobs, Duration{}, now);
  }
}

/// Sends each half on its own. They go to the back of the buffer, so that neighbours are not held up.
void Worker::split(Lane& lane, Batch batch, ErrorKind kind) {
  const std::size_t size = batch.jobs.size();
  if (kind == ErrorKind::too_large)
    lane.learned_inputs = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(size / 2));
  observer_.rescheduled(lane.vectorizer, kind, size, false);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t half = i < size / 2 ? size / 2 : size - size / 2;
    batch.jobs[i].max_company = static_cast<std::uint32_t>(half);
    lane.buffer.push_back(std::move(batch.jobs[i]));
  }
}

/// The provider counts more tokens than we do: halve the text until it fits.
void Worker::shrink(Lane& lane, HeldJob held, const Error& error, Instant now) {
  constexpr std::size_t kLeastBytes = 64;
  std::string& text = held.job.text;
  if (text.size() <= kLeastBytes) return discard(lane.vectorizer, held, error, now);
  std::size_t cut = text.size() / 2;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
  text.resize(cut);
  held.max_tokens = std::min(held.max_tokens, text.size());
  observer_.truncated(lane.vectorizer, held.max_tokens);
  lane.buffer.push_back(std::move(held));
}

void Worker::reschedule(const Vectorizer& vectorizer, const std::vector<HeldJob>& jobs, Duration delay,
                        Instant now, const Error* charged_for) {
  if (jobs.empty()) return;
  Settlement settlement{.vectorizer = vectorizer.id,
                        .action = Action::reschedule,
                        .delay = delay,
                        .charge_attempt = charged_for != nullptr};
  if (charged_for != nullptr) {
    settlement.reason = charged_for->kind;
    settlement.message = charged_for->message;
  }
  for (const HeldJob& held : jobs)
    settlement.jobs.push_back(
        {.key = held.job.key, .lease = held.job.lease, .text_hash = held.job.text_hash});
  settlements_.send(vectorizer, std::move(settlement), now);
}

void Worker::discard(const Vectorizer& vectorizer, const HeldJob& held, const Error& error, Instant now) {
  ++summary_.rows_discarded;
  observer_.discarded(vectorizer, error.kind, error.message);
  settlements_.send(
      vectorizer,
      {.vectorizer = vectorizer.id,
       .action = Action::discard,
       .jobs = {{.key = held.job.key, .lease = held.job.lease, .text_hash = held.job.text_hash}},
       .reason = error.kind,
       .message = error.message},
      now);
}

void Worker::send_simple(const Vectorizer& vectorizer, Action action, std::vector<SettledJob> jobs,
                         Instant now) {
  settlements_.send(vectorizer,
                    {.vectorizer = vectorizer.id,
                     .action = action,
                     .jobs = std::move(jobs),
                     .model_id = vectorizer.model,
                     .model_version = vectorizer.model},
                    now);
}

void Worker::release(const Settlements::News& news, Instant now) {
  for (const VectorizerId id : news.progressed) {
    ++progress_;
    Lane* lane = find(id);
    if (lane == nullptr) continue;
    // Whoever committed while our jobs were leased did not notify: look again.
    lane->empty_claims = 0;
    if (!lane->due) {
      lane->due = true;
      lane->next_claim_at = now + kFollowUps[0];
    }
  }
  for (const VectorizerId id : news.stored)
    if (Lane* lane = find(id)) lane->pauses = 0;
  for (const auto& [id, message] : news.refused)
    if (Lane* lane = find(id)) pause(*lane, message, now);
  for (const auto& [id, key] : news.lost)
    if (Lane* lane = find(id))
      lane->buffer.erase_if([&](const HeldJob& held) { return held.job.key == key; });
}

// ── Leases
// ──────────────────────────────────────────────────────────────────────────────────────────────────────

/// Extends every lease that is older than a third of the lease time, while its job is still here.
void Worker::extend(Instant now) {
  if (now < next_extend_ || !queue_.ready()) return;
  const Duration third = options_.lease / 3;
  next_extend_ = now + third / 2;
  const Instant renewed = now + options_.lease;
  const auto send = [&](const Vectorizer& vectorizer, std::vector<SettledJob> jobs) {
    if (jobs.empty()) return;
    settlements_.send(vectorizer,
                      {.vectorizer = vectorizer.id,
                       .action = Action::extend,
                       .jobs = std::move(jobs),
                       .delay = options_.lease},
                      now);
  };
  const auto collect = [&](auto& held_jobs) {
    std::vector<SettledJob> jobs;
    for (HeldJob& held : held_jobs) {
      if (held.lapses_at - now > options_.lease - third || held.lapses_at <= now) continue;
      held.lapses_at = renewed;
      jobs.push_back({.key = held.job.key, .lease = held.job.lease, .text_hash = held.job.text_hash});
    }
    return jobs;
  };
  for (auto& [id, batch] : batches_) send(batch.vectorizer, collect(batch.jobs));
  for (const auto& lane : lanes_) send(lane->vectorizer, collect(lane->buffer));
  for (auto& [vectorizer, jobs] : settlements_.older_than(third, now)) send(vectorizer, std::move(jobs));
}

/// Gives back every job that is not in a request yet.
void Worker::give_back(Lane& lane, Instant now) {
  std::vector<HeldJob> jobs;
  while (!lane.buffer.empty()) jobs.push_back(lane.buffer.pop_front());
  reschedule(lane.vectorizer, jobs, Duration{}, now);
}

/// The vectorizer's own declaration is at fault: rest, and keep its rows.
void Worker::pause(Lane& lane, const std::string& message, Instant now) {
  if (lane.resting(now)) return;  // one pause for all that was in flight
  const Duration rest = backoff(seconds(5), minutes(5), ++lane.pauses, random_);
  lane.paused_until = now + rest;
  observer_.vectorizer_paused(lane.vectorizer, message, rest);
  give_back(lane, now);
}

void Worker::stop_working(Instant now) {
  if (!was_draining_) {
    was_draining_ = true;
    drain_until_ = now + options_.drain;
    for (const auto& lane : lanes_) give_back(*lane, now);
  }
  if (!canceled_ && (cancel_requested_ || now >= drain_until_)) {
    canceled_ = true;
    drain_until_ = now;
    embedder_.cancel_all();
  }
}

// ── Keeping count
// ───────────────────────────────────────────────────────────────────────────────────────────────

/// The next moment at which this loop would do something by itself. What is due already waits for an event.
Instant Worker::wake_at(Instant now) const {
  Instant next = now + options_.poll;
  const auto consider = [&](Instant at) {
    if (at > now) next = std::min(next, at);
  };
  if (!poll_sent_) consider(next_poll_);
  if (leases_held() > 0) consider(next_extend_);
  consider(settlements_.next_resend());
  if (was_draining_) consider(canceled_ ? drain_until_ + kLastWords : drain_until_);
  for (const auto& lane : lanes_) {
    if (lane->reconciling && !lane->page_sent) consider(lane->next_page_at);
    const EndpointGate* gate = gate_of(*lane);
    if (gate == nullptr || !gate->usable()) continue;
    if (!lane->buffer.empty()) consider(gate->opens_at());
    if (lane->due && !lane->claiming)
      consider(std::max({lane->next_claim_at, lane->paused_until, gate->opens_at()}));
  }
  return next;
}

std::size_t Worker::leases_held() const {
  std::size_t jobs = settlements_.jobs();
  for (const auto& lane : lanes_) jobs += lane->buffer.size();
  for (const auto& [id, batch] : batches_) jobs += batch.jobs.size();
  return jobs;
}

std::size_t Worker::held_bytes() const {
  std::size_t bytes = settlements_.bytes();
  for (const auto& lane : lanes_) bytes += lane->buffer.text_bytes() + lane->buffer.size() * sizeof(HeldJob);
  for (const auto& [id, batch] : batches_) bytes += batch.bytes;
  return bytes;
}

Lane* Worker::find(VectorizerId id) {
  const auto found =
      std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->vectorizer.id == id; });
  return found == lanes_.end() ? nullptr : found->get();
}

EndpointGate& Worker::gate_of(const std::string& endpoint) {
  return gates_.try_emplace(endpoint, endpoint, observer_, random_).first->second;
}

const EndpointGate* Worker::gate_of(const Lane& lane) const {
  const auto found = gates_.find(lane.vectorizer.endpoint);
  return found == gates_.end() ? nullptr : &found->second;
}

}  // namespace embedd
