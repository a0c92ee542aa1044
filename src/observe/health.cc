#include "observe/health.h"

#include <algorithm>

namespace embedd::observe {

Health::Health(const Clock& clock, Duration poll)
    : clock_(clock), patience_(std::max<Duration>(3 * poll, seconds(30))) {}

bool Health::Report::degraded() const {
  return std::ranges::any_of(endpoints, [](const auto& item) {
    return item.second != EndpointState::ready && item.second != EndpointState::slowed;
  });
}

Health::Report Health::report() const {
  const Ticks at = now();
  const auto recent = [&](Ticks then) { return then != 0 && Duration(at - then) <= patience_; };
  Report report;
  report.schema = schema_current_;
  report.loop = recent(turned_at_);
  report.stuck = turned_at_ != 0 && !report.loop;
  report.database = connected_ && recent(polled_at_);
  report.loop_age_seconds = turned_at_ == 0 ? 0 : to_seconds(Duration(at - turned_at_));
  const std::lock_guard lock(mutex_);
  report.endpoints = endpoints_;
  return report;
}

void Health::turned() {
  turned_at_ = now();
  if (queue_ != nullptr && !queue_->ready()) connected_ = false;
}

void Health::polled(const std::vector<VectorizerState>& states) {
  polled_at_ = now();
  connected_ = true;
  const std::lock_guard lock(mutex_);
  std::erase_if(endpoints_, [&](const auto& item) {
    return std::ranges::none_of(
        states, [&](const VectorizerState& state) { return state.vectorizer.endpoint == item.first; });
  });
}

void Health::database_error(std::string_view, const Error& error) {
  if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::in_doubt) connected_ = false;
}

void Health::endpoint_changed(const std::string& endpoint, EndpointState state, const std::string&,
                              Duration) {
  const std::lock_guard lock(mutex_);
  endpoints_[endpoint] = state;
}

}  // namespace embedd::observe
