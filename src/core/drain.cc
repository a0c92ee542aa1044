#include "core/drain.h"

#include <utility>

namespace embedd {

bool Drain::begin(Duration longest, Instant now) {
  if (std::exchange(begun_, true)) return false;
  until_ = now + longest;
  return true;
}

bool Drain::cancels(Instant now) {
  if (!begun_ || canceled_ || (!hurried_ && now < until_)) return false;
  canceled_ = true;
  until_ = now;
  return true;
}

}  // namespace embedd
