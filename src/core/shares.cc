#include "core/shares.h"

#include <algorithm>

#include "core/answer_size.h"

namespace embedd {

namespace {

/// How many requests should fit into memory at the same time.
constexpr std::size_t kRequestsAtOnce = 6;

}  // namespace

Shares::Shares(Amount all, std::size_t claim_bytes)
    : all_(all), claim_bytes_(std::min(claim_bytes, all.bytes / 8)) {}

Shares::Amount Shares::share(std::size_t endpoints) const {
  const std::size_t each = std::max<std::size_t>(endpoints, 1);
  return {.bytes = all_.bytes / each, .requests = std::max<std::size_t>(all_.requests / each, 1)};
}

std::size_t Shares::most_inputs(std::size_t endpoints, int dimensions, std::size_t bytes_per_value) const {
  const std::size_t request = share(endpoints).bytes / kRequestsAtOnce;
  const std::size_t values = request - std::min(request, kBytesPerRequest);
  return std::max<std::size_t>(1, values / (bytes_per_value * static_cast<std::size_t>(dimensions)));
}

bool Shares::takes_claim(std::size_t bytes, std::size_t leases, std::size_t claims) const {
  return bytes + (claims + 1) * claim_bytes_ <= all_.bytes || leases + claims == 0;
}

bool Shares::takes_claim_for(Amount endpoint, std::size_t endpoints) const {
  return endpoint.bytes == 0 || endpoint.bytes + claim_bytes_ <= share(endpoints).bytes;
}

bool Shares::takes_request(const Use& use) const {
  if (use.all.requests >= all_.requests) return false;
  return use.endpoint.requests == 0 || use.endpoint.requests < share(use.endpoints).requests;
}

bool Shares::takes_answer(std::size_t answer, const Use& use) const {
  if (use.all.requests > 0 && use.all.bytes + answer > all_.bytes) return false;
  return use.endpoint.requests == 0 || use.endpoint.bytes + answer <= share(use.endpoints).bytes;
}

}  // namespace embedd
