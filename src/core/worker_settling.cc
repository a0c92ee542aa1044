// What becomes of a request's jobs once its reply is there, and how leases are kept meanwhile. The loop that
// calls this is worker.cc.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "core/worker.h"

namespace embedd {

// ── Settling

void Worker::settle(Reply reply, Instant now) {
  Batch batch = state_.in_flight.take(reply.id);
  Lane* lane = state_.lanes.find(batch.vectorizer.id);
  state_.observer.request_finished(batch.vectorizer, reply);
  if (!batch.given_up) state_.in_flight.hear(batch, now);

  EndpointGate& gate = state_.endpoints.gate(batch.vectorizer.endpoint);
  Allowance& allowance = gate.allowance(batch.vectorizer.model);
  allowance.learn(reply.limits);
  const std::size_t inputs = batch.input_count();
  if (reply.answer) {
    gate.answered({.started_at = batch.started_at,
                   .took = now - batch.started_at,
                   .inputs = inputs,
                   .tokens = batch.max_tokens,
                   .most = batch.most_inputs,
                   .company = batch.company},
                  batch.inputs_in_flight, now);
    gate.answers().learn(reply.answer->body_bytes, reply.answer->vectors.values.size());
    if (batch.counted) allowance.correct(batch.max_tokens, reply.answer->tokens);
    if (batch.canary) return judge_canary(lane, reply, now);
    const std::optional<Error> doubts = doubt(lane, batch, *reply.answer, now);
    if (!doubts) return complete(lane, std::move(batch), std::move(*reply.answer), now);
    keeper_.note_cost(lane, batch, *doubts);
    return handle_failure(lane, std::move(batch), *doubts, now);
  }
  const Error& error = reply.answer.error();
  if (is_endpoint_fault(error.kind)) {
    const EndpointGate::Load load{.requests = batch.company, .inputs = batch.inputs_in_flight};
    if (batch.given_up) {
      gate.fell_silent(error, batch.started_at, load, now);
      state_.observer.abandoned(batch.vectorizer, inputs, now - batch.heard_at);
    } else {
      gate.failed(error, batch.started_at, load, now);
    }
    if (error.kind == ErrorKind::rate_limited && allowance.limited() && state_.queue.ready())
      state_.queue.send_reservation(allowance.closed_for(gate.opens_at() - now));
  } else if (error.kind == ErrorKind::canceled || error.kind == ErrorKind::misconfigured) {
    gate.finished();
  } else {
    gate.succeeded(now);  // it answered, and judged the request: the endpoint itself is well
  }
  if (batch.canary) return judge_canary(lane, reply, now);
  keeper_.note_cost(lane, batch, error);
  handle_failure(lane, std::move(batch), error, now);
}

/// Gives up on requests whose endpoint has been silent for too long. Replies that are there come first: this
/// process may have been stopped meanwhile, and not the endpoint.
void Worker::give_up(Instant now) {
  for (const std::uint64_t id : state_.in_flight.silent(now)) {
    const Batch& batch = state_.in_flight.give_up(id);
    state_.embedder.give_up(id);
    // The server may compute, and bill, it all the same.
    Error error{.kind = ErrorKind::unavailable,
                .message = fmt::format("{} gave no sign of life for {:.0f} s", batch.vectorizer.endpoint,
                                       to_seconds(now - batch.heard_at)),
                .billed = true};
    settle({.id = id, .answer = std::unexpected(std::move(error)), .took = now - batch.started_at}, now);
  }
}

void Worker::complete(Lane* lane, Batch batch, EmbedAnswer answer, Instant now) {
  CHECK(answer.vectors.count() == batch.travelling.size(), "{} vectors for {} inputs", answer.vectors.count(),
        batch.travelling.size());
  const std::vector<std::int32_t> slots = join_pieces(batch, answer.vectors);
  if (lane != nullptr) {
    lane->trust.accepted();
    learn_inputs(*lane, batch);
    learn_pieces(*lane, batch.jobs);
    compare_alone(*lane, batch, answer.vectors, slots.front(), now);
    notice_cuts(*lane, batch, answer);
  }
  state_.summary.tokens += answer.tokens;
  Settlement settlement{.vectorizer = batch.vectorizer.id,
                        .action = Action::complete,
                        .vectors = std::move(answer.vectors),
                        .model_id = batch.vectorizer.model,
                        .model_version = std::move(answer.model),
                        .requests = 1,
                        .tokens = answer.tokens};
  if (lane != nullptr) {
    settlement.requests += std::exchange(lane->unbooked_requests, 0);
    settlement.tokens += std::exchange(lane->unbooked_tokens, 0);
  }
  settlement.jobs.reserve(batch.jobs.size());
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    settlement.jobs.push_back(settled(batch.jobs[i]));
    settlement.jobs.back().slot = slots[i];
    settlement.jobs.back().changed_at = batch.jobs[i].changed_at;
  }
  state_.settlements.send(batch.vectorizer, std::move(settlement), now);
}

