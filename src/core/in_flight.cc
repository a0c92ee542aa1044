#include "core/in_flight.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace embedd {

Batch& InFlight::add(Batch packed, EndpointGate& gate, Instant now) {
  const std::uint64_t id = next_id_++;
  Batch& batch = batches_.emplace(id, std::move(packed)).first->second;
  gate.started(now);
  const Use used = used_by(batch.vectorizer.endpoint);
  batch.id = id;
  batch.started_at = batch.heard_at = now;
  batch.inputs_in_flight = used.inputs;
  batch.patience = gate.patience(used.inputs);
  for (auto& [other, each] : batches_)
    if (each.vectorizer.endpoint == batch.vectorizer.endpoint)
      each.company = std::max(each.company, static_cast<std::uint32_t>(used.requests));
  return batch;
}

Batch InFlight::take(std::uint64_t id) {
  auto node = batches_.extract(id);
  CHECK(!node.empty(), "a reply to request {}, which is not in flight", id);
  return std::move(node.mapped());
}

void InFlight::hear(const Batch& answered, Instant now) {
  for (auto& [id, batch] : batches_)
    if (id > answered.id && batch.vectorizer.endpoint == answered.vectorizer.endpoint) batch.heard_at = now;
}

std::vector<std::uint64_t> InFlight::silent(Instant now) const {
  std::vector<std::uint64_t> silent;
  for (const auto& [id, batch] : batches_)
    if (now >= batch.silent_at()) silent.push_back(id);
  return silent;
}

const Batch& InFlight::give_up(std::uint64_t id) {
  Batch& batch = batches_.at(id);
  batch.given_up = true;
  return batch;
}

std::size_t InFlight::requests_of(VectorizerId vectorizer) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      batches_, [&](const auto& entry) { return entry.second.vectorizer.id == vectorizer; }));
}

std::size_t InFlight::jobs() const {
  std::size_t jobs = 0;
  for (const auto& [id, batch] : batches_) jobs += batch.jobs.size();
  return jobs;
}

std::size_t InFlight::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, batch] : batches_) bytes += batch.bytes;
  return bytes;
}

InFlight::Use InFlight::used_by(const std::string& endpoint) const {
  Use used;
  for (const auto& [id, batch] : batches_) {
    if (batch.vectorizer.endpoint != endpoint) continue;
    used.bytes += batch.bytes;
    ++used.requests;
    used.inputs += batch.input_count();
  }
  return used;
}

}  // namespace embedd
