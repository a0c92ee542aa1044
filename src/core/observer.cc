#include "core/observer.h"

namespace embedd {

std::string_view name_of(EndpointState state) {
  switch (state) {
    case EndpointState::ready: return "ready";
    case EndpointState::slowed: return "slowed";
    case EndpointState::paused: return "paused";
    case EndpointState::no_api_key: return "no_api_key";
    case EndpointState::unauthenticated: return "unauthenticated";
    case EndpointState::quota_exhausted: return "quota_exhausted";
    case EndpointState::undefined: return "undefined";
  }
  return "unknown";
}

}  // namespace embedd
