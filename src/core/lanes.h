/// The vectorizers that a worker serves, each in its turn.
///
/// Invariant: a lane stays, at the same address, while the last list of vectorizers names it, and for as long
/// as something of it is under way.
#pragma once

#include <cstddef>
#include <memory>
#include <ranges>
#include <vector>

#include "core/job.h"
#include "core/lane.h"

namespace embedd {

class Lanes {
 public:
  /// nullptr if there is none.
  [[nodiscard]] Lane* find(VectorizerId id) const;

  /// A list of vectorizers begins: until it names them, none is listed.
  void begin_list();
  /// The list names this one. A new lane begins with it; a lane that exists keeps its declaration.
  Lane& list(const Vectorizer& vectorizer);
  /// The list has ended: lanes that it does not name are removed, unless they are `busy`.
  template <typename Predicate>
  void end_list(Predicate busy) {
    std::erase_if(lanes_, [&](const auto& lane) { return !lane->listed && !busy(*lane); });
  }

  /// All lanes, the one whose turn it is first.
  [[nodiscard]] auto in_order() const {
    return std::views::iota(std::size_t{0}, lanes_.size()) |
           std::views::transform(
               [this, first = first_](std::size_t i) { return lanes_[(first + i) % lanes_.size()].get(); });
  }
  /// The lane behind this one is next.
  void served(const Lane& lane);

  /// A locked table waits while another one is being asked for (TableLock).
  [[nodiscard]] bool must_wait(const Lane& lane) const;
  /// Walks under way that nobody waits for.
  [[nodiscard]] std::size_t routine_walks() const;

  [[nodiscard]] auto begin() const { return lanes_.begin(); }
  [[nodiscard]] auto end() const { return lanes_.end(); }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t first_ = 0;  ///< whose turn it is; may be behind the last
};

}  // namespace embedd
