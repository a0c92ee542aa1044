#include "serve/host.h"

#include <algorithm>
#include <cctype>

namespace embedd::serve {

std::string_view host_of(std::string_view header) {
  if (header.starts_with('[')) return header.substr(1, header.find(']') - 1);
  return header.substr(0, header.find(':'));
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  constexpr std::string_view kAfterScheme = "://";
  const std::size_t scheme = origin.find(kAfterScheme);
  if (scheme == std::string_view::npos) return false;  // "null"
  const auto lower = [](unsigned char c) { return std::tolower(c); };
  return std::ranges::equal(host_of(origin.substr(scheme + kAfterScheme.size())), host_of(host), {}, lower,
                            lower);
}

}  // namespace embedd::serve
