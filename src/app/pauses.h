/// Endpoints that are left alone after a failure of theirs: for the time that the server asks for, or for a
/// pause that doubles from one second to thirty. For one thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/units.h"

namespace embedd::app {

/// Why an endpoint does not serve.
struct Unserved {
  std::string reason;  ///< a stable word: no_api_key, deadline, or a name of ErrorKind
  Error error;
};

class Pauses {
 public:
  /// Why the endpoint is not asked now, and when it will be; none: it may be asked.
  [[nodiscard]] std::optional<Unserved> of(const std::string& endpoint, Instant now) const;
  /// Only a fault of the endpoint or of the account begins a pause: the next request would meet it again.
  void failed(const std::string& endpoint, const Error& error, Instant now);
  /// A success of a request that was sent before the failure says nothing about what comes after.
  void succeeded(const std::string& endpoint, Instant sent_at);

 private:
  struct Pause {
    int failures = 0;  ///< in a row; failures during a pause count as one
    Instant failed_at{}, until{};
    Unserved why;
  };
  std::map<std::string, Pause> by_endpoint_;
};

}  // namespace embedd::app
