/// Users of the chaos run: each writes to rows of its own, so that whatever a statement waits for is embedd's
/// doing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include "base/units.h"
#include "core/random.h"
#include "pg/connection.h"

namespace embedd::chaos {

struct TrafficReport {
  std::uint64_t statements = 0;
  std::uint64_t lost_connections = 0;
  std::uint64_t deadlocks = 0;  ///< 40P01; must stay 0
  Duration longest_wait{};      ///< of one statement that succeeded
  std::string longest_statement;
};

/// Every text that a user has ever tried to write into a book, by its hash. Thread-safe.
class Library {
 public:
  void add(std::string_view text) {
    const std::lock_guard lock(mutex_);
    texts_.insert(std::hash<std::string_view>()(text));
  }
  [[nodiscard]] bool has(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    return texts_.contains(std::hash<std::string_view>()(text));
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::size_t> texts_;
};

/// One user on a thread: inserts, updates of text and of other columns, deletes, key changes, bulk loads, and
/// transactions that hold rows for seconds, until stop().
class User {
 public:
  User(int number, std::string url, std::uint64_t seed, Library& library);
  ~User() { stop(); }
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  void stop();
  /// After stop().
  [[nodiscard]] const TrafficReport& report() const { return report_; }

 private:
  void run(const std::stop_token& stop);
  void act(const std::stop_token& stop);
  void act_on_docs();
  void act_on_notes();
  void act_on_books();
  void hold(const std::stop_token& stop);
  bool exec(const std::string& sql, std::initializer_list<pg::Param> params = {});
  bool connect(const std::stop_token& stop);
  std::string doc_id();
  std::string note_key();
  std::string text();
  std::string paragraph();
  std::string book(std::size_t paragraphs);

  int number_;
  std::string url_;
  Random random_;
  Library& library_;
  std::map<std::string, std::string> books_;  ///< by id, as this user wrote them last
  std::optional<pg::Connection> db_;
  std::uint64_t next_id_ = 0;
  std::uint64_t texts_ = 0;
  TrafficReport report_;
  std::jthread thread_;
};

/// The tables and their vectorizers' declarations.
extern const char* const kSchema;
inline constexpr int kDimensions = 64;
/// What a change of docs and books makes of it: another length, and something before each chunk.
inline constexpr int kNextDimensions = 32;
inline constexpr const char* kNextBook = "Of a book: ";
/// A text that the provider refuses.
inline constexpr const char* kPoison = "POISON";

}  // namespace embedd::chaos
