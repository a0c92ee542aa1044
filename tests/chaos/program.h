/// A program of ours, as a child of the chaos run.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/units.h"

namespace embedd::chaos {

/// Runs with the environment given, and appends what it prints to the file `log`. Whatever still runs at the
/// end is killed. Not thread-safe.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
          const std::string& log);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const { kill(pid_, signal); }
  bool running();
  /// −1 if it does not end within `patience`, or was killed by a signal.
  int exit_status(Duration patience);

 private:
  bool reap(int options);

  pid_t pid_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

}  // namespace embedd::chaos
