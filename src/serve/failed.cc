#include "serve/failed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "serve/problem.h"

namespace embedd::serve {
namespace {

std::string retry_after(const Error& error) {
  const double asked = error.retry_after ? to_seconds(*error.retry_after) : 5;
  return fmt::format("{:.0f}", std::ceil(std::clamp(asked, 1.0, 3600.0)));
}

}  // namespace

HttpReply failed(HttpReply reply, const app::SearchFailure& failure, int invalid) {
  refuse(reply, status_of(failure.code, invalid), failure.code, failure.error.message);
  if (reply.status >= 500) reply.fault = failure.error.message;
  if (reply.status == 503) reply.headers.emplace_back("Retry-After", retry_after(failure.error));
  return reply;
}

}  // namespace embedd::serve
