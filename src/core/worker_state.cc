#include "core/worker_state.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace embedd {

WorkerState::WorkerState(const WorkerOptions& options, Queue& queue, Embedder& embedder,
                         const TokenizerCatalog& tokenizers, const Chunker& chunker, Observer& observer)
    : options(options),
      shares({.bytes = options.held_bytes, .requests = options.max_in_flight}, options.claim_bytes),
      queue(queue),
      embedder(embedder),
      tokenizers(tokenizers),
      chunker(chunker),
      observer(observer),
      random(options.seed),
      endpoints(observer, random),
      settlements(queue, observer, random) {}

std::size_t WorkerState::leases() const {
  std::size_t jobs = settlements.jobs() + in_flight.jobs();
  for (const auto& lane : lanes) jobs += lane->buffer.size();
  return jobs;
}

std::size_t WorkerState::held_bytes() const {
  std::size_t bytes = settlements.bytes() + in_flight.bytes();
  for (const auto& lane : lanes) bytes += lane->buffer.bytes();
  return bytes;
}

Shares::Amount WorkerState::used_by(const std::string& endpoint) const {
  const InFlight::Use sent = in_flight.used_by(endpoint);
  Shares::Amount used{.bytes = sent.bytes, .requests = sent.requests};
  for (const auto& lane : lanes)
    if (lane->vectorizer.endpoint == endpoint) used.bytes += lane->buffer.bytes();
  return used;
}

std::size_t WorkerState::endpoints_in_use() const {
  std::vector<std::string_view> names;  // they are few
  for (const auto& lane : lanes) {
    const std::string& name = lane->vectorizer.endpoint;
    if (lane->vectorizer.stopped || std::ranges::find(names, name) != names.end()) continue;
    const EndpointGate* gate = endpoints.find(name);
    if (gate != nullptr && gate->usable()) names.push_back(name);
  }
  return names.size();
}

}  // namespace embedd
