#include "core/request_sizes.h"

#include <algorithm>

namespace embedd {

std::uint32_t batch_inputs(const WorkerState& state, const Lane& lane) {
  const EndpointGate* gate = state.endpoints.find(lane.vectorizer.endpoint);
  const std::uint32_t inputs = std::min(most_inputs(state, lane), lane.limits.most_inputs());
  return gate == nullptr ? inputs : std::min(inputs, gate->most_inputs());
}

std::uint32_t most_inputs(const WorkerState& state, const Lane& lane) {
  const EndpointGate* gate = state.endpoints.find(lane.vectorizer.endpoint);
  std::uint32_t inputs = state.options.batch_inputs;
  if (gate != nullptr) inputs = std::min(inputs, gate->limits().max_inputs);
  const std::size_t per_value = gate != nullptr ? gate->answers().bytes_per_value() : kBytesPerNumber;
  const std::size_t in_memory =
      state.shares.most_inputs(state.endpoints_in_use(), lane.vectorizer.dimensions, per_value);
  return std::max(1U, static_cast<std::uint32_t>(std::min<std::size_t>(inputs, in_memory)));
}

std::uint32_t rows_ahead(const WorkerState& state, const Lane& lane) {
  constexpr std::size_t kLeastRows = 8;
  const std::size_t most = state.options.claim_rows;
  // If texts are long, a claim takes few: the database need not read many more to see that they do not fit.
  std::size_t rows = 2 * state.shares.claim_bytes() / std::max<std::size_t>(1, lane.sizes.bytes_per_text());
  if (const EndpointGate* gate = state.endpoints.find(lane.vectorizer.endpoint)) {
    rows = std::min<std::size_t>(rows, gate->most_inputs());
    const Allowance& allowance = gate->allowance(lane.vectorizer.model);
    if (allowance.limited()) rows = std::min(rows, allowance.most_tokens() / lane.sizes.tokens_per_job());
  }
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(rows, std::min(kLeastRows, most), most));
}

std::uint32_t rows_of_claim(const WorkerState& state, const Lane& lane) {
  constexpr std::uint32_t kProbeRows = 8, kThrownAwayProbeRows = 4;
  if (lane.rest.probing()) return lane.vain.throws_away() ? kThrownAwayProbeRows : lane.rest.probe_rows();
  const EndpointGate* gate = state.endpoints.find(lane.vectorizer.endpoint);
  if (gate != nullptr && gate->probing()) return kProbeRows;
  const std::uint32_t most = rows_ahead(state, lane), inputs = std::max(1U, batch_inputs(state, lane));
  return most < inputs ? most : most - most % inputs;
}

}  // namespace embedd
