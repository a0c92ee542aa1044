// What is limited in the simulated world: the provider's meter, and the budgets that the database keeps.
#include <algorithm>

#include "support/sim_world.h"

namespace embedd::sim {

std::optional<Duration> Meter::arrived(std::size_t request_tokens, Instant now) {
  const auto refill = [&](double& left, double per_minute) {
    const double most = per_minute * burst_seconds / 60;
    left = left < 0 ? most : std::min(most, left + to_seconds(now - at) * per_minute / 60);
  };
  refill(requests_left, requests_per_minute);
  refill(tokens_left, tokens_per_minute);
  at = now;
  const auto needed = static_cast<double>(request_tokens);
  double wait = 0;
  if (requests_per_minute > 0 && requests_left < 1) wait = (1 - requests_left) * 60 / requests_per_minute;
  if (tokens_per_minute > 0 && tokens_left < needed)
    wait = std::max(wait, (needed - tokens_left) * 60 / tokens_per_minute);
  if (wait > 0) {
    ++refused;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait));
  }
  requests_left = std::max(requests_left - 1, 0.0);
  tokens_left = std::max(tokens_left - needed, 0.0);
  ++accepted;
  tokens += request_tokens;
  return std::nullopt;
}

RateLimits Meter::headers() const {
  RateLimits limits;
  if (!announced) return limits;
  if (requests_per_minute > 0) limits.limit_requests = static_cast<std::int64_t>(requests_per_minute);
  if (tokens_per_minute > 0) limits.limit_tokens = static_cast<std::int64_t>(tokens_per_minute);
  return limits;
}

// ── Budgets

std::int64_t Database::day_of(Instant now) const { return now.time_since_epoch() / day; }

/// As spend.sql.
BudgetAnswer::Part Database::spend(const BudgetRequest& request, Instant now) {
  Spending& spending = budgets_spent[request.budget_of];
  const std::int64_t today = std::max(day_of(now), spending.day);
  if (today > spending.day) spending = {.day = today};
  if (request.day == today) spending.reserved -= request.returned;
  Cost& used = spending.reserved;
  const std::int64_t tokens = request.budget.tokens.value_or(INT64_MAX / 2),
                     nano_usd = request.budget.nano_usd.value_or(INT64_MAX / 2);
  BudgetAnswer::Part part{.day = today, .day_left = Instant((today + 1) * day) - now};
  if (used.tokens + request.needed.tokens <= tokens && used.nano_usd + request.needed.nano_usd <= nano_usd)
    part.cost = {.tokens = std::min(request.wanted.tokens, tokens - used.tokens),
                 .nano_usd = std::min(request.wanted.nano_usd, nano_usd - used.nano_usd)};
  else if (used.tokens <= 0 && used.nano_usd <= 0)
    part.cost = request.needed;
  used += part.cost;
  return part;
}

void Database::tell_budget(const Table& table, Instant now, VectorizerState& state) const {
  const auto reserved = [&](const std::string& name) {
    const auto found = budgets_spent.find(name);
    return found == budgets_spent.end() || found->second.day < day_of(now) ? Cost{} : found->second.reserved;
  };
  state.day = day_of(now);
  state.budget_of = table.vectorizer.rows != 0 ? table.vectorizer.rows : table.vectorizer.id;
  state.budget = tables.at(state.budget_of).budget;
  state.reserved = reserved(budget_of_vectorizer(state.budget_of));
  state.endpoint_reserved = reserved(budget_of_endpoint(table.vectorizer.endpoint));
}

Cost World::cost(const std::string& endpoint, const std::string& model, std::size_t tokens) const {
  return {.tokens = static_cast<std::int64_t>(tokens),
          .nano_usd = options.prices.nano_usd_of(endpoint, model, tokens).value_or(0)};
}

