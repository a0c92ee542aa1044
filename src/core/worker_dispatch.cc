// From claimed jobs to requests: how long a text may be, what fits into one request, and whether the account
// allows it now. The loop that calls this is worker.cc.
#include <algorithm>

#include <fmt/format.h>

#include "core/request_sizes.h"
#include "core/worker.h"

namespace embedd {

namespace {

/// Jobs stay in memory over a rest of the endpoint that is shorter than this; else they are given back.
constexpr Duration kShortRest = seconds(5);

}  // namespace

// ── Measuring

/// Bounds the text's tokens, and cuts it to what the model takes. Tokens never outnumber bytes, so that short
/// texts need no counting. False: it is too long, and the vectorizer wants no part of it.
bool Worker::measure(const Lane& lane, HeldJob& held) {
  const std::size_t limit = longest_text(lane);
  std::string& text = held.job.text;
  held.max_tokens = text.size();
  if (text.size() <= limit) return true;
  const Tokenizer& tokenizer = state_.tokenizer_of(lane);
  const std::size_t fitting = tokenizer.prefix_bytes(text, limit);
  if (fitting >= text.size()) {
    held.max_tokens = std::min(tokenizer.count(text), limit);
    held.counted = true;
    return true;
  }
  switch (lane.vectorizer.long_texts) {
    case LongTexts::discard:
      if (surely_too_long(lane, text, tokenizer)) return false;
      held.max_company = 1;  // refused or not, it says nothing about others
      return true;
    case LongTexts::average:
      cut_into_pieces(held, limit, tokenizer);
      keep_pieces(lane, held, std::min<std::size_t>(most_inputs(state_, lane), lane.learned_pieces));
      return true;
    case LongTexts::truncate: break;
  }
  text.resize(fitting);
  text.shrink_to_fit();
  held.max_tokens = limit;
  state_.observer.truncated(lane.vectorizer, limit);
  return true;
}

std::size_t Worker::longest_text(const Lane& lane) const {
  return std::min<std::size_t>(state_.embedder.limits(lane.vectorizer.endpoint).max_input_tokens,
                               lane.learned_tokens.most());
}

/// One request takes all pieces of a text; the end of a text that has more of them is left out.
void Worker::keep_pieces(const Lane& lane, HeldJob& held, std::size_t most) {
  if (held.pieces.size() <= most) return;
  held.pieces.resize(most);
  held.max_tokens = 0;
  for (const Piece& piece : held.pieces) held.max_tokens += piece.tokens;
  state_.observer.truncated(lane.vectorizer, held.max_tokens);
}

Error Worker::too_long(const Lane& lane) const {
  return {ErrorKind::too_large,
          fmt::format("the text has more than {} tokens, and the vectorizer's long_texts says discard",
                      longest_text(lane))};
}

// ── Dispatching

void Worker::dispatch(Instant now) {
  for (bool any = true; any;) {
    any = false;
    for (Lane* lane : state_.lanes.in_turn()) {
      if (!dispatch_one(*lane, now)) continue;
      any = true;
      state_.lanes.served(*lane);
    }
  }
}

bool Worker::dispatch_one(Lane& lane, Instant now) {
  // Past its lease a job may be another's: paying for it here would pay twice.
  lane.buffer.erase_if([&](const HeldJob& held) { return held.lapses_at <= now; });
  if (lane.buffer.empty()) return false;
  EndpointGate& gate = state_.endpoints.gate(lane.vectorizer.endpoint);
  if (lane.resting(now) || !gate.worth_claiming(now, kShortRest)) {
    keeper_.give_back(lane, now);
    return false;
  }
  if (!gate.open(now)) return false;
  Budget::Use use{.all = {.requests = state_.in_flight.size()},
                  .endpoint = state_.used_by(lane.vectorizer.endpoint),
                  .endpoints = state_.endpoints_in_use()};
  if (!state_.budget.takes_request(use)) return false;
  if (lane.trust.doubted()) {
    if (!lane.trust.canary_wanted()) return false;
    lane.trust.canary_sent();
    start(lane, canary_batch(lane.vectorizer, gate.answers().bytes_per_value()), now);
    return true;
  }

  BatchLimits fit{.max_inputs = batch_inputs(state_, lane),
                  .max_tokens = std::min<std::size_t>(gate.limits().max_request_tokens, gate.most_tokens()),
                  .bytes_per_value = gate.answers().bytes_per_value()};
  // More is on its way, and the endpoint has something to do meanwhile: let the request fill up.
  if (lane.claims.claiming() && lane.buffer.size() < fit.max_inputs &&
      state_.in_flight.requests_of(lane.vectorizer.id) > 0)
    return false;
  const std::size_t likely = std::max(std::min<std::size_t>(fit.max_inputs, lane.buffer.size()),
                                      lane.buffer.next_turn().front().pieces.size());
  const std::size_t answer = answer_bytes(likely, lane.vectorizer.dimensions, fit.bytes_per_value);
  use.all.bytes = state_.held_bytes();
  if (!state_.budget.takes_answer(answer, use)) return false;
  Allowance& allowance = gate.allowance(lane.vectorizer.model);
  if (allowance.limited() && !may_spend(lane, gate, fit, now)) return false;

  Batch batch = pack(lane.buffer, lane.vectorizer, fit, state_.tokenizer_of(lane));
  allowance.spend(batch.max_tokens);
  batch.counted = fit.exact;
  lane.sizes.requested(batch.jobs.size(), batch.max_tokens);
  start(lane, std::move(batch), now);
  return true;
}

/// Whether the account has room for the lane's next request; narrows it to what is reserved, or reserves.
bool Worker::may_spend(Lane& lane, EndpointGate& gate, BatchLimits& fit, Instant now) {
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

void Worker::start(Lane& lane, Batch packed, Instant now) {
  packed.most_inputs = std::min(most_inputs(state_, lane), lane.learned_inputs.most());
  const Batch& batch =
      state_.in_flight.add(std::move(packed), state_.endpoints.gate(lane.vectorizer.endpoint), now);
  const std::vector<std::string_view> texts = batch.inputs();
  for (const HeldJob& held : batch.jobs) state_.brake.bought(held.job, now);
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
