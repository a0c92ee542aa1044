/// Hosts in the headers of a request. Pure.
#pragma once

#include <string_view>

namespace embedd::serve {

/// The host of a `Host` header, without its port and the brackets of IPv6.
std::string_view host_of(std::string_view header);

/// Whether the web page of an `Origin` header comes from the host of the `Host` header, whatever the ports.
/// True without an `Origin`: no web page asks.
bool is_own_origin(std::string_view origin, std::string_view host);

}  // namespace embedd::serve
