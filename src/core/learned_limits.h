/// What an endpoint was found to take for a model, where it takes less than it says; and how a worker keeps
/// in step with what the database remembers of that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace embedd {

/// Parameters of a request that are our choice, and which of them are left out.
struct LeftOut {
  bool encoding_format = false;
  bool dimensions = false;
  bool operator==(const LeftOut&) const = default;
};

struct LearnedLimits {
  std::uint32_t inputs = 0;       ///< of a request, at most; 0: nothing was learned
  std::uint64_t text_tokens = 0;  ///< of a text, at most; 0: nothing was learned
  bool counted = false;           ///< text_tokens are counted as the model does; else each byte is one
  LeftOut left_out;               ///< what the endpoint refuses
  bool operator==(const LearnedLimits&) const = default;
};

/// What holds for one model at one endpoint.
struct LimitsRecord {
  std::string endpoint;
  std::string model;
  int dimensions = 0;
  LearnedLimits limits;
};

/// Decides what a worker does when a poll tells what is remembered. Whatever a worker has learned since it
/// last looked is written, and the rest of the record stays as others wrote it: several vectorizers share a
/// record, and several workers. Whoever has learned nothing takes over what others wrote. What was remembered
/// and is no more was forgotten on purpose: a day is over, or somebody wants it tried anew.
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
  /// `exact`: tokens are counted as the model does, here. A length in tokens that are counted otherwise is of
  /// no use.
  Decision polled(const LearnedLimits& ours, const std::optional<LearnedLimits>& remembered, bool exact);
  /// What came of adopting: the endpoint may take less for other reasons.
  void adopted(const LearnedLimits& ours) { agreed_ = ours; }

 private:
  LearnedLimits agreed_;                ///< ours, when it was last written or taken over
  bool seen_ = false;                   ///< something was remembered at the last poll
  std::optional<LearnedLimits> taken_;  ///< the record that was last taken over, if nothing was written since
};

}  // namespace embedd
