/// Books in embedd.usage what the vectors of queries cost, a second or so after they were bought, on a thread
/// of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "app/search_pool.h"
#include "base/error.h"
#include "core/job.h"
#include "queue/usage_book.h"

namespace embedd::app {

class QueryUsage {
 public:
  /// `pool` must outlive this object.
  explicit QueryUsage(SearchPool& pool);
  /// Books what is left, within kLastWait.
  ~QueryUsage();
  QueryUsage(const QueryUsage&) = delete;
  QueryUsage& operator=(const QueryUsage&) = delete;

  /// Adds one request to the provider, and what it bought. Thread-safe.
  void add(VectorizerId vectorizer, const std::string& model, std::uint64_t tokens);

 private:
  static constexpr Duration kLastWait = seconds(3);

  void run();
  /// Returns once the database has answered, or `deadline` has passed.
  std::optional<Error> write(const queue::UsageBook::Entries& entries, Instant deadline);
  void report();

  SearchPool& pool_;
  std::mutex mutex_;
  std::condition_variable changed_;
  queue::UsageBook book_;  ///< guarded by mutex_
  bool stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace embedd::app
