#include "base/check.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "base/background_writer.h"
#include "base/log.h"

namespace embedd {

void check_failed(const char* file, int line, const char* expression, const std::string& detail) {
  log::flush();
  // Written directly, because the thread that writes the log may be what is broken; but not into a full pipe.
  pollfd writable{STDERR_FILENO, POLLOUT, 0};
  if (poll(&writable, 1, 1000) == 1)
    write_all(STDERR_FILENO,
              fmt::format("embedd: broken invariant at {}:{}: {}: {}\n", file, line, expression, detail));
  std::abort();
}

}  // namespace embedd
