/// Keeps a worker's purchases within the budgets of vectorizers and endpoints.
///
/// A lane buys only while its purse and its endpoint's purse cover the next request. If a budget is spent,
/// the lane waits, as if it were paused: nothing is claimed, no attempt is consumed, and the observer is told
/// once.
///
/// Invariant: each request to the provider was covered when it was sent.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/embedder.h"
#include "core/queue.h"
#include "core/worker_state.h"

namespace embedd {

class Budgets {
 public:
  explicit Budgets(WorkerState& state) : state_(state) {}

  /// Takes a lane's budget, and what was reserved of it and of its endpoint's.
  void polled(Lane& lane, const VectorizerState& state);
  /// Takes an answer to a request for a part of a budget.
  void answered(const BudgetAnswer& answer, Instant now);
  /// Returns what idle lanes and endpoints have reserved. With `all`, also what lanes with work have.
  void give_back(bool all, Instant now);

  /// False while a budget of the lane is spent. A lane that only cuts texts buys nothing, so it always may.
  [[nodiscard]] static bool may_buy(const WorkerState& state, const Lane& lane);
  /// Whether all budgets cover a request of `needed` tokens. If not, asks for parts that cover `wanted`.
  bool cover(Lane& lane, std::size_t needed, std::size_t wanted, Instant now);
  /// Most tokens of a request that is covered.
  [[nodiscard]] std::size_t most_tokens(const Lane& lane) const;
  [[nodiscard]] bool limits(const Lane& lane) const;

  /// Call when a request goes out.
  void spend(Lane& lane, const Batch& batch);
  /// Call when a request is over.
  void settle(const Batch& batch, const Reply& reply);

  /// Why lanes and endpoints wait.
  [[nodiscard]] static std::vector<Problem> problems(const WorkerState& state);

 private:
  [[nodiscard]] std::string name_of_budget(const Lane& lane) const;
  [[nodiscard]] Cost cost(const Vectorizer& vectorizer, std::size_t tokens) const;
  bool cover(Purse& purse, const Cost& needed, const Cost& wanted, Instant now);
  Purse* find(const std::string& budget_of);
  void tell(Lane& lane);
  void tell(const std::string& endpoint, Purse& purse);

  WorkerState& state_;
};

}  // namespace embedd