void Worker::handle_failure(Lane* lane, Batch batch, const Error& error, Instant now) {
  if (lane == nullptr || drain_.begun() || lane->resting(now))
    return keeper_.reschedule(batch.vectorizer, batch.jobs, Duration{}, now);
  if (error.kind == ErrorKind::too_large && heed(*lane, batch, error.limits, now)) {
    state_.observer.rescheduled(lane->vectorizer, error.kind, batch.jobs.size(), false);
    return keeper_.hold(*lane, std::move(batch.jobs), now);
  }
  const bool alone = batch.jobs.size() == 1;
  const Failure failure{.kind = error.kind,
                        .jobs = batch.jobs.size(),
                        .attempt = alone ? batch.jobs.front().job.attempt : 0,
                        .max_attempts = state_.options.max_attempts,
                        .endpoint_healthy = state_.endpoints.gate(lane->vectorizer.endpoint).healthy(now),
                        .accepted_before = lane->trust.accepted_before(),
                        .failed_alone = lane->trust.rows_failed_alone()};
  carry_out(verdict(failure), *lane, std::move(batch), error, now);
}

void Worker::carry_out(Verdict verdict, Lane& lane, Batch batch, const Error& error, Instant now) {
  switch (verdict) {
    case Verdict::hold:
      state_.observer.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return keeper_.hold(lane, std::move(batch.jobs),
                          now);  // dispatch gives them back if the endpoint rests for long
    case Verdict::split: return split(lane, std::move(batch), error, now);
    case Verdict::set_aside:
      state_.observer.rescheduled(lane.vectorizer, error.kind, 1, false);
      return keeper_.reschedule(lane.vectorizer, batch.jobs, kSetAside, now);
    case Verdict::shrink: return shrink(lane, std::move(batch.jobs.front()), error, now);
    case Verdict::charge:
      lane.trust.failed_alone();
      state_.observer.rescheduled(lane.vectorizer, error.kind, 1, true);
      return keeper_.reschedule(lane.vectorizer, batch.jobs,
                                attempt_delay(batch.jobs.front().job.attempt + 1, state_.random), now,
                                &error);
    case Verdict::discard:
      lane.trust.failed_alone();
      return keeper_.discard(lane.vectorizer, batch.jobs, error, now);
    case Verdict::doubt:
      lane.trust.doubt();
      state_.observer.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return keeper_.hold(lane, std::move(batch.jobs), now);
    case Verdict::pause_vectorizer:
      keeper_.rest(lane, error.message, now);
      state_.observer.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return keeper_.reschedule(lane.vectorizer, batch.jobs, Duration{}, now);
  }
}

/// Sends each part on its own. They queue up with the suspects, so that neighbours are not held up. Halves
/// ask the fewest times; but where each time may cost something, more parts at once cost the least, and a row
/// of 2048 is alone before the brake holds it.
void Worker::split(Lane& lane, Batch batch, const Error& error, Instant now) {
  const std::size_t size = batch.jobs.size();
  const std::size_t parts = std::min<std::size_t>(error.billed ? 16 : 2, size);
  if (error.kind == ErrorKind::too_large)
    lane.learned_inputs.too_large(static_cast<std::uint32_t>(batch.travelling.size()));
  // Who is at fault is not known yet: if nobody is, it was their number. A wrong answer is the server's
  // fault.
  std::shared_ptr<Refusal> refusal;
  if (error.kind == ErrorKind::too_large || error.kind == ErrorKind::rejected)
    refusal = std::make_shared<Refusal>(
        Refusal{.inputs = static_cast<std::uint32_t>(batch.travelling.size()), .jobs = size});
  state_.observer.rescheduled(lane.vectorizer, error.kind, size, false);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t part = (i * parts + parts - 1) / size, next = part + 1;
    const auto company = static_cast<std::uint32_t>(next * size / parts - part * size / parts);
    batch.jobs[i].max_company = std::min(batch.jobs[i].max_company, company);
    if (refusal) batch.jobs[i].refusal = refusal;
  }
  keeper_.hold(lane, std::move(batch.jobs), now);
}

}  // namespace embedd
