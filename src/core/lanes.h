/// The vectorizers that a worker serves, in turn.
///
/// Invariant: a lane stays at the same address while the last list of vectorizers names it, and while any of
/// its work is under way.
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

  /// A list of vectorizers begins: no lane is listed until the list names it.
  void begin_list();
  /// The list names this vectorizer. A new lane begins with this declaration; an existing lane keeps its own.
  Lane& list(const Vectorizer& vectorizer);
  /// The list has ended: removes lanes that the list does not name, unless they are `busy`.
  template <typename Predicate>
  void end_list(Predicate busy) {
    std::erase_if(lanes_, [&](const auto& lane) { return !lane->listed && !busy(*lane); });
  }

  /// All lanes, beginning with the one that is served next.
  [[nodiscard]] auto in_order() const {
    return std::views::iota(std::size_t{0}, lanes_.size()) |
           std::views::transform(
               [this, first = first_](std::size_t i) { return lanes_[(first + i) % lanes_.size()].get(); });
  }
  /// This lane was served: the next lane comes first now.
  void served(const Lane& lane);

  /// True if the lane's table is locked and another locked table is being asked for (TableLock).
  [[nodiscard]] bool must_wait(const Lane& lane) const;
  /// Walks under way that were due by the clock alone.
  [[nodiscard]] std::size_t routine_walks() const;

  [[nodiscard]] auto begin() const { return lanes_.begin(); }
  [[nodiscard]] auto end() const { return lanes_.end(); }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t first_ = 0;  ///< index of the lane that is served next; may be past the end
};

}  // namespace embedd
