/// Which hosts are this machine, by their name alone, without a name lookup. Pure.
#pragma once

#include <string_view>

namespace embedd {

/// `localhost`, an address of 127.0.0.0/8, or ::1. (Not a name below `.localhost`: resolvers may ask the
/// network.)
inline bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace embedd
