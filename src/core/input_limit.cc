#include "core/input_limit.h"

#include <algorithm>

namespace embedd {

std::uint32_t InputLimit::most() const { return std::min(careful_, known()); }

std::uint32_t InputLimit::known() const {
  if (too_many_ == kNone) return kNone;
  if (accepted_ + 1 < too_many_) return std::max(1U, accepted_ + (too_many_ - accepted_) / 2);
  return full_ >= wait_ ? too_many_ : std::max(1U, accepted_);
}

void InputLimit::too_large(std::uint32_t inputs) { careful_ = std::min(careful_, std::max(1U, inputs / 2)); }

void InputLimit::too_many(std::uint32_t inputs) {
  if (inputs <= 1) return;
  if (full_ >= wait_) wait_ = std::min(2 * wait_, kLongestWait);
  full_ = 0;
  too_many_ = std::min(too_many_, inputs);
  if (accepted_ >= too_many_) accepted_ = 0;  // the endpoint takes less than it did
}

void InputLimit::accepted(std::uint32_t inputs) {
  if (careful_ != kNone && inputs >= careful_) careful_ += std::max(1U, careful_ / 8);
  if (careful_ > kNone / 2) careful_ = kNone;
  if (too_many_ == kNone) return;
  if (inputs >= too_many_) {
    // The endpoint takes more than the bound: look for the limit further up.
    too_many_ = inputs > kNone / 4 ? kNone : 2 * inputs + 1;
    wait_ = kFirstWait;
    full_ = 0;
  }
  if (inputs >= known()) ++full_;
  accepted_ = std::max(accepted_, inputs);
}

void InputLimit::named(std::uint32_t inputs) {
  if (inputs == 0 || inputs >= too_many_) return;  // fewer inputs were refused before
  if (full_ >= wait_) wait_ = std::min(2 * wait_, kLongestWait);
  careful_ = kNone;
  accepted_ = inputs;
  too_many_ = inputs + 1;
  full_ = 0;
}

}  // namespace embedd
