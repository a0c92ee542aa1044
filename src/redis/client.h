/// Commands to a Redis server that may be gone, slow, full, or something else: whoever asks loses little.
///
///   Client client(target, [](bool up) { … });
///   client.run({"GET", "key"}, [](Result<Reply> reply) { … });
///
/// A thread of its own keeps one connection, sends the commands that wait together, and calls back. While
/// there is no connection, each command fails at once; so nobody waits for a connection to be made. A command
/// that the server does not answer within kPatience ends the connection, and the server is left alone for the
/// time that Breaker says. A command by a name that the server refuses (its memory is full, say) is not sent
/// again for kRest. The log has a line when the server comes or goes, or begins or ceases to refuse.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/redaction.h"
#include "base/units.h"
#include "redis/breaker.h"
#include "redis/connection.h"
#include "redis/target.h"

namespace embedd::redis {

class Client {
 public:
  static constexpr Duration kPatience = milliseconds(100);      ///< for the answers to commands
  static constexpr Duration kOpenPatience = milliseconds(500);  ///< for a connection; no command waits for it
  static constexpr Duration kRest = seconds(5);
  /// A connection without work is tried this often, so that up() is true to the facts.
  static constexpr Duration kIdle = seconds(5);
  static constexpr std::size_t kMostWaiting = 1024, kMostTogether = 64;

  /// Called on the client's thread, or by run() if the command cannot be sent; must not block. A refusal is
  /// an error.
  using Done = std::function<void(Result<Reply>)>;
  /// Called on the client's thread, and once by the constructor, with false.
  using Changed = std::function<void(bool up)>;

  explicit Client(Target target, Changed changed = nullptr);
  /// Commands that wait fail with `canceled`.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Thread-safe; does not block.
  void run(Words command, Done done);
  [[nodiscard]] bool up() const { return up_; }

 private:
  struct Waiting {
    Words command;
    Done done;
  };
  struct Refusal {
    std::string code;
    Instant until;
  };

  [[nodiscard]] std::optional<Error> obstacle_to(const std::string& name) const;
  void work();
  bool connect();
  bool pause(Instant until);
  std::vector<Waiting> next();
  void ask(std::vector<Waiting> asked);
  Result<Reply> judge(const std::string& name, Reply reply);
  void set_up();
  void set_down(const Error& error);
  void give_up(ErrorKind kind, const std::string& message);

  const Target target_;
  const HiddenSecret hidden_;
  const Changed changed_;
  Connection connection_;  ///< of the thread alone, as is breaker_
  Breaker breaker_;
  bool told_ = false;  ///< of the thread alone: the log knows whether the server is up

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;              ///< guarded by mutex_
  std::map<std::string, Refusal> refusals_;  ///< guarded by mutex_; by the command's name
  bool stopping_ = false;                    ///< guarded by mutex_
  std::atomic<bool> up_{false};
  std::thread thread_;
};

}  // namespace embedd::redis
