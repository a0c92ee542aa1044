/// Which Redis server, and as whom: what REDIS_URL says.
///
///   redis://[user:password@]host[:port][/database]
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace embedd::redis {

struct Target {
  std::string host;  ///< a name or an address, without brackets
  int port = 6379;
  int database = 0;
  std::string user;  ///< empty: Redis' default user
  Secret password;   ///< empty: none

  /// host:port/database, for people and the log.
  [[nodiscard]] std::string shown() const;
};

/// Errors: invalid_argument. The message begins with `variable`, says what to do, and quotes no part of the
/// URL. TLS (rediss://) is refused: the connection would be open to be read and changed.
Result<Target> parse_url(const Secret& url, std::string_view variable);

}  // namespace embedd::redis
