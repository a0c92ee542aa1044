#include "app/settings.h"

#include <algorithm>

namespace embedd::app {

const provider::EndpointConfig* Settings::endpoint(std::string_view name) const {
  const auto found = std::ranges::find(endpoints, name, &provider::EndpointConfig::name);
  return found == endpoints.end() ? nullptr : &*found;
}

}  // namespace embedd::app
