#include "base/secret.h"

#include <cstring>

namespace embedd {

Secret::~Secret() {
  if (!value_.empty()) explicit_bzero(value_.data(), value_.size());
}

}  // namespace embedd
