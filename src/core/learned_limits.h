/// The limits of a model at an endpoint that were found by refusals; and how a worker keeps in step with the
/// database, which remembers them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace embedd {

/// Optional parameters of a request: which of them are left out.
struct LeftOut {
  bool encoding_format = false;
  bool dimensions = false;
  bool operator==(const LeftOut&) const = default;
};

struct LearnedLimits {
  std::uint32_t inputs = 0;       ///< of a request, at most; 0: nothing was learned
  std::uint64_t text_tokens = 0;  ///< of a text, at most; 0: nothing was learned
  bool counted = false;           ///< text_tokens are counted as the model counts; else each byte is a token
  LeftOut left_out;               ///< parameters that the endpoint refuses
  bool operator==(const LearnedLimits&) const = default;
};

/// The limits of one model at one endpoint.
struct LimitsRecord {
  std::string endpoint;
  std::string model;
  int dimensions = 0;
  LearnedLimits limits;
};

/// Decides what a worker does with the limits that a poll returns.
///
/// Several vectorizers and several workers share a record. Limits that this worker has learned since its last
/// poll are written; the rest of the record stays as others wrote it. A worker that has learned nothing takes
/// over what others wrote. A record that is there no more was forgotten on purpose: a day is over, or
/// somebody wants the limits tried anew.
class LimitsMemory {
 public:
  enum class Step {
    none,
    adopt,   ///< take over `limits`
    forget,  ///< begin anew
    write,   ///< have `limits` remembered
  };
  struct Decision {
    Step step = Step::none;
    LearnedLimits limits;
  };
  /// `exact`: this worker counts tokens as the model counts. A limit in tokens that are counted in another
  /// way is not taken over.
  Decision polled(const LearnedLimits& ours, const std::optional<LearnedLimits>& remembered, bool exact);
  /// The limits after adopting: they may be less than the adopted ones, for other reasons.
  void adopted(const LearnedLimits& ours) { agreed_ = ours; }

 private:
  LearnedLimits agreed_;                ///< this worker's limits when they were last written or taken over
  bool seen_ = false;                   ///< something was remembered at the last poll
  std::optional<LearnedLimits> taken_;  ///< the last record taken over; none if this worker wrote one since
};

}  // namespace embedd
