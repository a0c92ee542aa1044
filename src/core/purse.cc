#include "core/purse.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace embedd {

namespace {

/// How long to wait after a request that failed.
constexpr Duration kAskAgain = seconds(1);
/// A spent budget is open again when so much of it was returned. Otherwise each small return would open it.
constexpr std::int64_t kWorthAsking = 100;  // a hundredth

/// Calls `check` with each limit and the amount that it limits; true if all calls are.
template <typename Check>
bool each_limit(const Budget& budget, const Cost& cost, Check check) {
  return (!budget.tokens || check(*budget.tokens, cost.tokens)) &&
         (!budget.nano_usd || check(*budget.nano_usd, cost.nano_usd));
}

}  // namespace

void Purse::limit_to(std::string budget_of, const Budget& budget) {
  budget_of_ = std::move(budget_of);
  if (budget == budget_) return;
  budget_ = budget;
  dry_ = false;
  refused_ = {};
  if (!limited()) begin_day(day_);
}

void Purse::begin_day(std::int64_t day) {
  day_ = day;
  held_ = {};
  in_flight_.clear();  // their reservations were of another day's budget
  dry_ = false;
  refused_ = {};
}

void Purse::polled(const Cost& reserved, std::int64_t day) {
  if (day > day_) begin_day(day);
  if (!limited()) return;
  const bool left = each_limit(budget_, reserved, [](auto limit, auto used) { return used < limit; });
  Cost worth_asking = reserved;
  worth_asking += refused_;
  const bool enough = each_limit(budget_, reserved,
                                 [](auto limit, auto used) {
                                   return limit - used >= std::max<std::int64_t>(limit / kWorthAsking, 1);
                                 }) &&
                      each_limit(budget_, worth_asking, [](auto limit, auto used) { return used <= limit; });
  if (!left) dry_ = true;
  if (enough) dry_ = false;
}

bool Purse::holds_some() const {
  return each_limit(budget_, held_, [](auto, auto held) { return held > 0; });
}

bool Purse::spent() const { return limited() && dry_ && !asked_ && in_flight_.empty() && !holds_some(); }

/// The part for a text that costs more than the whole budget covers that text only: if the text was refused,
/// the part has to be returned.
bool Purse::covers(const Cost& cost, Instant now) const {
  if (!limited()) return true;
  if (asked_ || now >= day_ends_) return false;
  const auto enough = [](const std::optional<std::int64_t>& limit, std::int64_t held, std::int64_t needed) {
    return !limit || (held >= needed && (held <= *limit || needed > *limit));
  };
  return enough(budget_.tokens, held_.tokens, cost.tokens) &&
         enough(budget_.nano_usd, held_.nano_usd, cost.nano_usd);
}

std::size_t Purse::most_tokens(double nano_usd_per_token) const {
  constexpr double kNoLimit = 1e18;
  double most = kNoLimit;
  if (budget_.tokens) most = std::min(most, static_cast<double>(held_.tokens));
  if (budget_.nano_usd && nano_usd_per_token > 0)
    most = std::min(most, static_cast<double>(held_.nano_usd) / nano_usd_per_token);
  return static_cast<std::size_t>(std::max(most, 1.0));
}

/// What was reserved for a day that is over cannot be used or returned.
void Purse::lapse(Instant now) {
  if (now >= day_ends_) held_ = {};
}

std::optional<BudgetRequest> Purse::ask(const Cost& needed, const Cost& wanted, Instant now) {
  if (!limited() || asked_ || now < ask_again_at_) return std::nullopt;
  lapse(now);
  if (dry_ && !holds_some()) return std::nullopt;
  asked_ = true;
  asked_at_ = now;
  return BudgetRequest{.budget_of = budget_of_,
                       .budget = budget_,
                       .day = day_,
                       .returned = std::exchange(held_, {}),
                       .needed = needed,
                       .wanted = {.tokens = std::max(wanted.tokens, needed.tokens),
                                  .nano_usd = std::max(wanted.nano_usd, needed.nano_usd)}};
}

std::optional<BudgetRequest> Purse::give_back(Instant now) {
  if (asked_ || now < ask_again_at_ || !in_flight_.empty()) return std::nullopt;
  lapse(now);
  if (held_ == Cost{}) return std::nullopt;
  asked_ = true;
  asked_at_ = now;
  return BudgetRequest{
      .budget_of = budget_of_, .budget = budget_, .day = day_, .returned = std::exchange(held_, {})};
}

void Purse::answered(const BudgetAnswer& answer, Instant now) {
  asked_ = false;
  const BudgetRequest& request = answer.request;
  if (!answer.part) {
    ask_again_at_ = now + kAskAgain;
    if (request.day != day_) return;
    // If the statement may have been carried out, what it returned may be somebody else's by now. What had
    // cost too much is said again, and at worst counted twice.
    Cost back = request.returned;
    if (answer.part.error().kind == ErrorKind::in_doubt)
      back = {.tokens = std::min<std::int64_t>(back.tokens, 0),
              .nano_usd = std::min<std::int64_t>(back.nano_usd, 0)};
    held_ += back;
    return;
  }
  if (answer.part->day > day_) begin_day(answer.part->day);
  day_ends_ = asked_at_ + answer.part->day_left;
  held_ += answer.part->cost;
  if (request.only_returns()) return;
  dry_ = answer.part->cost == Cost{};
  refused_ = dry_ ? request.needed : Cost{};
}

void Purse::spend(std::uint64_t request, const Cost& cost) {
  if (!limited()) return;
  held_ -= cost;
  in_flight_[request] += cost;
}

void Purse::settle(std::uint64_t request, const std::optional<Cost>& billed) {
  const auto node = in_flight_.extract(request);
  if (node.empty() || !billed) return;
  held_ += node.mapped();
  held_ -= *billed;
}

bool Purse::take_news() { return std::exchange(told_spent_, spent()) != told_spent_; }

}  // namespace embedd
