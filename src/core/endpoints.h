/// The gates of all endpoints that a worker has met, by name. A gate stays at its address.
#pragma once

#include <map>
#include <string>

#include "core/endpoint_gate.h"
#include "core/observer.h"

namespace embedd {

class Endpoints {
 public:
  Endpoints(Observer& observer, Random& random) : observer_(observer), random_(random) {}

  /// Made at the first call.
  EndpointGate& gate(const std::string& endpoint) {
    return gates_.try_emplace(endpoint, endpoint, observer_, random_).first->second;
  }
  /// nullptr if the endpoint has not been met yet.
  [[nodiscard]] const EndpointGate* find(const std::string& endpoint) const {
    const auto found = gates_.find(endpoint);
    return found == gates_.end() ? nullptr : &found->second;
  }

 private:
  Observer& observer_;
  Random& random_;
  std::map<std::string, EndpointGate> gates_;
};

}  // namespace embedd
