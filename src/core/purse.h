/// The part of one budget that this worker has reserved, and may spend.
///
/// Before a request goes out, the purse must cover what the request costs at most. If it does not, the worker
/// asks the database for a part of the budget (Queue::send_budget_request), and returns what it has. The
/// answer to a request settles what it really cost. A purse is emptied when the day ends.
///
/// Invariant: what all workers have reserved and not returned covers all that was sent to the provider, as
/// long as no request costs more than was counted. So a worker that is killed leaves a budget that is spent
/// too early, never too late.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/budget.h"

namespace embedd {

class Purse {
 public:
  /// Takes the budget as it is declared now. If it is another than before, the purse asks again. `budget_of`:
  /// the name under which all workers know it.
  void limit_to(std::string budget_of, const Budget& budget);
  /// What all workers have reserved of the day, as a poll says.
  void polled(const Cost& reserved, std::int64_t day);

  [[nodiscard]] bool limited() const { return budget_.any(); }
  [[nodiscard]] const Budget& budget() const { return budget_; }
  [[nodiscard]] const std::string& budget_of() const { return budget_of_; }
  /// Nothing can be bought until the next day, or until the budget is raised.
  [[nodiscard]] bool spent() const;
  /// The purse covers a request of this cost. True if there is no budget.
  [[nodiscard]] bool covers(const Cost& cost, Instant now) const;
  /// Most tokens of a request at this price, in billionths of a dollar per token.
  [[nodiscard]] std::size_t most_tokens(double nano_usd_per_token) const;

  /// The request for a part of the budget that should be sent now. None: one is on its way, or the budget is
  /// spent.
  std::optional<BudgetRequest> ask(const Cost& needed, const Cost& wanted, Instant now);
  /// The request that returns what this worker does not need any more. None: there is nothing to return, or
  /// requests are in flight.
  std::optional<BudgetRequest> give_back(Instant now);
  void answered(const BudgetAnswer& answer, Instant now);
  /// When ask() is possible again after a failure.
  [[nodiscard]] Instant asks_again_at() const { return ask_again_at_; }

  /// Call when a provider request goes out, and when it is over. `billed`: none if nobody knows, so that all
  /// of `cost` counts.
  void spend(std::uint64_t request, const Cost& cost);
  void settle(std::uint64_t request, const std::optional<Cost>& billed);

  /// Whether spent() has changed since the last call.
  bool take_news();

 private:
  [[nodiscard]] bool holds_some() const;
  void begin_day(std::int64_t day);
  void lapse(Instant now);

  std::string budget_of_;
  Budget budget_;
  Cost held_;                                ///< reserved, and neither spent nor returned
  std::map<std::uint64_t, Cost> in_flight_;  ///< by request; those of this day
  std::int64_t day_ = 0;
  Instant day_ends_{};  ///< at the earliest
  bool dry_ = false;    ///< too little of the budget is left
  Cost refused_;        ///< what was needed when it was refused
  bool asked_ = false;
  Instant asked_at_{};
  Instant ask_again_at_{};
  bool told_spent_ = false;
};

}  // namespace embedd
