/// How many inputs an endpoint takes in one request, learned from refusals.
///
/// One long text may be the cause of a refusal for size. So later requests are half as large, and grow again
/// by an eighth with each accepted request. If all inputs of a refused request are accepted in smaller
/// requests, their number was the cause. That number is kept as a bound. The gap between the bound and the
/// most inputs accepted is halved until the limit is known: a limit of ten costs a handful of refusals, a
/// limit that the refusal names costs one. One more input is tried after 64 full requests, and after twice as
/// many requests each time that this fails.
#pragma once

#include <cstdint>
#include <limits>

namespace embedd {

class InputLimit {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  /// Most inputs of the next request; kNone: no limit is known.
  [[nodiscard]] std::uint32_t most() const;
  /// A request of `inputs` was refused for its size.
  void too_large(std::uint32_t inputs);
  /// All inputs of a refused request of `inputs` were accepted in smaller requests.
  void too_many(std::uint32_t inputs);
  void accepted(std::uint32_t inputs);
  /// The endpoint names this limit, or another worker found it.
  void named(std::uint32_t inputs);
  /// The limit, for other workers to begin with; 0: not known, or still being looked for.
  [[nodiscard]] std::uint32_t learned() const { return accepted_ + 1 == too_many_ ? accepted_ : 0; }

 private:
  static constexpr std::uint32_t kFirstWait = 64, kLongestWait = 1U << 16;

  [[nodiscard]] std::uint32_t known() const;

  std::uint32_t careful_ = kNone;   ///< after a refusal whose cause is unknown
  std::uint32_t accepted_ = 0;      ///< most inputs accepted since `too_many_` is known
  std::uint32_t too_many_ = kNone;  ///< fewest inputs that were too many
  std::uint32_t full_ = 0;          ///< accepted requests of the known size, since the last refusal
  std::uint32_t wait_ = kFirstWait;
};

}  // namespace embedd
