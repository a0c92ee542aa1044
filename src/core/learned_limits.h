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

/// Decides what a worker does when a poll tells what is remembered. Whoever has learned something new writes;
/// whoever has not takes over what others wrote. What was remembered and is no more was forgotten on purpose:
/// a day is over, or somebody wants it tried anew.
class LimitsMemory {
 public:
  enum class Step {
    none,
    adopt,   ///< take over what is remembered
    forget,  ///< begin anew
    write,   ///< have ours remembered
  };
  Step polled(const LearnedLimits& ours, const std::optional<LearnedLimits>& remembered);
  /// What came of adopting: not all that others learn is of use here.
  void adopted(const LearnedLimits& ours) { agreed_ = ours; }

 private:
  LearnedLimits agreed_;  ///< what was last written, or taken over
  bool seen_ = false;     ///< it was there at some poll since
};

}  // namespace embedd
