#include "core/endpoint_gate.h"

#include "core/retry_policy.h"

namespace embedd {

namespace {

/// An endpoint with nothing in flight for this long has been idle.
constexpr Duration kIdle = seconds(1);

}  // namespace

void EndpointGate::refresh(KeyState key, std::uint64_t key_version, const EndpointLimits& limits) {
  limits_ = limits;
  pace_.set_most_requests(limits.max_in_flight);
  configured_.configure(limits);
  purse_.limit_to(budget_of_endpoint(name_), limits.budget);
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

void EndpointGate::started(Instant now) {
  if (in_flight_ == 0 && now - std::max(last_answer_, last_fault_) > kIdle) pace_.idle(now);
  ++in_flight_;
}

void EndpointGate::answered(const Answered& answer, std::size_t inputs_in_flight, Instant now) {
  pace_.answered(answer, now);
  patience_.answered(answer.took, inputs_in_flight);
  succeeded(now);
  observer_.paced(name_, concurrency(), pace_.inputs_per_second());
}

void EndpointGate::succeeded(Instant now) {
  --in_flight_;
  failures_ = 0;
  probing_ = false;
  answered_ = true;
  last_answer_ = now;
  if (!usable()) return;  // the answer to a request from before the key vanished
  // "Slowed" ends when as much is in flight again as was too much, not at the first good answer.
  if (state_ != EndpointState::slowed || concurrency() >= std::min(slowed_from_, limits_.max_in_flight))
    enter(EndpointState::ready, "", Duration{});
}

void EndpointGate::fell_silent(const Error& error, Instant started_at, const Load& load, Instant now) {
  if (new_round(started_at)) {
    pace_.too_much(load.inputs, load.requests, now);
    patience_.silent();
  }
  failed(error, started_at, load, now);
}

void EndpointGate::failed(const Error& error, Instant started_at, const Load& load, Instant now) {
  --in_flight_;
  // Requests that were in flight when the fault was first seen show nothing new about how long it lasts.
  if (new_round(started_at)) {
    if (error.kind == ErrorKind::rate_limited) {
      if (failures_ == 0) slowed_from_ = load.requests;
      pace_.too_much(load.inputs, load.requests, now);
    }
    ++failures_;
    last_fault_ = now;
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
  // A longer pause in the same state is reported too; another good answer is not.
  if (changed || state != EndpointState::ready) observer_.endpoint_changed(name_, state, message, pause);
}

}  // namespace embedd
