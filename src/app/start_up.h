/// What a worker does before its loop: waits for the database and brings the schema up to date.
#pragma once

#include <optional>
#include <stop_token>

#include "app/settings.h"
#include "base/error.h"
#include "core/observer.h"
#include "core/random.h"

namespace embedd::app {

/// How long to wait after `failures` failed attempts (at least 1): from a fifth of a second to ten seconds.
Duration start_pause(unsigned failures, Random& random);

/// Connects and migrates. While the database is down or busy, tries again after capped and jittered pauses,
/// at most for `at_most`. False: `stop` came first. Errors: those that waiting does not cure (a wrong
/// password, no privilege, another release's schema). Reports each failure to `observer`.
Result<bool> migrate_when_up(const Settings& settings, Observer& observer, std::stop_token stop,
                             std::optional<Duration> at_most);

/// Declares the vectorizer `traces` when its table exists. False: `stop` came first. Without `wait`, tries
/// once. Errors: init_traces's, and misconfigured if the table does not exist and `wait` is false.
Result<bool> adopt_traces_when_there(const Settings& settings, Observer& observer, std::stop_token stop,
                                     bool wait);

}  // namespace embedd::app
