#include "core/rest.h"

#include <utility>

#include "core/retry_policy.h"

namespace embedd {

Duration Rest::begin(const std::string& because, Instant now, Random& random) {
  // A try is cheap, and a good row among refused ones should not wait for long.
  const Duration longest = rows_refused_ ? minutes(1) : minutes(5);
  const Duration length = backoff(seconds(5), longest, ++times_, random);
  until_ = now + length;
  because_ = because;
  return length;
}

bool Rest::vector_stored() {
  rows_refused_ = false;
  return std::exchange(times_, 0) > 0;
}

std::uint32_t Rest::probe_rows() const { return rows_refused_ ? kRefusedProbeRows : 1; }

}  // namespace embedd
