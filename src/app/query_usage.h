/// Books in embedd.usage what the vectors of queries cost, a second or so after they were bought, on a thread
/// of its own. They count towards the budgets of the vectorizer and of its endpoint.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/search_pool.h"
#include "base/error.h"
#include "core/job.h"
#include "core/prices.h"
#include "pg/connection.h"
#include "queue/usage_book.h"

namespace embedd::app {

class QueryUsage {
 public:
  /// `pool` must outlive this object.
  QueryUsage(SearchPool& pool, Prices prices);
  /// Books what is left, within kLastWait.
  ~QueryUsage();
  QueryUsage(const QueryUsage&) = delete;
  QueryUsage& operator=(const QueryUsage&) = delete;

  /// Adds one request to the provider, and what it bought. Thread-safe.
  void add(VectorizerId vectorizer, const std::string& endpoint, const std::string& model,
           std::uint64_t tokens);

 private:
  static constexpr Duration kLastWait = seconds(3);

  /// Of the two statements that book and charge.
  struct Params {
    std::vector<pg::Param> usage, charge;
  };

  void run();
  /// Returns once the database has answered, or `deadline` has passed.
  std::optional<Error> write(const queue::UsageBook::Entries& entries, Instant deadline);
  [[nodiscard]] Params params_of(const queue::UsageBook::Entries& entries);
  void report();

  SearchPool& pool_;
  const Prices prices_;
  std::mutex mutex_;
  std::condition_variable changed_;
  queue::UsageBook book_;                          ///< guarded by mutex_
  std::map<VectorizerId, std::string> endpoints_;  ///< guarded by mutex_
  bool stopping_ = false;                          ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace embedd::app
