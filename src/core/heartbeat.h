/// What a worker says about itself with each poll.
#pragma once

#include "core/queue.h"
#include "core/worker_state.h"

namespace embedd {

Heartbeat heartbeat(const WorkerState& state, bool draining, Instant now);

}  // namespace embedd
