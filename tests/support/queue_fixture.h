/// A PgQueue over one vectorizer in a database of its own, with its calls as plain functions that wait. It
/// reaches the database as the run's target says (support/target.h).
///
///   QueueFixture fixture("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(3))",
///                        {.name = "notes", .table = "notes", .text = "{body}", .column = "embedding"});
///   run(fixture.db(), "INSERT INTO notes …");
///   for (Outcome outcome : fixture.complete(fixture.claim())) …
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job.h"
#include "core/queue.h"
#include "queue/pg_queue.h"
#include "schema/vectorizers.h"
#include "support/private_postgres.h"
#include "support/queue_turn.h"
#include "support/target.h"

namespace embedd::test {

class QueueFixture {
 public:
  /// `server`: nullptr for the shared one. Claims read the queue from its beginning, unless `slow_reading` is
  /// 0.
  QueueFixture(const std::string& ddl, const schema::VectorizerSpec& spec, queue::PgQueueOptions options = {},
               const PrivatePostgres* server = nullptr);

  [[nodiscard]] pg::Connection& db() { return *db_; }
  /// Another session, for a user's transaction or after a restart.
  [[nodiscard]] pg::Connection connect() const { return database_->connect(); }
  [[nodiscard]] const TestDatabase& database() const { return *database_; }
  [[nodiscard]] queue::PgQueue& queue() { return *queue_; }
  [[nodiscard]] VectorizerId id() const { return id_; }

  /// A second worker's queue on the same database, connected and knowing the vectorizer. `url`: not the
  /// direct way.
  std::unique_ptr<queue::PgQueue> another_queue(const std::string& url = "");
  /// Waits until `queue` is connected and has polled.
  void get_ready(queue::PgQueue& queue);

  Result<std::vector<Job>> try_claim(queue::PgQueue& queue, std::uint32_t max_rows = 1000);
  std::vector<Job> claim(std::uint32_t max_rows = 1000);
  Settlement settlement(Action action, const std::vector<Job>& jobs) const;
  /// Vectors of `dimensions` values: {i + 1, 0, 0, …} for the i-th job.
  Settlement completion(const std::vector<Job>& jobs, int dimensions = 3) const;
  Result<std::vector<Outcome>> try_settle(Settlement settlement);
  std::vector<Outcome> settle(Settlement settlement);
  std::vector<Outcome> complete(const std::vector<Job>& jobs) { return settle(completion(jobs)); }
  /// Walks to the end; the rows enqueued.
  std::uint64_t walk();

 private:
  std::optional<TestDatabase> database_;
  std::optional<pg::Connection> db_;
  SystemClock clock_;
  queue::PgQueueOptions options_;
  VectorizerId id_ = 0;
  std::uint64_t next_lease_ = 1;
  std::uint64_t next_settlement_ = 1;
  std::unique_ptr<queue::PgQueue> queue_;
};

}  // namespace embedd::test
