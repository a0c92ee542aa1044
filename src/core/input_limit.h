/// How many inputs an endpoint takes in one request, learned from what it refuses.
///
/// A refusal for size may be the fault of one long text: from then on requests are half as large, and grow
/// again by an eighth with each that is accepted. Once all inputs of a refused request were accepted in
/// smaller ones, it was their number: that bound is kept, and the gap to what was accepted is halved until it
/// is known, so that a limit of ten costs a handful of refusals, and one that the refusal names costs one.
/// Still one more is tried now and then: after 64 full requests, and after twice as many each time that it is
/// in vain.
#pragma once

#include <cstdint>
#include <limits>

namespace embedd {

class InputLimit {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  /// Inputs of the next request at most; kNone: whatever else bounds it.
  [[nodiscard]] std::uint32_t most() const;
  /// A request of so many was refused for its size.
  void too_large(std::uint32_t inputs);
  /// All inputs of a request of so many that was refused were accepted in smaller ones.
  void too_many(std::uint32_t inputs);
  void accepted(std::uint32_t inputs);
  /// The endpoint says that it takes so many, or was found to.
  void named(std::uint32_t inputs);
  /// The limit, for others to begin with; 0: it is not known, or is being looked for.
  [[nodiscard]] std::uint32_t learned() const { return accepted_ + 1 == too_many_ ? accepted_ : 0; }

 private:
  static constexpr std::uint32_t kFirstWait = 64, kLongestWait = 1U << 16;

  [[nodiscard]] std::uint32_t known() const;

  std::uint32_t careful_ = kNone;   ///< after a refusal whose cause is unknown
  std::uint32_t accepted_ = 0;      ///< the most that was, since `too_many_` is known
  std::uint32_t too_many_ = kNone;  ///< the least that was
  std::uint32_t full_ = 0;  ///< accepted requests as large as is known to be right, since the last refusal
  std::uint32_t wait_ = kFirstWait;
};

}  // namespace embedd
