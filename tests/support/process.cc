#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace embedd::test {

namespace {

[[noreturn]] void raise_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Between fork and exec: only what POSIX allows there.
[[noreturn]] void become(const ProcessOptions& options, char* const* argv, char* const* envp, int out,
                         int err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) std::signal(signal, SIG_DFL);
  const int input = open(options.input.c_str(), O_RDONLY);
  if (input < 0 || dup2(input, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
      chdir(options.directory.c_str()) != 0)
    _exit(126);
  for (const int descriptor : options.closed) close(descriptor);
  execve(options.program.c_str(), argv, envp);
  _exit(127);
}

}  // namespace

Process::Process(const ProcessOptions& options) {
  std::vector<std::string> arguments{options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  const char* path = std::getenv("PATH");
  std::vector<std::string> environment{std::string("PATH=") + (path == nullptr ? "" : path)};
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);

  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) raise_errno("pipe2");
  pid_ = fork();
  if (pid_ < 0) raise_errno("fork");
  if (pid_ == 0)
    become(options, argv.data(), envp.data(), out[1],
           options.error_output >= 0 ? options.error_output : err[1]);
  close(out[1]);
  close(err[1]);
  out_.fd = out[0];
  err_.fd = err[0];
  out_.reader = std::thread([this] { read(out_); });
  err_.reader = std::thread([this] { read(err_); });
}

Process::~Process() {
  if (!code_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  out_.reader.join();
  err_.reader.join();
  close(out_.fd);
  close(err_.fd);
}

void Process::signal(int signal) const {
  if (!code_) kill(pid_, signal);
}

void Process::read(Stream& stream) {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(stream.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    if (got > 0)
      stream.text.append(buffer, static_cast<std::size_t>(got));
    else
      stream.ended = true;
    changed_.notify_all();
    if (got <= 0) return;
  }
}

std::optional<int> Process::wait(std::chrono::seconds at_most) {
  if (code_) return code_;
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (handle < 0) raise_errno("pidfd_open");
  pollfd ended{handle, POLLIN, 0};
  const int ready = poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(at_most).count()));
  close(handle);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [&] { return out_.ended && err_.ended; });
  return code_;
}

bool Process::wait_for(const Stream& stream, std::string_view text, std::chrono::seconds at_most) {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return stream.text.find(text) != std::string::npos; };
  changed_.wait_for(lock, at_most, [&] { return there() || stream.ended; });
  return there();
}

bool Process::wait_for_output(std::string_view text, std::chrono::seconds at_most) {
  return wait_for(out_, text, at_most);
}

bool Process::wait_for_error_output(std::string_view text, std::chrono::seconds at_most) {
  return wait_for(err_, text, at_most);
}

std::string Process::text_of(const Stream& stream) const {
  const std::lock_guard lock(mutex_);
  return stream.text;
}

std::string Process::output() const { return text_of(out_); }
std::string Process::error_output() const { return text_of(err_); }

Finished run_process(const ProcessOptions& options) {
  Process process(options);
  const auto code = process.wait();
  return {code.value_or(-1), process.output(), process.error_output()};
}

}  // namespace embedd::test
