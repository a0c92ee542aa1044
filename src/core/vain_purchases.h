/// Which of one vectorizer's purchases were in vain of late, and why (G12).
///
/// Invariant: `thrown_away` counts answers since the last stored vector.
#pragma once

#include <cstddef>
#include <string>

#include "base/units.h"
#include "core/spending_brake.h"

namespace embedd {

class VainPurchases {
 public:
  /// Remembers why some purchases were in vain.
  void because(WasteReason reason) { reason_ = reason; }
  /// `answers` could not be stored, because their texts had changed meanwhile. True once so many answers in a
  /// row were thrown away that the vectorizer should rest. `others_stored`: vectors of other rows were stored
  /// meanwhile.
  bool thrown_away(std::size_t answers, bool others_stored);
  void vector_stored() { thrown_away_ = 0; }
  /// Some rows wait until `until` before they are bought again.
  void brake(Instant until);

  [[nodiscard]] bool throws_away() const { return thrown_away_ > 0; }
  [[nodiscard]] std::string reason() const { return explain(reason_); }
  [[nodiscard]] bool braked(Instant now) const { return now < braked_until_; }
  [[nodiscard]] const std::string& braked_because() const { return braked_because_; }

 private:
  WasteReason reason_ = WasteReason::unknown;
  std::size_t thrown_away_ = 0;
  Instant braked_until_{};
  std::string braked_because_;
};

}  // namespace embedd
