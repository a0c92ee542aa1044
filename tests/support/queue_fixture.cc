#include "support/queue_fixture.h"

#include <algorithm>
#include <cstring>

#include "schema/migrate.h"

namespace embedd::test {

QueueFixture::QueueFixture(const std::string& ddl, const schema::VectorizerSpec& spec,
                           queue::PgQueueOptions options, const PrivatePostgres* server)
    : options_(std::move(options)) {
  if (server)
    database_.emplace(*server);
  else
    database_.emplace();
  db_.emplace(database_->connect());
  pg::Connection embedd = database_->connect_embedd();
  const auto migrated = schema::migrate(embedd);
  CHECK(migrated.has_value(), "{}", migrated.error().message);
  const auto made = db_->run_script(ddl);
  CHECK(made.has_value(), "{}", made.error().message);
  const auto created = schema::create_vectorizer(embedd, spec);
  CHECK(created.has_value(), "{}", created.error().message);
  id_ = created->id;
  if (options_.database.empty()) options_.database = Secret(database_->worker_url());
  queue_ = another_queue();
}

std::unique_ptr<queue::PgQueue> QueueFixture::another_queue(const std::string& url) {
  queue::PgQueueOptions options = options_;
  if (!url.empty()) options.database = Secret(url);
  if (options.slow_reading > Duration{})
    options.slow_reading = std::chrono::hours(1);  // jobs are moved in time
  options.worker.fill(static_cast<std::uint8_t>(next_lease_++));
  auto queue = std::make_unique<queue::PgQueue>(std::move(options), clock_, [] {});
  get_ready(*queue);
  return queue;
}

void QueueFixture::get_ready(queue::PgQueue& queue) {
  wait_for(queue, [&]() -> std::optional<bool> {
    (void)queue.take_claims();
    (void)queue.take_receipts();
    return queue.ready() ? std::optional(true) : std::nullopt;
  });
  queue.send_poll({});
  const Poll poll = wait_for(queue, [&] {
    (void)queue.take_receipts();
    return queue.take_poll();
  });
  CHECK(poll.has_value(), "{}", poll.error().message);
}

Result<std::vector<Job>> QueueFixture::try_claim(queue::PgQueue& queue, std::uint32_t max_rows) {
  LeaseToken lease{};
  std::memcpy(lease.data(), &next_lease_, sizeof next_lease_);
  ++next_lease_;
  queue.send_claim({.vectorizer = id_,
                    .lease = lease,
                    .lease_time = seconds(60),
                    .max_rows = max_rows,
                    .max_text_bytes = 64 * kMiB});
  return wait_for_one(queue, [&] { return queue.take_claims(); }).jobs;
}

std::vector<Job> QueueFixture::claim(std::uint32_t max_rows) {
  auto jobs = try_claim(*queue_, max_rows);
  CHECK(jobs.has_value(), "{}", jobs.error().message);
  return *std::move(jobs);
}

Settlement QueueFixture::settlement(Action action, const std::vector<Job>& jobs) const {
  Settlement settlement{.vectorizer = id_, .action = action, .model_id = "model", .model_version = "model-1"};
  for (const Job& job : jobs)
    settlement.jobs.push_back({.key = job.key, .lease = job.lease, .text_hash = job.text_hash, .slot = -1});
  return settlement;
}

Settlement QueueFixture::completion(const std::vector<Job>& jobs, int dimensions) const {
  Settlement settlement = this->settlement(Action::complete, jobs);
  settlement.requests = 1;
  settlement.tokens = 10 * jobs.size();
  settlement.vectors.dimensions = static_cast<std::uint32_t>(dimensions);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    settlement.jobs[i].slot = static_cast<std::int32_t>(i);
    settlement.vectors.values.resize((i + 1) * static_cast<std::size_t>(dimensions), 0.0F);
    settlement.vectors.values[i * static_cast<std::size_t>(dimensions)] = static_cast<float>(i + 1);
  }
  return settlement;
}

Result<std::vector<Outcome>> QueueFixture::try_settle(Settlement settlement) {
  settlement.id = next_settlement_++;
  queue_->send_settlement(std::make_shared<const Settlement>(std::move(settlement)));
  return wait_for_one(*queue_,
                      [&] {
                        (void)queue_->take_claims();
                        return queue_->take_receipts();
                      })
      .outcomes;
}

std::vector<Outcome> QueueFixture::settle(Settlement settlement) {
  auto outcomes = try_settle(std::move(settlement));
  CHECK(outcomes.has_value(), "{}", outcomes.error().message);
  return *std::move(outcomes);
}

std::uint64_t QueueFixture::walk() {
  std::uint64_t enqueued = 0;
  Key cursor;
  for (;;) {
    queue_->send_walk(id_, cursor);
    const auto page = wait_for_one(*queue_, [&] { return queue_->take_walked(); });
    CHECK(page.progress.has_value(), "{}", page.progress.error().message);
    CHECK(!page.progress->deferred, "the queue is too long");
    enqueued += page.progress->enqueued;
    if (page.progress->finished) return enqueued;
    cursor = page.progress->next;
  }
}

}  // namespace embedd::test
