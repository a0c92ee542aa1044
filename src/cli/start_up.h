/// What a worker does before its loop: waits for the database and brings the schema up to date.
#pragma once

#include <optional>
#include <stop_token>

#include "base/error.h"
#include "cli/context.h"
#include "core/ports.h"

namespace embedd::cli {

/// Connects and migrates, again and again while the database is down or busy, with capped and jittered
/// pauses. False: `stop` came first. Errors: those that waiting does not mend (a wrong password, no
/// privilege, another release's schema). Tells `observer` of each failure, which logs it.
Result<bool> migrate_when_up(const Context& context, Observer& observer, std::stop_token stop,
                             std::optional<Duration> at_most);

}  // namespace embedd::cli
