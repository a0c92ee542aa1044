#include "core/budgets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace embedd {

namespace {

constexpr std::string_view kSpent = "budget_spent", kUnpriced = "no_price";

std::string why_spent(const Lane& lane) {
  return fmt::format(
      "its budget of {} a day is spent: it goes on tomorrow (UTC), or when the budget is raised (embedd "
      "vectorizer budget)",
      in_words(lane.purse.budget()));
}

std::string why_spent(const std::string& endpoint, const Purse& purse) {
  return fmt::format(
      "the budget of {} a day of the endpoint {} is spent: it goes on tomorrow (UTC), or when the budget is "
      "raised (embedd.toml)",
      in_words(purse.budget()), endpoint);
}

std::string why_unpriced(const Lane& lane) {
  return fmt::format(
      "a budget in dollars limits it, and the price of {} is not known: set it in embedd.toml ([price] "
      "\"{}/{}\" = USD per million tokens), or give the budget in tokens",
      lane.vectorizer.model, lane.vectorizer.endpoint, lane.vectorizer.model);
}

}  // namespace

void Budgets::polled(Lane& lane, const VectorizerState& state) {
  const Vectorizer& vectorizer = lane.vectorizer;
  if (vectorizer.cuts()) return;  // its chunks are bought by another lane
  EndpointGate& gate = state_.endpoints.gate(vectorizer.endpoint);
  lane.purse.limit_to(budget_of_vectorizer(state.budget_of), state.budget);
  lane.purse.polled(state.reserved, state.day);
  gate.purse().polled(state.endpoint_reserved, state.day);
  const bool in_dollars = lane.purse.budget().nano_usd || gate.purse().budget().nano_usd;
  const bool unpriced =
      in_dollars &&
      !state_.options.prices.usd_per_million_tokens(vectorizer.endpoint, vectorizer.model).has_value();
  if (std::exchange(lane.unpriced, unpriced) != unpriced)
    state_.observer.budget_changed({.vectorizer = name_of_budget(lane),
                                    .waits = unpriced,
                                    .message = unpriced ? why_unpriced(lane) : std::string()});
  tell(lane);
  tell(vectorizer.endpoint, gate.purse());
}

/// The budget of chunks is that of their rows' vectorizer.
std::string Budgets::name_of_budget(const Lane& lane) const {
  const Lane* rows = state_.lanes.find(lane.vectorizer.rows);
  return rows == nullptr ? lane.vectorizer.name : rows->vectorizer.name;
}

bool Budgets::may_buy(const WorkerState& state, const Lane& lane) {
  if (lane.vectorizer.cuts()) return true;
  if (lane.unpriced || lane.purse.spent()) return false;
  const EndpointGate* gate = state.endpoints.find(lane.vectorizer.endpoint);
  return gate == nullptr || !gate->purse().spent();
}

bool Budgets::limits(const Lane& lane) const {
  const EndpointGate* gate = state_.endpoints.find(lane.vectorizer.endpoint);
  return lane.purse.limited() || (gate != nullptr && gate->purse().limited());
}

Cost Budgets::cost(const Vectorizer& vectorizer, std::size_t tokens) const {
  return {.tokens = static_cast<std::int64_t>(tokens),
          .nano_usd =
              state_.options.prices.nano_usd_of(vectorizer.endpoint, vectorizer.model, tokens).value_or(0)};
}

bool Budgets::cover(Lane& lane, std::size_t needed, std::size_t wanted, Instant now) {
  const Cost least = cost(lane.vectorizer, needed), best = cost(lane.vectorizer, wanted);
  Purse& endpoint = state_.endpoints.gate(lane.vectorizer.endpoint).purse();
  const bool vectorizers = cover(lane.purse, least, best, now);
  return cover(endpoint, least, best, now) && vectorizers;
}

bool Budgets::cover(Purse& purse, const Cost& needed, const Cost& wanted, Instant now) {
  if (purse.covers(needed, now)) return true;
  if (!state_.queue.ready()) return false;
  if (auto request = purse.ask(needed, wanted, now)) state_.queue.send_budget_request(*request);
  return false;
}

std::size_t Budgets::most_tokens(const Lane& lane) const {
  const Vectorizer& vectorizer = lane.vectorizer;
  const double nano_usd =
      state_.options.prices.usd_per_million_tokens(vectorizer.endpoint, vectorizer.model).value_or(0) * 1e3;
  const EndpointGate* gate = state_.endpoints.find(vectorizer.endpoint);
  const std::size_t most = lane.purse.most_tokens(nano_usd);
  return gate == nullptr ? most : std::min(most, gate->purse().most_tokens(nano_usd));
}

