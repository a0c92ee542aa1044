/// Checks that Redis answers, and knows the password.
#pragma once

#include "app/finding.h"
#include "redis/target.h"

namespace embedd::app {

/// A server that does not answer is a note: embedd works without it.
Finding check_redis(const redis::Target& target);

}  // namespace embedd::app
