// What the worker holds and for whom: leases, memory, requests in flight. The loop is worker.cc.
#include <algorithm>
#include <set>

#include "core/worker.h"

namespace embedd {

std::size_t Worker::leases_held() const {
  std::size_t jobs = settlements_.jobs();
  for (const auto& lane : lanes_) jobs += lane->buffer.size();
  for (const auto& [id, batch] : batches_) jobs += batch.jobs.size();
  return jobs;
}

std::size_t Worker::held_bytes() const {
  std::size_t bytes = settlements_.bytes();
  for (const auto& lane : lanes_) bytes += lane->buffer.bytes();
  for (const auto& [id, batch] : batches_) bytes += batch.bytes;
  return bytes;
}

Worker::Share Worker::used_by(const std::string& endpoint) const {
  Share used;
  for (const auto& lane : lanes_)
    if (lane->vectorizer.endpoint == endpoint) used.bytes += lane->buffer.bytes();
  for (const auto& [id, batch] : batches_)
    if (batch.vectorizer.endpoint == endpoint) {
      used.bytes += batch.bytes;
      ++used.requests;
      used.inputs += batch.canary ? 1 : batch.travelling.size();
    }
  return used;
}

/// An endpoint that answers slowly must not take the memory and the requests that another could use.
Worker::Share Worker::share_of_each() const {
  std::set<std::string_view> endpoints;
  for (const auto& lane : lanes_) {
    const EndpointGate* gate = gate_of(*lane);
    if (!lane->vectorizer.paused && gate != nullptr && gate->usable())
      endpoints.insert(lane->vectorizer.endpoint);
  }
  const std::size_t each = std::max<std::size_t>(endpoints.size(), 1);
  return {.bytes = options_.held_bytes / each,
          .requests = std::max<std::size_t>(options_.max_in_flight / each, 1)};
}

/// A request is in flight from now on, among others of its endpoint.
void Worker::join(Batch& batch, Instant now) {
  EndpointGate& gate = gate_of(batch.vectorizer.endpoint);
  gate.started(now);
  const Share used = used_by(batch.vectorizer.endpoint);
  batch.inputs_in_flight = used.inputs;
  batch.heard_at = now;
  batch.patience = gate.patience(used.inputs);
  for (auto& [id, each] : batches_)
    if (each.vectorizer.endpoint == batch.vectorizer.endpoint)
      each.company = std::max(each.company, static_cast<std::uint32_t>(used.requests));
}

/// The endpoint's answer to one request is a sign of life for those that were sent after it: they may have
/// waited for it.
void Worker::hear(const Batch& answered, Instant now) {
  for (auto& [id, batch] : batches_)
    if (id > answered.id && batch.vectorizer.endpoint == answered.vectorizer.endpoint) batch.heard_at = now;
}

Lane* Worker::find(VectorizerId id) {
  const auto found =
      std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->vectorizer.id == id; });
  return found == lanes_.end() ? nullptr : found->get();
}

EndpointGate& Worker::gate_of(const std::string& endpoint) {
  return gates_.try_emplace(endpoint, endpoint, observer_, random_).first->second;
}

const EndpointGate* Worker::gate_of(const Lane& lane) const {
  const auto found = gates_.find(lane.vectorizer.endpoint);
  return found == gates_.end() ? nullptr : &found->second;
}

}  // namespace embedd
