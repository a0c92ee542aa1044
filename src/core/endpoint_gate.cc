#include "core/endpoint_gate.h"

#include "core/retry_policy.h"

namespace embedd {

void EndpointGate::refresh(KeyState key, std::uint64_t key_version, const EndpointLimits& limits) {
  limits_ = limits;
  configured_.configure(limits);
  const bool changed = !refreshed_ || key != key_ || key_version != key_version_;
  refreshed_ = true;
  key_ = key;
  key_version_ = key_version;
  if (!changed) return;
  switch (key) {
    case KeyState::missing:
      return enter(EndpointState::no_api_key, "no API key: rows wait until one is set", Duration{});
    case KeyState::undefined:
      return enter(EndpointState::undefined, "no endpoint of this name is configured in this worker",
                   Duration{});
    case KeyState::present: break;
  }
  failures_ = 0;
  probing_ = false;
  opens_at_ = Instant{};
  enter(EndpointState::ready, "", Duration{});
}

Allowance& EndpointGate::allowance(const std::string& model) {
  return configured() ? configured_ : learned_.try_emplace(model, name_, model).first->second;
}

const Allowance& EndpointGate::allowance(const std::string& model) const {
  const auto found = learned_.find(model);
  return configured() || found == learned_.end() ? configured_ : found->second;
}

void EndpointGate::succeeded(Instant now) {
  --in_flight_;
  failures_ = 0;
  probing_ = false;
  answered_ = true;
  last_answer_ = now;
  const double most = limits_.max_in_flight;
  window_ = std::min(most, window_ + (doubling_ ? 1.0 : 1.0 / window_));
  if (!usable()) return;  // an answer to a request from before the key vanished
  // "Slowed" ends once the window has grown back to where it may go, not at the first good answer.
  if (state_ != EndpointState::slowed || window_ >= most) enter(EndpointState::ready, "", Duration{});
}

void EndpointGate::failed(const Error& error, Instant started_at, Instant now) {
  --in_flight_;
  // Requests that were already on their way when the fault was first seen tell nothing new about its length.
  const bool new_round = failures_ == 0 || started_at >= last_fault_;
  if (new_round) {
    ++failures_;
    last_fault_ = now;
    doubling_ = false;
    if (error.kind == ErrorKind::rate_limited) window_ = std::max(1.0, window_ / 2);
  } else if (!error.retry_after) {
    return;
  }
  probing_ = true;
  const Duration pause = endpoint_pause(error.kind, std::max(failures_, 1U), error.retry_after, random_);
  opens_at_ = std::max(opens_at_, now + pause);
  EndpointState state = EndpointState::paused;
  if (error.kind == ErrorKind::rate_limited) state = EndpointState::slowed;
  if (error.kind == ErrorKind::unauthenticated) state = EndpointState::unauthenticated;
  if (error.kind == ErrorKind::quota_exhausted) state = EndpointState::quota_exhausted;
  if (usable()) enter(state, error.message, opens_at_ - now);
}

void EndpointGate::enter(EndpointState state, const std::string& message, Duration pause) {
  const bool changed = state != state_;
  state_ = state;
  message_ = message;
  // A longer pause in the same state is news too; another good answer is not.
  if (changed || state != EndpointState::ready) observer_.endpoint_changed(name_, state, message, pause);
}

}  // namespace embedd
