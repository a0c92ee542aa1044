/// What a worker does before its loop: waits for the database and brings the schema up to date.
#pragma once

#include <optional>
#include <stop_token>

#include "app/settings.h"
#include "base/error.h"
#include "core/observer.h"
#include "core/random.h"

namespace embedd::app {

/// How long to wait after so many attempts in vain, at least 1: from a fifth of a second to ten.
Duration start_pause(unsigned failures, Random& random);

/// Connects and migrates, again and again while the database is down or busy, with capped and jittered
/// pauses. False: `stop` came first. Errors: those that waiting does not mend (a wrong password, no
/// privilege, another release's schema). Tells `observer` of each failure, which logs it.
Result<bool> migrate_when_up(const Settings& settings, Observer& observer, std::stop_token stop,
                             std::optional<Duration> at_most);

/// Declares the vectorizer `traces` once its table is there. False if it was stopped before. Without `wait`
/// it tries once. Errors: init_traces's, and misconfigured if there is no table to wait for.
Result<bool> adopt_traces_when_there(const Settings& settings, Observer& observer, std::stop_token stop,
                                     bool wait);

}  // namespace embedd::app
