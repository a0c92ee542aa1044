#include "core/answers.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "core/queue.h"

namespace embedd {

void Answers::settle(Reply reply, bool draining, Instant now) {
  Batch batch = state_.in_flight.take(reply.id);
  Lane* lane = state_.lanes.find(batch.vectorizer.id);
  state_.observer.request_finished(batch.vectorizer, reply);
  budgets_.settle(batch, reply);
  if (!batch.given_up) state_.in_flight.hear(batch, now);
  tell_endpoint(batch, reply, now);
  if (batch.canary) return judge_canary(lane, reply, now);
  if (!reply.answer) return fail(lane, std::move(batch), reply.answer.error(), draining, now);
  const std::optional<Error> doubts = doubt(lane, batch, *reply.answer, now);
  if (doubts) return fail(lane, std::move(batch), *doubts, draining, now);
  complete(lane, std::move(batch), std::move(*reply.answer), now);
}

void Answers::give_up(bool draining, Instant now) {
  for (const std::uint64_t id : state_.in_flight.silent(now)) {
    const Batch& batch = state_.in_flight.give_up(id);
    state_.embedder.give_up(id);
    // The server may still compute the request, and bill it.
    Error error{.kind = ErrorKind::unavailable,
                .message = fmt::format("{} gave no sign of life for {:.0f} s", batch.vectorizer.endpoint,
                                       to_seconds(now - batch.heard_at)),
                .billed = true};
    settle({.id = id, .answer = std::unexpected(std::move(error)), .took = now - batch.started_at}, draining,
           now);
  }
}

// ── What the reply says of the endpoint

void Answers::tell_endpoint(const Batch& batch, const Reply& reply, Instant now) {
  EndpointGate& gate = state_.endpoints.gate(batch.vectorizer.endpoint);
  Allowance& allowance = gate.allowance(batch.vectorizer.model);
  allowance.learn(reply.limits);
  if (!reply.answer) return tell_of_failure(batch, reply.answer.error(), gate, now);
  gate.answered({.started_at = batch.started_at,
                 .took = now - batch.started_at,
                 .inputs = batch.input_count(),
                 .tokens = batch.max_tokens,
                 .most = batch.most_inputs,
                 .company = batch.company},
                batch.inputs_in_flight, now);
  gate.answers().learn(reply.answer->body_bytes, reply.answer->vectors.values.size());
  if (batch.counted) allowance.correct(batch.max_tokens, reply.answer->tokens);
}

void Answers::tell_of_failure(const Batch& batch, const Error& error, EndpointGate& gate, Instant now) {
  if (error.kind == ErrorKind::canceled || error.kind == ErrorKind::misconfigured) return gate.finished();
  // The endpoint answered and judged the request, so the endpoint itself is well.
  if (!is_endpoint_fault(error.kind)) return gate.succeeded(now);
  const EndpointGate::Load load{.requests = batch.company, .inputs = batch.inputs_in_flight};
  if (batch.given_up) {
    gate.fell_silent(error, batch.started_at, load, now);
    state_.observer.abandoned(batch.vectorizer, batch.input_count(), now - batch.heard_at);
  } else {
    gate.failed(error, batch.started_at, load, now);
  }
  Allowance& allowance = gate.allowance(batch.vectorizer.model);
  if (error.kind == ErrorKind::rate_limited && allowance.limited() && state_.queue.ready())
    state_.queue.send_reservation(allowance.closed_for(gate.opens_at() - now));
}

// ── Answers

/// Canary accepted: the rows are at fault, however many they are. Canary refused: the vectorizer is at fault.
/// Any other failure is the endpoint's own, and the canary is sent again.
void Answers::judge_canary(Lane* lane, const Reply& reply, Instant now) {
  if (lane == nullptr) return;
  const bool decides = lane->trust.canary_answered();
  if (reply.answer) {
    state_.summary.tokens += reply.answer->tokens;
    return lane->trust.accepted();
  }
  const Error& error = reply.answer.error();
  if (!decides || is_endpoint_fault(error.kind) || error.kind == ErrorKind::canceled) return;
  lane->trust.settle_doubt();
  keeper_.rest(*lane, error.message, now);
}

std::optional<Error> Answers::doubt(Lane* lane, Batch& batch, const EmbedAnswer& answer, Instant now) {
  if (lane == nullptr) return std::nullopt;
  std::optional<Error> doubts = lane->doubts.doubt(lane->vectorizer, batch, answer, now, state_.observer);
  if (doubts) state_.summary.tokens += answer.tokens;
  return doubts;
}

void Answers::complete(Lane* lane, Batch batch, EmbedAnswer answer, Instant now) {
  CHECK(answer.vectors.count() == batch.travelling.size(), "{} vectors for {} inputs", answer.vectors.count(),
        batch.travelling.size());
  const std::vector<std::int32_t> slots = join_pieces(batch, answer.vectors);
  if (lane != nullptr) learn(*lane, batch, answer, slots.front(), now);
  state_.summary.tokens += answer.tokens;
  Settlement settlement{.vectorizer = batch.vectorizer.id,
                        .action = Action::complete,
                        .vectors = std::move(answer.vectors),
                        .model_id = batch.vectorizer.model,
                        .model_version = std::move(answer.model),
                        .requests = 1,
                        .tokens = answer.tokens};
  if (lane != nullptr) {
    const AnswerDoubts::Unbelieved unbelieved = lane->doubts.take_unbelieved();
    settlement.requests += unbelieved.requests;
    settlement.tokens += unbelieved.tokens;
  }
  settlement.jobs.reserve(batch.jobs.size());
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    settlement.jobs.push_back(settled(batch.jobs[i]));
    settlement.jobs.back().slot = slots[i];
    settlement.jobs.back().changed_at = batch.jobs[i].changed_at;
  }
  state_.settlements.send(batch.vectorizer, std::move(settlement), now);
}

