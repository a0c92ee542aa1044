#include "core/lanes.h"

#include <algorithm>

namespace embedd {

Lane* Lanes::find(VectorizerId id) const {
  const auto found = std::ranges::find(lanes_, id, [](const auto& lane) { return lane->vectorizer.id; });
  return found == lanes_.end() ? nullptr : found->get();
}

void Lanes::begin_list() {
  for (const auto& lane : lanes_) lane->listed = false;
}

Lane& Lanes::list(const Vectorizer& vectorizer) {
  Lane* lane = find(vectorizer.id);
  if (lane == nullptr) {
    lane = lanes_.emplace_back(std::make_unique<Lane>()).get();
    lane->vectorizer = vectorizer;
  }
  lane->listed = true;
  return *lane;
}

void Lanes::served(const Lane& lane) {
  const auto at = std::ranges::find(lanes_, &lane, [](const auto& each) { return each.get(); });
  first_ = static_cast<std::size_t>(at - lanes_.begin()) + 1;
}

bool Lanes::must_wait(const Lane& lane) const {
  return lane.lock.locked() && std::ranges::any_of(lanes_, [](const auto& other) {
           return other->lock.locked() && (other->claims.claiming() || other->walk.page_on_its_way());
         });
}

std::size_t Lanes::routine_walks() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(lanes_, [](const auto& lane) { return lane->walk.routine(); }));
}

}  // namespace embedd
