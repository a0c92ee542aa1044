#include "core/dispatcher.h"

#include <algorithm>
#include <utility>

#include "core/request_sizes.h"
#include "core/tokenizer.h"

namespace embedd {

namespace {

/// If the endpoint rests for less than this, its jobs stay in memory; otherwise they are given back.
constexpr Duration kShortRest = seconds(5);

}  // namespace

void Dispatcher::dispatch(Instant now) {
  for (bool any = true; any;) {
    any = false;
    for (Lane* lane : state_.lanes.in_order()) {
      if (!dispatch_one(*lane, now)) continue;
      any = true;
      state_.lanes.served(*lane);
    }
  }
}

bool Dispatcher::dispatch_one(Lane& lane, Instant now) {
  // A job whose lease has lapsed may belong to another worker, so buying its text here could pay twice.
  lane.buffer.erase_if([&](const LeasedJob& leased) { return leased.lapses_at <= now; });
  if (lane.buffer.empty()) return false;
  EndpointGate& gate = state_.endpoints.gate(lane.vectorizer.endpoint);
  if (lane.resting(now) || !gate.worth_claiming(now, kShortRest) || !Budgets::may_buy(state_, lane)) {
    keeper_.give_back(lane, now);
    return false;
  }
  if (!gate.open(now)) return false;
  Shares::Use use{.all = {.requests = state_.in_flight.size()},
                  .endpoint = state_.used_by(lane.vectorizer.endpoint),
                  .endpoints = state_.endpoints_in_use()};
  if (!state_.shares.takes_request(use)) return false;
  if (lane.trust.doubted()) {
    if (!lane.trust.canary_wanted()) return false;
    if (!budgets_.cover(lane, kCanary.size(), kCanary.size(), now)) return false;
    lane.trust.canary_sent();
    start(lane, canary_batch(lane.vectorizer, gate.answers().bytes_per_value()), now);
    return true;
  }

  BatchLimits fit{.max_inputs = batch_inputs(state_, lane),
                  .max_tokens = std::min<std::size_t>(gate.limits().max_request_tokens, gate.most_tokens()),
                  .bytes_per_value = gate.answers().bytes_per_value()};
  // More jobs are on their way, and the endpoint is busy meanwhile: let the request fill up.
  if (lane.claims.claiming() && lane.buffer.size() < fit.max_inputs &&
      state_.in_flight.requests_of(lane.vectorizer.id) > 0)
    return false;
  const std::size_t likely = std::max(std::min<std::size_t>(fit.max_inputs, lane.buffer.size()),
                                      lane.buffer.next().front().pieces.size());
  const std::size_t answer = answer_bytes(likely, lane.vectorizer.dimensions, fit.bytes_per_value);
  use.all.bytes = state_.held_bytes();
  if (!state_.shares.takes_answer(answer, use)) return false;
  Allowance& allowance = gate.allowance(lane.vectorizer.model);
  // Both are asked at the same time.
  const bool affordable = !budgets_.limits(lane) || within_budget(lane, fit, now);
  if (allowance.limited() && !may_spend(lane, gate, fit, now)) return false;
  if (!affordable) return false;

  Batch batch = pack(lane.buffer, lane.vectorizer, fit, state_.tokenizer_of(lane));
  allowance.spend(batch.max_tokens);
  batch.counted = fit.exact;
  lane.sizes.requested(batch.jobs.size(), batch.max_tokens);
  start(lane, std::move(batch), now);
  return true;
}

/// Whether the lane's budgets cover its next request. Narrows the request to what is covered, or asks for
/// more.
bool Dispatcher::within_budget(Lane& lane, BatchLimits& fit, Instant now) {
  fit.exact = true;
  const Tokenizer& tokenizer = state_.tokenizer_of(lane);
  const std::size_t needed = tokens_ahead(lane.buffer, {.max_inputs = 1, .max_tokens = 1}, tokenizer);
  if (!budgets_.cover(lane, needed, tokens_ahead(lane.buffer, fit, tokenizer), now)) return false;
  fit.max_tokens = std::min(fit.max_tokens, budgets_.most_tokens(lane));
  return true;
}

/// Whether the account has room for the lane's next request. Narrows the request to what is reserved, or
/// makes a reservation.
bool Dispatcher::may_spend(Lane& lane, EndpointGate& gate, BatchLimits& fit, Instant now) {
  Allowance& allowance = gate.allowance(lane.vectorizer.model);
  if (allowance.open_for(now) == 0 && now < allowance.opens_at()) return false;
  fit.exact = true;
  fit.max_tokens = std::min(fit.max_tokens, allowance.most_tokens());
  const Tokenizer& tokenizer = state_.tokenizer_of(lane);
  const std::size_t open_for = allowance.open_for(now);
  const std::size_t wanted = tokens_ahead(lane.buffer, fit, tokenizer);
  const std::size_t needed = tokens_ahead(lane.buffer, {.max_inputs = 1, .max_tokens = 1}, tokenizer);
  if (open_for >= needed && needed > 0) {
    fit.max_tokens = std::min(fit.max_tokens, open_for);
    return true;
  }
  if (!state_.queue.ready()) return false;
  if (auto reservation = allowance.reserve(wanted, now)) state_.queue.send_reservation(*reservation);
  return false;
}

void Dispatcher::start(Lane& lane, Batch packed, Instant now) {
  packed.most_inputs = std::min(most_inputs(state_, lane), lane.limits.most_inputs());
  const Batch& batch =
      state_.in_flight.add(std::move(packed), state_.endpoints.gate(lane.vectorizer.endpoint), now);
  budgets_.spend(lane, batch);
  const std::vector<std::string_view> texts = batch.inputs();
  for (const LeasedJob& leased : batch.jobs) state_.brake.bought(leased.job, now);
  ++state_.summary.requests;
  state_.observer.request_started(lane.vectorizer, texts.size(), batch.max_tokens);
  state_.embedder.start({.id = batch.id,
                         .endpoint = lane.vectorizer.endpoint,
                         .model = lane.vectorizer.model,
                         .dimensions = lane.vectorizer.dimensions,
                         .send_dimensions = lane.vectorizer.send_dimensions,
                         .inputs = texts});
}

}  // namespace embedd
