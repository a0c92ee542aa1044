/// The worker's HTTP routes: GET and HEAD of /livez, /readyz and /metrics. Pure: bytes are the listener's.
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
  /// Both must outlive it. It asks neither the database nor a provider.
  Routes(const observe::Health& health, const observe::Metrics& metrics)
      : health_(health), metrics_(metrics) {}

  /// `target` as in the request line. Thread-safe. A HEAD gets the body too; the listener leaves it out.
  [[nodiscard]] HttpResponse handle(std::string_view method, std::string_view target) const;

 private:
  [[nodiscard]] HttpResponse livez() const;
  [[nodiscard]] HttpResponse readyz() const;

  const observe::Health& health_;
  const observe::Metrics& metrics_;
};

/// RFC 9457: application/problem+json.
HttpResponse problem(int status, std::string_view title, std::string_view detail);

}  // namespace embedd::serve