void Budgets::spend(Lane& lane, const Batch& batch) {
  if (!limits(lane)) return;
  const Cost spent = cost(lane.vectorizer, batch.max_tokens);
  lane.purse.spend(batch.id, spent);
  state_.endpoints.gate(lane.vectorizer.endpoint).purse().spend(batch.id, spent);
}

void Budgets::settle(const Batch& batch, const Reply& reply) {
  std::optional<Cost> billed;
  if (reply.answer ? reply.answer->tokens > 0 : !reply.answer.error().billed)
    billed = reply.answer ? cost(batch.vectorizer, reply.answer->tokens) : Cost{};
  Purse& endpoint = state_.endpoints.gate(batch.vectorizer.endpoint).purse();
  endpoint.settle(batch.id, billed);
  tell(batch.vectorizer.endpoint, endpoint);
  Lane* lane = state_.lanes.find(batch.vectorizer.id);
  if (lane == nullptr) return;
  lane->purse.settle(batch.id, billed);
  tell(*lane);
}

Purse* Budgets::find(const std::string& budget_of) {
  for (const auto& lane : state_.lanes) {
    if (lane->purse.budget_of() == budget_of) return &lane->purse;
    Purse& endpoint = state_.endpoints.gate(lane->vectorizer.endpoint).purse();
    if (endpoint.budget_of() == budget_of) return &endpoint;
  }
  return nullptr;
}

void Budgets::answered(const BudgetAnswer& answer, Instant now) {
  if (!answer.part) state_.observer.database_error("budget", answer.part.error());
  Purse* purse = find(answer.request.budget_of);
  if (purse == nullptr) return;
  purse->answered(answer, now);
  for (const auto& lane : state_.lanes) {
    Purse& endpoint = state_.endpoints.gate(lane->vectorizer.endpoint).purse();
    if (purse == &lane->purse) tell(*lane);
    if (purse == &endpoint) tell(lane->vectorizer.endpoint, endpoint);
  }
}

void Budgets::give_back(bool all, Instant now) {
  if (!state_.queue.ready()) return;
  const auto send = [&](Purse& purse) {
    if (auto request = purse.give_back(now)) state_.queue.send_budget_request(*request);
  };
  std::set<std::string_view> busy, endpoints;
  for (const auto& lane : state_.lanes) {
    const std::string& endpoint = lane->vectorizer.endpoint;
    endpoints.insert(endpoint);
    const bool idle = lane->buffer.empty() && !lane->claims.claiming();
    if (idle || all)
      send(lane->purse);
    else
      busy.insert(endpoint);
  }
  for (const std::string_view endpoint : endpoints)
    if (!busy.contains(endpoint)) send(state_.endpoints.gate(std::string(endpoint)).purse());
}

std::vector<Problem> Budgets::problems(const WorkerState& state) {
  std::vector<Problem> out;
  std::set<std::string_view> endpoints;
  for (const auto& lane : state.lanes) {
    const Vectorizer& vectorizer = lane->vectorizer;
    if (lane->unpriced)
      out.push_back(
          {.vectorizer = vectorizer.id, .state = std::string(kUnpriced), .message = why_unpriced(*lane)});
    if (lane->purse.spent())
      out.push_back({.vectorizer = vectorizer.id, .state = std::string(kSpent), .message = why_spent(*lane)});
    const EndpointGate* gate = state.endpoints.find(vectorizer.endpoint);
    if (gate == nullptr || !gate->purse().spent() || !endpoints.insert(vectorizer.endpoint).second) continue;
    out.push_back({.endpoint = vectorizer.endpoint,
                   .state = std::string(kSpent),
                   .message = why_spent(vectorizer.endpoint, gate->purse())});
  }
  return out;
}

void Budgets::tell(Lane& lane) {
  if (!lane.purse.take_news()) return;
  const bool spent = lane.purse.spent();
  state_.observer.budget_changed({.vectorizer = name_of_budget(lane),
                                  .waits = spent,
                                  .message = spent ? why_spent(lane) : std::string()});
}

void Budgets::tell(const std::string& endpoint, Purse& purse) {
  if (!purse.take_news()) return;
  const bool spent = purse.spent();
  state_.observer.budget_changed(
      {.endpoint = endpoint, .waits = spent, .message = spent ? why_spent(endpoint, purse) : std::string()});
}

}  // namespace embedd
