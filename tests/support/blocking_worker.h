/// A worker without a loop or a provider: claims from the real queue, embeds by a function of the text,
/// settles.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.h"
#include "core/queue.h"
#include "queue/pg_queue.h"
#include "support/queue_turn.h"

namespace embedd::test {

/// Three numbers that tell every text from every other, near enough.
std::vector<float> vector_for(std::string_view text);

class BlockingWorker {
 public:
  /// `number` names the worker and seeds its leases.
  BlockingWorker(const std::string& url, std::uint8_t number);

  Poll poll();
  /// Empty also after an error; `last_error` then says which.
  std::vector<Job> claim(VectorizerId vectorizer, std::uint32_t max_rows);
  /// Settles each job as its task asks; returns how many came to an end.
  std::size_t settle(VectorizerId vectorizer, const std::vector<Job>& jobs);
  /// Claims and settles once.
  std::size_t work(VectorizerId vectorizer, std::uint32_t max_rows = 100) {
    return settle(vectorizer, claim(vectorizer, max_rows));
  }
  /// Walks the whole source; returns how many rows were enqueued.
  std::uint64_t walk(VectorizerId vectorizer);

  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  /// Texts given to `vector_for`: what a provider would have billed.
  [[nodiscard]] std::size_t embedded() const { return embedded_; }

 private:
  std::size_t send(Settlement settlement);

  SystemClock clock_;
  queue::PgQueue queue_;
  std::uint8_t number_;
  std::uint32_t next_lease_ = 0;
  std::uint64_t next_id_ = 1;
  std::size_t embedded_ = 0;
  std::string last_error_;
};

}  // namespace embedd::test
