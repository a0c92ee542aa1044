#include "support/model_server.h"

#include <utility>

namespace embedd::test {

namespace {

/// A request is done when less is left than floating point can tell.
constexpr double kNothing = 1e-6;

}  // namespace

ModelServer::Ticket ModelServer::arrived(std::size_t texts, Instant now) {
  advance(now);
  queue_.push_back({.ticket = next_ticket_, .left = static_cast<double>(texts)});
  return next_ticket_++;
}

void ModelServer::set_pace(double texts_per_second, Instant now) {
  advance(now);
  pace_ = texts_per_second;
}

std::optional<Instant> ModelServer::next_done() const {
  if (!done_.empty()) return at_;
  if (queue_.empty()) return std::nullopt;
  double least = queue_.front().left;
  for (std::size_t i = 1; i < std::min<std::size_t>(lanes_, queue_.size()); ++i)
    least = std::min(least, queue_[i].left);
  return at_ + std::chrono::ceil<Duration>(std::chrono::duration<double>(least / lane_pace()));
}

std::vector<ModelServer::Ticket> ModelServer::take_done(Instant now) {
  advance(now);
  return std::exchange(done_, {});
}

void ModelServer::advance(Instant now) {
  while (!queue_.empty() && at_ < now) {
    const std::size_t busy = std::min<std::size_t>(lanes_, queue_.size());
    double step = to_seconds(now - at_) * lane_pace();
    for (std::size_t i = 0; i < busy; ++i) step = std::min(step, queue_[i].left);
    for (std::size_t i = 0; i < busy; ++i) queue_[i].left -= step;
    const Instant then = at_ + std::chrono::ceil<Duration>(std::chrono::duration<double>(step / lane_pace()));
    at_ = std::min(std::max(then, at_ + Duration(1)), now);
    for (std::size_t lane = 0, i = 0; lane < busy; ++lane) {
      if (queue_[i].left > kNothing) {
        ++i;
        continue;
      }
      done_.push_back(queue_[i].ticket);
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  at_ = std::max(at_, now);
}

}  // namespace embedd::test