/// What an accepted request shows of its vectorizer.
void Answers::learn(Lane& lane, const Batch& batch, const EmbedAnswer& answer, std::int32_t first_slot,
                    Instant now) {
  lane.trust.accepted();
  lane.limits.accepted(batch);
  lane.doubts.compare_alone(lane.vectorizer, batch, answer.vectors, first_slot, now, state_.observer);
  const TextRules rules = fitter_.rules(lane);
  lane.doubts.notice_cuts(lane.vectorizer, batch, answer, rules.most_tokens(), rules.tokenizer,
                          state_.observer);
}

// ── Failures

void Answers::fail(Lane* lane, Batch batch, const Error& error, bool draining, Instant now) {
  keeper_.count_cost(lane, batch, error);
  if (lane == nullptr || draining || lane->resting(now))
    return keeper_.reschedule(batch.vectorizer, batch.jobs, Duration{}, now);
  if (error.kind == ErrorKind::too_large && heed(*lane, batch, error.limits, now)) {
    if (batch.jobs.empty()) return;  // all of them became dead letters
    state_.observer.rescheduled(lane->vectorizer, error.kind, batch.jobs.size(), false);
    return keeper_.buffer(*lane, std::move(batch.jobs), now);
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

/// Follows the limits that the refusal names: cuts texts that are too long, makes later requests smaller, and
/// asks for all jobs again. False if no limit helps: the culprit has to be found.
bool Answers::heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now) {
  const bool fewer = lane.limits.heed_inputs(batch, named);
  const bool shorter = named.text_tokens > 0 && fitter_.heed(lane, batch, named, now);
  return fewer || shorter;
}

void Answers::carry_out(Verdict verdict, Lane& lane, Batch batch, const Error& error, Instant now) {
  switch (verdict) {
    case Verdict::wait:
      state_.observer.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return keeper_.buffer(lane, std::move(batch.jobs),
                            now);  // dispatch gives them back if the endpoint rests for long
    case Verdict::split: return split(lane, std::move(batch), error, now);
    case Verdict::set_aside:
      state_.observer.rescheduled(lane.vectorizer, error.kind, 1, false);
      return keeper_.reschedule(lane.vectorizer, batch.jobs, kSetAside, now);
    case Verdict::shrink: return fitter_.shrink(lane, std::move(batch.jobs.front()), error, now);
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
      return keeper_.buffer(lane, std::move(batch.jobs), now);
    case Verdict::rest_vectorizer:
      keeper_.rest(lane, error.message, now);
      state_.observer.rescheduled(lane.vectorizer, error.kind, batch.jobs.size(), false);
      return keeper_.reschedule(lane.vectorizer, batch.jobs, Duration{}, now);
  }
}

/// Sends each part on its own. The parts queue up with the suspects, so that they do not delay other rows.
/// Two halves need the fewest requests. Where each request may be billed, 16 parts cost the fewest tokens,
/// and a row of 2048 is alone before the brake stops its purchases.
void Answers::split(Lane& lane, Batch batch, const Error& error, Instant now) {
  const std::size_t size = batch.jobs.size();
  const std::size_t parts = std::min<std::size_t>(error.billed ? 16 : 2, size);
  if (error.kind == ErrorKind::too_large) lane.limits.too_large(batch);
  // The culprit is not known yet. If every smaller request is accepted, the number of inputs was refused. A
  // wrong answer is the server's fault, so it needs no Refusal.
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
  keeper_.buffer(lane, std::move(batch.jobs), now);
}

}  // namespace embedd
