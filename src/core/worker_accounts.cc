// What the worker holds and for whom: leases, memory, requests in flight. The loop is worker.cc.
#include <algorithm>
#include <set>

#include "core/worker.h"

namespace embedd {

std::size_t Worker::leases_held() const {
  std::size_t jobs = settlements_.jobs();
  for (const auto& lane : lanes_) jobs += lane->buffer.size();
  return jobs + in_flight_.jobs();
}

std::size_t Worker::held_bytes() const {
  std::size_t bytes = settlements_.bytes();
  for (const auto& lane : lanes_) bytes += lane->buffer.bytes();
  return bytes + in_flight_.bytes();
}

Worker::Share Worker::used_by(const std::string& endpoint) const {
  const InFlight::Use sent = in_flight_.used_by(endpoint);
  Share used{.bytes = sent.bytes, .requests = sent.requests};
  for (const auto& lane : lanes_)
    if (lane->vectorizer.endpoint == endpoint) used.bytes += lane->buffer.bytes();
  return used;
}

/// An endpoint that answers slowly must not take the memory and the requests that another could use.
Worker::Share Worker::share_of_each() const {
  std::set<std::string_view> endpoints;
  for (const auto& lane : lanes_) {
    const EndpointGate* gate = endpoints_.find(lane->vectorizer.endpoint);
    if (!lane->vectorizer.paused && gate != nullptr && gate->usable())
      endpoints.insert(lane->vectorizer.endpoint);
  }
  const std::size_t each = std::max<std::size_t>(endpoints.size(), 1);
  return {.bytes = options_.held_bytes / each,
          .requests = std::max<std::size_t>(options_.max_in_flight / each, 1)};
}

}  // namespace embedd
