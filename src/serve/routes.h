/// The worker's HTTP routes: GET and HEAD of /livez, /readyz and /metrics. Pure: the listener reads and
/// writes the bytes.
#pragma once

#include <string>
#include <string_view>

#include "observe/health.h"
#include "observe/metrics.h"

namespace embedd::serve {

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string allow;  ///< value of `Allow`, if not empty
};

class Routes {
 public:
  /// Both must outlive this object. No route asks the database or a provider.
  Routes(const observe::Health& health, const observe::Metrics& metrics)
      : health_(health), metrics_(metrics) {}

  /// `target` as in the request line. Thread-safe. The answer to a HEAD has a body too, which the listener
  /// omits.
  [[nodiscard]] HttpResponse handle(std::string_view method, std::string_view target) const;

 private:
  [[nodiscard]] HttpResponse livez() const;
  [[nodiscard]] HttpResponse readyz() const;

  const observe::Health& health_;
  const observe::Metrics& metrics_;
};

/// An RFC 9457 answer: application/problem+json.
HttpResponse problem(int status, std::string_view title, std::string_view detail);

}  // namespace embedd::serve
