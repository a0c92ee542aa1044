/// How large the next request and the next claim of a lane may be.
#pragma once

#include <cstdint>

#include "core/worker_state.h"

namespace embedd {

/// Most inputs of the lane's next request.
std::uint32_t batch_inputs(const WorkerState& state, const Lane& lane);
/// Most inputs of any of its requests: what the endpoint takes, and what lets several requests fit into
/// memory.
std::uint32_t most_inputs(const WorkerState& state, const Lane& lane);
/// Jobs that one claim may take. Where tokens are scarce or the endpoint is slow, no more is claimed than
/// goes out soon: what changes meanwhile is then claimed, and sent, before what has waited for long.
std::uint32_t rows_ahead(const WorkerState& state, const Lane& lane);
/// The same, but few while it is not known whether they can be embedded and stored.
std::uint32_t rows_of_claim(const WorkerState& state, const Lane& lane);

}  // namespace embedd
