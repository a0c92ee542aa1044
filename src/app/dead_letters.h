/// Lists, retries and purges dead letters. A misspelt vectorizer is an error, not "no dead letters".
#pragma once

#include <cstdint>
#include <functional>

#include "app/settings.h"
#include "base/error.h"
#include "schema/dead_letters.h"

namespace embedd::app {

/// Calls `visit` for each dead letter, newest first, at most `limit`. Errors of all three functions:
/// invalid_argument (no such vectorizer, a filter that cannot be parsed), the connection's.
Result<void> visit_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter, int limit,
                                const std::function<void(const schema::DeadLetter&)>& visit);

/// Puts the dead letters back into their queues. Returns how many.
Result<std::int64_t> retry_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter);

/// Deletes the dead letters. Returns how many.
Result<std::int64_t> purge_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter);

}  // namespace embedd::app
