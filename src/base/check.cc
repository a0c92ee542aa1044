#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace embedd {

void check_failed(const char* file, int line, const char* expression, const std::string& detail) {
  fmt::print(stderr, "embedd: broken invariant at {}:{}: {}: {}\n", file, line, expression, detail);
  std::abort();
}

}  // namespace embedd
