#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/search_server.h"
#include "cli/stop_signals.h"

namespace embedd::cli {

namespace {

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [&stop] { return stop.stop_requested(); });
}

}  // namespace

Result<int> serve(Context& context) {
  StopSignals signals;  // before any other thread
  signals.on_second([](int signal) {
    log::flush();
    _exit(128 + signal);
  });
  log::write_in_background();
  auto server = TRY(SearchServer::start(context.config, nullptr));
  wait_for(signals.token());
  server.reset();
  return kDone;
}

}  // namespace embedd::cli
