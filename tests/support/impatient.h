/// A user's session in tests of G5: what it does must succeed, and soon.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "support/private_postgres.h"

namespace embedd::test {

/// A user's session that would rather fail than wait for long, and remembers its longest statement.
class Impatient {
 public:
  explicit Impatient(const TestDatabase& database) : db_(database.connect()) {
    run(db_, "SET lock_timeout = '2s'");
    run(db_, "SET deadlock_timeout = '100ms'");
  }
  void operator()(const std::string& statement, std::initializer_list<pg::Param> params = {}) {
    const auto began = std::chrono::steady_clock::now();
    const auto done = db_.exec(statement, params);
    longest_ = std::max(longest_, std::chrono::steady_clock::now() - began);
    ++statements_;
    if (!done && failure_.empty()) failure_ = fmt::format("{} in: {}", done.error().message, statement);
  }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] int statements() const { return statements_; }
  [[nodiscard]] int longest_ms() const {
    return static_cast<int>(std::chrono::duration_cast<milliseconds>(longest_).count());
  }

 private:
  pg::Connection db_;
  std::string failure_;
  int statements_ = 0;
  std::chrono::steady_clock::duration longest_{};
};

}  // namespace embedd::test
