#include "cli/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/log.h"
#include "base/threads.h"

namespace embedd::cli {

StopSignals::StopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  signals_ = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  quit_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (signals_ < 0 || quit_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  thread_ = start_thread([this] { watch(); });
}

StopSignals::~StopSignals() {
  const std::uint64_t one = 1;
  (void)!write(quit_, &one, sizeof one);
  thread_.join();
  close(signals_);
  close(quit_);
}

void StopSignals::on_second(std::function<void(int signal)> action) {
  const std::lock_guard lock(mutex_);
  second_ = std::move(action);
}

void StopSignals::watch() {
  pollfd sources[] = {{signals_, POLLIN, 0}, {quit_, POLLIN, 0}};
  while (true) {
    if (poll(sources, 2, -1) < 0 && errno != EINTR) return;
    if ((sources[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == sizeof info) handle(static_cast<int>(info.ssi_signo));
  }
}

void StopSignals::handle(int signal) {
  const char* name = signal == SIGTERM ? "SIGTERM" : "SIGINT";
  if (!source_.stop_requested()) {
    log::info("draining", {{"signal", name}});
    source_.request_stop();
    return;
  }
  log::info("canceling", {{"signal", name}});
  const std::lock_guard lock(mutex_);
  if (second_) second_(signal);
}

}  // namespace embedd::cli
