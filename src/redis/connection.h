/// One connection to a Redis server. Nothing waits longer than its deadline, but a name is looked up for as
/// long as the resolver takes. For one thread.
///
///   Connection connection;
///   TRY(connection.open(target, now + milliseconds(200)));
///   auto replies = TRY(connection.run({{"GET", "key"}}, now + milliseconds(100)));
///
/// After an error the connection is closed, because a late reply would be taken for another's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "redis/target.h"

struct redisContext;

namespace embedd::redis {

using Words = std::vector<std::string>;

struct Reply {
  enum class Kind { text, nothing, refusal };
  Kind kind = Kind::nothing;
  std::string text;  ///< of a number its digits; of a refusal its code, such as OOM
};

/// What a refusal's code means, for a person.
std::string meaning_of(std::string_view code);

class Connection {
 public:
  /// Most bytes of one reply.
  static constexpr std::size_t kMostReply = 256 * kKiB;

  Connection();
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects, logs in, selects the database, and sees that the server answers. Errors: unavailable,
  /// unauthenticated (a password), misconfigured (the database), invalid_answer (not Redis).
  Result<void> open(const Target& target, Instant deadline);
  void close();
  [[nodiscard]] bool is_open() const { return context_ != nullptr; }
  /// Sends the commands together, and returns as many replies. Errors: unavailable, invalid_answer.
  Result<std::vector<Reply>> run(const std::vector<Words>& commands, Instant deadline);

 private:
  struct Close {
    void operator()(redisContext* context) const;
  };

  Result<void> log_in(const Target& target, Instant deadline);
  Result<void> send(const std::vector<Words>& commands, Instant deadline);
  Result<std::vector<Reply>> receive(std::size_t count, Instant deadline);
  Result<void> wait(short events, Instant deadline) const;
  [[nodiscard]] Error failure() const;

  std::unique_ptr<redisContext, Close> context_;
};

}  // namespace embedd::redis
