#include "core/worker.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "core/claim_wish.h"
#include "core/heartbeat.h"
#include "core/job.h"
#include "core/request_sizes.h"
#include "core/walk.h"

namespace embedd {

namespace {

/// With `once`, the worker does not wait for an endpoint that rests longer than this.
constexpr Duration kLongRest = seconds(30);

}  // namespace

Worker::Worker(const WorkerOptions& options, Queue& queue, Embedder& embedder,
               const TokenizerCatalog& tokenizers, const Chunker& chunker, const Clock& clock, Io& io,
               Observer& observer)
    : state_(options, queue, embedder, tokenizers, chunker, observer), clock_(clock), io_(io) {}

void Worker::run(std::stop_token stop) {
  const std::stop_callback wake(stop, [this] { io_.wake(); });
  while (!finished(stop.stop_requested())) turn(stop.stop_requested());
}

void Worker::turn(bool draining) {
  Instant now = clock_.now();
  if (draining) {
    stop_working(now);
    if (finished(draining)) return;  // without leased jobs there is nothing to wait for
    poll(now);
  } else {
    poll(now);
    walk(now);
    claim(now);
    dispatcher_.dispatch(now);
  }
  leases_.extend(now);
  state_.settlements.resend(now);
  state_.observer.in_flight(state_.in_flight.size(), state_.leases(), state_.held_bytes());
  state_.observer.turned();
  io_.wait_until(wake_at(now));

  now = clock_.now();
  if (std::optional<Poll> result = state_.queue.take_poll()) polled(std::move(*result), now);
  for (WalkPage& page : state_.queue.take_walked()) walked(std::move(page), now);
  for (Claim& claim : state_.queue.take_claims()) admit(std::move(claim), now, draining);
  for (const Unbooked& unbooked : state_.queue.take_unbooked()) state_.observer.unbooked(unbooked);
  for (const Reserved& reserved : state_.queue.take_reserved()) {
    if (!reserved.wait) state_.observer.database_error("reserve", reserved.wait.error());
    state_.endpoints.gate(reserved.reservation.endpoint)
        .allowance(reserved.reservation.model)
        .reserved(reserved, now);
  }
  for (const BudgetAnswer& answer : state_.queue.take_budget_answers()) budgets_.answered(answer, now);
  for (Reply& reply : state_.embedder.take_replies()) answers_.settle(std::move(reply), drain_.begun(), now);
  answers_.give_up(drain_.begun(), now);
  release(state_.settlements.take(now, draining), now);
  if (draining) budgets_.give_back(true, now);
}

bool Worker::finished(bool draining) const {
  if (once_.done()) return true;
  if (!draining) return false;
  return (drain_.begun() && state_.leases() == 0 && claims_in_flight_ == 0 && state_.settlements.empty()) ||
         drain_.gives_up(clock_.now());
}

void Worker::cancel() {
  drain_.hurry();
  io_.wake();
}

// ── Asking

void Worker::poll(Instant now) {
  for (const VectorizerId id : state_.queue.take_hints())
    if (Lane* lane = state_.lanes.find(id)) lane->claims.due_now(now);
  // With `once` somebody waits for the end: poll as soon as nothing is left to do here.
  if (state_.options.once && once_.changed() && out_of_work()) polls_.plan_by(now);
  if (!polls_.ready(now) || !state_.queue.ready()) return;
  polls_.sent(drain_.begun());
  once_.poll_sent();
  budgets_.give_back(false, now);
  state_.queue.send_poll(heartbeat(state_, drain_.begun(), now));
}

void Worker::polled(Poll poll, Instant now) {
  polls_.answered(drain_.begun(), state_.options.poll, now);
  if (!poll) {
    state_.observer.database_error("poll", poll.error());
    polls_.plan(now + std::min<Duration>(state_.options.poll,
                                         backoff(milliseconds(200), seconds(5), 3, state_.random)));
    return;
  }
  state_.lanes.begin_list();
  for (VectorizerState& state : *poll) {
    if (!state.problem.empty()) continue;
    const Vectorizer& vectorizer = state.vectorizer;
    Lane& lane = state_.lanes.list(vectorizer);
    if (lane.vectorizer != vectorizer) limits_.redeclare(lane, vectorizer);
    if (state_.queue.ready()) limits_.remember(lane, state.remembered);
    if (state.due) lane.claims.due();
    lane.jobs_estimate = state.jobs_estimate;
    if (state.walk_due && !vectorizer.stopped) lane.walk.begin();
    const KeyState key =
        state_.embedder.key_state(vectorizer.endpoint);  // reads the key again, so it comes first
    EndpointLimits limits = state_.embedder.limits(vectorizer.endpoint);
    limits.max_in_flight = std::min(limits.max_in_flight, state_.options.max_in_flight);
    state_.endpoints.gate(vectorizer.endpoint)
        .refresh(key, state_.embedder.key_version(vectorizer.endpoint), limits);
    budgets_.polled(lane, state);
  }
  state_.lanes.end_list([this](const Lane& lane) {
    return lane.claims.claiming() || state_.in_flight.requests_of(lane.vectorizer.id) > 0;
  });
  for (const auto& lane : state_.lanes)
    if (lane->resting(now)) keeper_.give_back(*lane, now);
  state_.observer.polled(*poll);

  state_.summary.rows_remain = rows_remain(*poll);
  if (state_.options.once) {
    once_.poll_answered(idle(*poll, now), due_soon(*poll), now);
    if (!once_.done() && state_.leases() == 0)
      polls_.plan(now + std::min<Duration>(state_.options.poll, milliseconds(200)));
  }
}

/// Whether rows remain, as far as the worker knows: also where a walk is under way, or where a problem stops
/// the vectorizer.
bool Worker::rows_remain(const std::vector<VectorizerState>& states) const {
  return std::ranges::any_of(states,
                             [](const auto& state) {
                               return state.waiting || state.dead_letters > 0 || !state.problem.empty();
                             }) ||
         std::ranges::any_of(state_.lanes, [](const auto& lane) { return lane->walk.under_way(); });
}

bool Worker::out_of_work() const {
  return state_.leases() == 0 && claims_in_flight_ == 0 && state_.settlements.empty() &&
         std::ranges::none_of(state_.lanes, [](const auto& lane) {
           return lane->claims.jobs_due() || lane->walk.under_way();
         });
}

/// With `once`: no job is leased, and nothing that the poll lists can be worked on.
bool Worker::idle(const std::vector<VectorizerState>& states, Instant now) const {
  if (state_.leases() > 0 || claims_in_flight_ > 0 || !state_.settlements.empty()) return false;
  return std::none_of(states.begin(), states.end(), [&](const VectorizerState& state) {
    const Lane* lane = state_.lanes.find(state.vectorizer.id);
    if (lane == nullptr || lane->resting(now)) return false;
    const EndpointGate* gate = state_.endpoints.find(lane->vectorizer.endpoint);
    const bool workable =
        gate != nullptr && gate->worth_claiming(now, kLongRest) && Budgets::may_buy(state_, *lane) &&
        gate->state() != EndpointState::unauthenticated && gate->state() != EndpointState::quota_exhausted;
    // A deferred walk waits for the queue to become shorter, which never happens if nothing can be done about
    // the queue.
    if (lane->walk.under_way() && (workable || !lane->walk.deferred())) return true;
    return state.due && workable;
  });
}

/// Rows of a store wait although no chunk does: their chunks have all got vectors, and nobody has looked yet.
bool Worker::due_soon(const std::vector<VectorizerState>& states) {
  const auto has_chunk_jobs = [&](VectorizerId store) {
    return std::ranges::any_of(states, [&](const VectorizerState& state) {
      return state.vectorizer.rows == store && state.waiting;
    });
  };
  return std::ranges::any_of(states, [&](const VectorizerState& state) {
    return state.vectorizer.cuts() && !state.vectorizer.stopped && state.problem.empty() && state.waiting &&
           !has_chunk_jobs(state.vectorizer.id);
  });
}

void Worker::walk(Instant now) {
  if (!state_.queue.ready()) return;
  for (const auto& lane : state_.lanes) {
    if (!lane->walk.ready(now) || lane->resting(now) || state_.lanes.must_wait(*lane)) continue;
    lane->walk.page_sent();
    state_.queue.send_walk(lane->vectorizer.id, lane->walk.cursor());
  }
}

void Worker::walked(WalkPage page, Instant now) {
  Lane* lane = state_.lanes.find(page.vectorizer);
  if (lane == nullptr) return;
  if (!page.progress) {
    state_.observer.database_error("walk", page.progress.error());
    lane->walk.failed(now, state_.random);
    lane->lock.failed(page.progress.error());
    keeper_.rest_if_refused(*lane, page.progress.error(), now);
    return;
  }
  const WalkPage::Progress& progress = *page.progress;
  if (!progress.deferred) once_.progress();
  lane->lock.succeeded();
  if (progress.enqueued > 0) lane->claims.due_now(now);
  lane->walk.walked(progress);
  lane->walk.pause_until(now + pause_after(progress, state_.options.once, state_.options.walk_share,
                                           state_.lanes.routine_walks()));
  state_.observer.walked(lane->vectorizer, progress);
}

// ── Claiming

bool Worker::wants_claim(const Lane& lane, Instant now) const {
  // The cheap questions come first: the rest looks at everything that is under way.
  const EndpointGate* gate = state_.endpoints.find(lane.vectorizer.endpoint);
  if (gate == nullptr || !lane.claims.ready(now) || lane.resting(now)) return false;
  if (!Budgets::may_buy(state_, lane)) return false;
  const VectorizerId id = lane.vectorizer.id;
  return embedd::wants_claim(lane.claims, lane.rest,
                             {.endpoint_usable = gate->worth_claiming(now, Duration{}),
                              .endpoint_probing = gate->probing(),
                              .endpoint_open = gate->open(now),
                              .fresh = lane.buffer.fresh().size(),
                              .suspects = lane.buffer.suspects().size(),
                              .requests = state_.in_flight.requests_of(id),
                              .settling = state_.settlements.jobs_of(id),
                              .storing_for = state_.settlements.longest_wait(id, now),
                              .wanted = std::min(batch_inputs(state_, lane), rows_ahead(state_, lane)),
                              .claim_rows = state_.options.claim_rows},
                             now);
}

void Worker::claim(Instant now) {
  if (!state_.queue.ready()) return;
  for (Lane* each : state_.lanes.in_order()) {
    Lane& lane = *each;
    if (!wants_claim(lane, now) || state_.lanes.must_wait(lane) || cutter_.far_enough_ahead(lane)) continue;
    const Shares& shares = state_.shares;
    if (!shares.takes_claim(state_.held_bytes(), state_.leases(), claims_in_flight_)) return;
    const Shares::Amount used = state_.used_by(lane.vectorizer.endpoint);
    if (!shares.takes_claim_for(used, state_.endpoints_in_use())) continue;
    lane.claims.sent(now);
    ++claims_in_flight_;
    state_.queue.send_claim({.vectorizer = lane.vectorizer.id,
                             .lease = state_.random.lease_token(),
                             .lease_time = state_.options.lease,
                             .max_rows = std::min(rows_of_claim(state_, lane), state_.options.claim_rows),
                             .max_text_bytes = shares.claim_bytes()});
  }
}

void Worker::admit(Claim claim, Instant now, bool draining) {
  --claims_in_flight_;
  Lane* lane = state_.lanes.find(claim.request.vectorizer);
  CHECK(lane != nullptr, "a claim of vectorizer {} outlived its lane", claim.request.vectorizer);
  if (!claim.jobs) {
    const Error& error = claim.jobs.error();
    state_.observer.database_error("claim", error);
    lane->claims.failed(now, state_.random);
    lane->lock.failed(error);
    keeper_.rest_if_refused(*lane, error, now);
    return;
  }
  lane->lock.succeeded();
  // With `once` somebody waits for the end. The worker skips the follow-up claims, because a poll confirms
  // the end and sees the jobs that a claim has missed.
  if (claim.jobs->empty()) return lane->claims.found_none(!state_.options.once, now);
  once_.progress();
  lane->claims.found(claim.more, now);
  state_.observer.claimed(lane->vectorizer, claim.jobs->size(), claim.rescued);
  take_in(*lane, claim, now);
  if (draining || lane->resting(now)) keeper_.give_back(*lane, now);
}

/// Settles jobs that need no provider, and keeps the rest for the next requests.
void Worker::take_in(Lane& lane, Claim& claim, Instant now) {
  std::map<Task, std::vector<SettledJob>> settled_at_once;
  std::map<std::string, std::pair<Error, std::vector<LeasedJob>>> unwanted;  // by the reason
  const auto discard_for = [&](const Error& error, LeasedJob&& leased) {
    unwanted.try_emplace(in_full(error), error, std::vector<LeasedJob>())
        .first->second.second.push_back(std::move(leased));
  };
  const TextRules rules = fitter_.rules(lane);
  std::vector<LeasedJob> wanted, rescued, to_cut;
  std::size_t texts = 0, text_bytes = 0;
  for (Job& job : *claim.jobs) {
    if (job.task != Task::embed && job.task != Task::refused && job.task != Task::cut) {
      SettledJob& settled = settled_at_once[job.task].emplace_back(
          SettledJob{.key = job.key, .lease = job.lease, .text_hash = job.text_hash});
      if (lane.vectorizer.cuts() && job.age) settled.changed_at = now - std::max(*job.age, Duration{});
      continue;
    }
    ++texts;
    text_bytes += job.text.size();
    LeasedJob leased{.job = std::move(job), .lapses_at = lane.claims.sent_at() + claim.request.lease_time};
    // The age is negative if the database's clock was set back.
    if (leased.job.age) leased.changed_at = now - std::max(*leased.job.age, Duration{});
    if (leased.job.task == Task::refused) {
      const Error refusal = *leased.job.refusal;
      discard_for(refusal, std::move(leased));
      continue;
    }
    if (leased.job.task == Task::cut) {
      to_cut.push_back(std::move(leased));
      continue;
    }
    if (!fitter_.fit(lane, rules, leased)) {
      discard_for(too_long(rules), std::move(leased));
      continue;
    }
    // The job was at fault before, or the tokens billed for it show something: it travels alone.
    if (leased.job.attempt > 0 || state_.brake.travels_alone(leased.job) ||
        lane.doubts.asks_alone(leased, rules.tokenizer))
      leased.max_company = 1;
    (leased.job.rescued ? rescued : wanted).push_back(std::move(leased));
  }
  lane.sizes.claimed(texts, text_bytes);
  keeper_.give_back_rescued(lane, std::move(rescued), now);
  keeper_.buffer(lane, std::move(wanted), now);
  cutter_.cut(lane, std::move(to_cut), now);
  cutter_.wait(lane, std::move(settled_at_once[Task::wait]), now);
  settled_at_once.erase(Task::wait);
  for (const auto& [reason, discarded] : unwanted)
    keeper_.discard(lane.vectorizer, discarded.second, discarded.first, now);
  for (auto& [task, jobs] : settled_at_once) {
    const Action action = task == Task::clear     ? Action::clear
                          : task == Task::current ? Action::drop
                                                  : Action::complete;
    keeper_.settle_at_once(lane.vectorizer, action, std::move(jobs), now);
  }
}

void Worker::release(const Settlements::News& news, Instant now) {
  state_.summary.rows_embedded += news.rows_stored;
  for (const VectorizerId id : news.progressed) {
    once_.progress();
    if (Lane* lane = state_.lanes.find(id)) lane->claims.look_again(now);
  }
  for (const VectorizerId id : news.stored)
    if (Lane* lane = state_.lanes.find(id)) {
      if (Lane* rows = state_.lanes.find(lane->vectorizer.rows)) rows->claims.look_again(now);
      lane->vain.vector_stored();
      if (lane->rest.vector_stored()) state_.observer.vectorizer_resting(lane->vectorizer, "", Duration{});
    }
  for (const auto& [id, error] : news.refused)
    if (Lane* lane = state_.lanes.find(id)) {
      const bool rows = error.kind != ErrorKind::misconfigured;
      lane->rest.blame_rows(rows);
      keeper_.rest(*lane, rows ? "the table refuses every row: " + error.message : error.message, now);
    }
  for (const Settlements::News::Stale& stale : news.stale) {
    const bool others_stored = std::ranges::count(news.stored, stale.vectorizer.id) > 0;
    keeper_.give_back_stale(stale, others_stored, now);
  }
  for (const Settlements::News::Extended& extended : news.extended) leases_.extended(extended);
  for (const auto& [id, job] : news.lost) leases_.lost(id, job);
}

void Worker::stop_working(Instant now) {
  if (drain_.begin(state_.options.drain, now)) {
    polls_.plan(now);  // tells others that this worker stops
    budgets_.give_back(true, now);
    for (const auto& lane : state_.lanes) keeper_.give_back(*lane, now);
  }
  if (drain_.cancels(now)) state_.embedder.cancel_all();
}

// ── Waiting

/// The next time at which this loop has something to do by itself. Work that is due already waits for an
/// event instead.
Instant Worker::wake_at(Instant now) const {
  Instant next = now + state_.options.poll;
  const auto consider = [&](Instant at) {
    if (at > now) next = std::min(next, at);
  };
  if (!polls_.on_its_way()) consider(polls_.next());
  if (state_.leases() > 0) consider(leases_.next());
  consider(state_.settlements.next_resend());
  for (const auto& [id, batch] : state_.in_flight.batches()) consider(batch.silent_at());
  if (drain_.begun()) consider(drain_.next());
  for (const auto& lane : state_.lanes) {
    const Walk& walk = lane->walk;
    if (walk.under_way() && !walk.page_on_its_way())
      consider(std::max(walk.next_page_at(), lane->rest.until()));
    const EndpointGate* gate = state_.endpoints.find(lane->vectorizer.endpoint);
    if (gate == nullptr || !gate->usable()) continue;
    if (!lane->buffer.empty()) {
      consider(gate->opens_at());
      const Allowance& allowance = gate->allowance(lane->vectorizer.model);
      if (allowance.limited()) consider(allowance.opens_at());
      consider(lane->purse.asks_again_at());
      consider(gate->purse().asks_again_at());
    }
    const ClaimSchedule& claims = lane->claims;
    if (claims.jobs_due() && !claims.claiming())
      consider(std::max({claims.next_at(), lane->rest.until(), gate->opens_at()}));
  }
  return next;
}

}  // namespace embedd
