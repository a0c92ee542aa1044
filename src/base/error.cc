#include "base/error.h"

namespace embedd {

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::rate_limited: return "rate_limited";
    case ErrorKind::quota_exhausted: return "quota_exhausted";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::rejected: return "rejected";
    case ErrorKind::unauthenticated: return "unauthenticated";
    case ErrorKind::misconfigured: return "misconfigured";
    case ErrorKind::invalid_answer: return "invalid_answer";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::in_doubt: return "in_doubt";
    case ErrorKind::canceled: return "canceled";
    case ErrorKind::invalid_argument: return "invalid_argument";
  }
  return "unknown";
}

}  // namespace embedd
