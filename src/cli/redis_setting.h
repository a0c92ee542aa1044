/// The Redis server that the settings name.
#pragma once

#include <optional>

#include "base/error.h"
#include "cli/settings.h"
#include "redis/target.h"

namespace embedd::cli {

/// None: the settings name none. Read only by what uses Redis, because REDIS_URL is often set for other
/// programs. Errors: invalid_argument; the message never contains the password.
Result<std::optional<redis::Target>> redis_of(const SettingValues& values);

}  // namespace embedd::cli