std::vector<std::pair<std::string, Budget>> World::budgets_of(const std::string& endpoint,
                                                              const std::string& model) {
  std::vector<std::pair<std::string, Budget>> out;
  if (const Provider* provider = provider_of(endpoint))
    out.emplace_back(budget_of_endpoint(endpoint), provider->limits.budget);
  // A request does not say whose it is. A model that only one vectorizer has does.
  const Table* only = nullptr;
  for (const auto& [id, table] : database.tables)
    if (table.vectorizer.model == model && !table.vectorizer.cuts()) {
      if (only != nullptr) return out;
      only = &table;
    }
  if (only == nullptr) return out;
  const VectorizerId of = only->vectorizer.rows != 0 ? only->vectorizer.rows : only->vectorizer.id;
  out.emplace_back(budget_of_vectorizer(of), database.tables.at(of).budget);
  return out;
}

/// What was billed of the day, and what may be billed of the requests in flight, is never more than the
/// budget, unless it is the first request of the day.
void World::request_starts(const std::string& endpoint, const std::string& model,
                           const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  const Cost most = cost(endpoint, model, bytes);
  for (const auto& [name, budget] : budgets_of(endpoint, model)) {
    Bought& bought = bought_of[{name, database.day_of(database_now())}];
    const bool alone = bought.billed == Cost{} && bought.in_flight == Cost{};
    bought.in_flight += most;
    if (!budgets_are_strict || alone) continue;
    const auto beyond = [&](const std::optional<std::int64_t>& limit, std::int64_t Cost::* amount) {
      return limit &&
             bought.billed.*amount + bought.in_flight.*amount > std::max(*limit, bought.highest.*amount);
    };
    if (beyond(budget.tokens, &Cost::tokens) || beyond(budget.nano_usd, &Cost::nano_usd))
      violated(fmt::format("budget of {}, {}: {} tokens are billed and {} in flight, USD {} and {}", name,
                           in_words(budget), bought.billed.tokens, bought.in_flight.tokens,
                           static_cast<double>(bought.billed.nano_usd) / 1e9,
                           static_cast<double>(bought.in_flight.nano_usd) / 1e9));
  }
}

void World::request_ends(const std::string& endpoint, const std::string& model,
                         const std::vector<std::string>& texts, Instant started, std::size_t billed) {
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  for (const auto& [name, budget] : budgets_of(endpoint, model)) {
    Bought& bought = bought_of[{name, database.day_of(started + database_clock_)}];
    bought.in_flight -= cost(endpoint, model, bytes);
    bought.billed += cost(endpoint, model, billed);
  }
}

void World::set_budget(VectorizerId id, const Budget& budget) {
  tell("the budget of {} is {} from now on", table_name(id), budget.any() ? in_words(budget) : "unlimited");
  Table& table = database.tables.at(id);
  remember_budget(budget_of_vectorizer(id), table.budget);
  table.budget = budget;
}

void World::set_budget(Provider& of, const std::string& endpoint, const Budget& budget) {
  tell("the budget of {} is {} from now on", endpoint, budget.any() ? in_words(budget) : "unlimited");
  remember_budget(budget_of_endpoint(endpoint), of.limits.budget);
  of.limits.budget = budget;
}

/// Workers learn of a smaller budget by their next poll, which may be tomorrow's for a worker that was
/// stopped for a while.
void World::remember_budget(const std::string& name, const Budget& before) {
  for (const Instant at : {database_now(), database_now() + std::chrono::minutes(3)}) {
    Bought& bought = bought_of[{name, database.day_of(at)}];
    bought.highest.tokens = std::max(bought.highest.tokens, before.tokens.value_or(INT64_MAX / 4));
    bought.highest.nano_usd = std::max(bought.highest.nano_usd, before.nano_usd.value_or(INT64_MAX / 4));
  }
}

void Tracing::budget_changed(const BudgetNews& news) {
  world_.tell("worker {} {}{}: {}", worker_, news.vectorizer, news.endpoint,
              news.waits ? news.message : "buys again");
  ++world_.budget_news;
}

}  // namespace embedd::sim
