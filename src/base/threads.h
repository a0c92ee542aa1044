/// Threads beside the one that the program begins with.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace embedd {

/// A thread that blocks all signals: they are the business of whoever waits for them (StopSignals).
template <typename Body>
std::thread start_thread(Body body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace embedd
