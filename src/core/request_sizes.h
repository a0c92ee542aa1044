/// How large the next request and the next claim of a lane may be.
#pragma once

#include <cstdint>

#include "core/worker_state.h"

namespace embedd {

/// Most inputs of the lane's next request.
std::uint32_t batch_inputs(const WorkerState& state, const Lane& lane);
/// Most inputs of any request of the lane: as many as the endpoint takes, and as let several requests fit
/// into memory.
std::uint32_t most_inputs(const WorkerState& state, const Lane& lane);
/// Most jobs of one claim. If the account limits tokens, or the endpoint is slow, a claim takes no more jobs
/// than go out soon. Then a text that changes meanwhile is claimed, and sent, before older jobs.
std::uint32_t rows_ahead(const WorkerState& state, const Lane& lane);
/// As many of these as make whole requests. If an endpoint answers before the next claim does, what a full
/// request leaves over is sent alone, claim after claim: a second request, and a second statement to store
/// what it brings. Few while it is not known whether the vectorizer's rows can be embedded and stored.
std::uint32_t rows_of_claim(const WorkerState& state, const Lane& lane);

}  // namespace embedd
