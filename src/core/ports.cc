#include "core/ports.h"

namespace embedd {

namespace {
constexpr std::string_view kLongTexts[] = {"truncate", "average", "discard"};
}

std::string_view name_of(LongTexts policy) { return kLongTexts[static_cast<std::size_t>(policy)]; }

std::optional<LongTexts> long_texts_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kLongTexts); ++i)
    if (kLongTexts[i] == name) return static_cast<LongTexts>(i);
  return std::nullopt;
}

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
