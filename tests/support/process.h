/// A process of a test's own: the embedd binary with its arguments and environment, its output as it comes.
///
///   Process worker({.arguments = {"worker"}, .environment = {{"DATABASE_URL", url}}});
///   ASSERT_TRUE(worker.wait_for_error_output("worker_started"));
///   worker.signal(SIGTERM);
///   EXPECT_EQ(worker.wait(), 0);
///
/// Killed by the destructor, and by the kernel when the thread that made it ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/paths.h"

namespace embedd::test {

struct ProcessOptions {
  std::vector<std::string> arguments;              ///< after the program's name
  std::map<std::string, std::string> environment;  ///< all of it, but PATH
  std::string directory = "/";                     ///< where it runs; `/` holds no .env
  std::string program = embedd_binary();
  std::string input = "/dev/null";  ///< the file that is its stdin
  int error_output = -1;            ///< a descriptor that becomes its stderr; error_output() then stays empty
  std::vector<int> closed;          ///< of 0, 1, 2: not there when it begins
};

class Process {
 public:
  /// Throws std::system_error if it cannot be started.
  explicit Process(const ProcessOptions& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int signal) const;

  /// The exit code, 128 + the signal's number if one ended it, nothing if it still runs after `at_most`.
  std::optional<int> wait(std::chrono::seconds at_most = std::chrono::seconds(60));
  /// False if the text did not come within `at_most`, or the output ended without it.
  bool wait_for_output(std::string_view text, std::chrono::seconds at_most = std::chrono::seconds(60));
  bool wait_for_error_output(std::string_view text, std::chrono::seconds at_most = std::chrono::seconds(60));

  /// What has come so far; all of it once wait() returned a code.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string error_output() const;

 private:
  struct Stream {
    int fd = -1;
    std::string text;
    bool ended = false;
    std::thread reader;
  };
  void read(Stream& stream);
  bool wait_for(const Stream& stream, std::string_view text, std::chrono::seconds at_most);
  [[nodiscard]] std::string text_of(const Stream& stream) const;

  pid_t pid_ = -1;
  std::optional<int> code_;
  mutable std::mutex mutex_;  ///< guards both streams' text and ended
  std::condition_variable changed_;
  Stream out_, err_;
};

/// Runs to the end and says how it went. A process that does not end in a minute is killed: code -1.
struct Finished {
  int code = -1;
  std::string output;
  std::string error_output;
};
Finished run_process(const ProcessOptions& options);

}  // namespace embedd::test
