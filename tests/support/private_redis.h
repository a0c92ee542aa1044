/// A Redis server of a test's own on loopback, which keeps nothing on disk, and whose faults are real.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis/connection.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace embedd::test {

class PrivateRedis {
 public:
  /// Returns once it answers. `arguments`: further ones, such as {"--requirepass", "word"}.
  explicit PrivateRedis(std::vector<std::string> arguments = {}, std::string password = "");

  /// Without the password.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string url(const std::string& password) const;
  /// The reply to one command, or "(nothing)", or "(CODE)" of a refusal.
  std::string ask(redis::Words words) const;
  /// The names of the keys that begin with `prefix`; a server with at most one.
  [[nodiscard]] std::string only_key(const std::string& prefix) const;

  void kill();
  /// At the same port, empty.
  void start();
  /// It holds its connections, and answers nothing.
  void suspend() const { process_->signal(SIGSTOP); }
  void resume() const { process_->signal(SIGCONT); }

 private:
  [[nodiscard]] redis::Target target() const;

  TempDir directory_;
  int port_;
  std::vector<std::string> arguments_;
  std::string password_;
  std::unique_ptr<Process> process_;
};

}  // namespace embedd::test
