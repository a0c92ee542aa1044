#include "chaos/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace embedd::chaos {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

Program::Program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                 const std::string& log) {
  std::vector<char*> argv, envp;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

Program::~Program() {
  if (running()) {
    send(SIGKILL);
    (void)exit_status(10s);
  }
}

bool Program::running() { return !reaped_ && !reap(WNOHANG); }

int Program::exit_status(Duration patience) {
  const auto deadline = Steady::now() + patience;
  while (!reaped_ && !reap(WNOHANG)) {
    if (Steady::now() > deadline) return -1;
    std::this_thread::sleep_for(5ms);
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

bool Program::reap(int options) {
  reaped_ = waitpid(pid_, &status_, options) == pid_;
  return reaped_;
}

}  // namespace embedd::chaos
