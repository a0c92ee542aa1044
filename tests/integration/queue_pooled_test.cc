// The queue through PgBouncer in transaction mode: no session state to rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "pg/pipeline.h"
#include "support/pgbouncer.h"
#include "support/queue_fixture.h"
#include "support/queue_turn.h"

namespace embedd::test {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(QueuePooled, DoesAllItsWorkWithoutSessionState) {
  if (!PgBouncer::installed()) GTEST_SKIP() << "PgBouncer is not installed";
  QueueFixture fixture("CREATE TABLE notes (id integer PRIMARY KEY, body text, embedding vector(3))",
                       {.name = "notes", .table = "notes", .text = "{body}", .column = "embedding"});
  const PgBouncer bouncer(fixture.database(), 3);
  const auto pooled = fixture.another_queue(bouncer.url());
  const auto settle = [&](Settlement settlement) {
    pooled->send_settlement(std::make_shared<const Settlement>(settlement));
    return wait_for_one(*pooled, [&] { return pooled->take_receipts(); }).outcomes;
  };

  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 700) i");
  for (int batch = 0; batch < 10; ++batch) {
    const auto jobs = fixture.try_claim(*pooled, 80);
    ASSERT_TRUE(jobs.has_value()) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 70U);
    const auto outcomes = settle(fixture.completion(*jobs));
    ASSERT_TRUE(outcomes.has_value()) << outcomes.error().message;
    EXPECT_THAT(*outcomes, Each(Outcome::done));
  }
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM notes WHERE embedding IS NULL"), "0");

  // The lock timeout holds for each statement, and stays with none of the pool's connections.
  run(fixture.db(), "UPDATE notes SET body = 'changed' WHERE id = 1");
  const auto jobs = fixture.try_claim(*pooled);
  ASSERT_TRUE(jobs.has_value());
  pg::Connection user = fixture.connect();
  run(user, "BEGIN");
  run(user, "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
  const auto locked = settle(fixture.completion(*jobs));
  ASSERT_FALSE(locked.has_value());
  EXPECT_EQ(locked.error().kind, ErrorKind::conflict) << locked.error().message;
  run(user, "ROLLBACK");
  EXPECT_THAT(*settle(fixture.completion(*jobs)), ElementsAre(Outcome::done));
  auto other = pg::Connection::open(Secret(bouncer.url()));
  ASSERT_TRUE(other.has_value());
  for (int time = 0; time < 4; ++time) EXPECT_EQ(value_of(*other, "SHOW lock_timeout"), "0");

  // Hints come over a direct connection of their own, if one is named.
  EXPECT_THAT(pooled->take_hints(), ElementsAre(fixture.id()));
  run(fixture.db(), "UPDATE notes SET body = 'once more' WHERE id = 1");
  for (int time = 0; time < 5; ++time) {
    turn(*pooled);
    EXPECT_THAT(pooled->take_hints(), testing::IsEmpty());
  }
}

// A worker that dies leaves nothing on its way that the pool's next client could take for its own answer.
TEST(QueuePooled, LeavesNoAnswerToTheNextClientOfThePool) {
  if (!PgBouncer::installed()) GTEST_SKIP() << "PgBouncer is not installed";
  const QueueFixture fixture("CREATE TABLE notes (id integer PRIMARY KEY, body text, embedding vector(3))",
                             {.name = "notes", .table = "notes", .text = "{body}", .column = "embedding"});
  const PgBouncer bouncer(fixture.database(), 1);
  const pg::Statement quick("SELECT 1"), slow("SELECT pg_sleep(0.3)");
  for (int round = 0; round < 5; ++round) {
    const SystemClock clock;
    auto pipeline =
        std::make_unique<pg::Pipeline>(pg::PipelineOptions{.conninfo = Secret(bouncer.url())}, clock, [] {});
    wait_for_one(*pipeline, [&, sent = false]() mutable {
      auto answers = pipeline->take();
      if (pipeline->ready() && !std::exchange(sent, true)) {
        pipeline->send(quick);
        pipeline->send(slow);
      }
      return answers;
    });
    pipeline.reset();
    auto next = pg::Connection::open(Secret(bouncer.url()));
    ASSERT_TRUE(next.has_value()) << next.error().message;
    EXPECT_EQ(value_of(*next, "SELECT 'mine'"), "mine");
  }
}

TEST(QueueHints, ComeOverTheListeningConnection) {
  EMBEDD_NOT_ON(pgbouncer, "notifications do not pass through");
  const std::string ddl = "CREATE TABLE notes (id integer PRIMARY KEY, body text, embedding vector(3))";
  QueueFixture fixture(ddl, {.name = "notes", .table = "notes", .text = "{body}", .column = "embedding"});
  const auto hinted = [&] {
    return wait_for_one(fixture.queue(), [&] { return fixture.queue().take_hints(); });
  };
  EXPECT_EQ(hinted(), fixture.id());  // a new connection may have missed some
  EXPECT_THAT(fixture.queue().take_hints(), testing::IsEmpty());
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  EXPECT_EQ(hinted(), fixture.id());
}

}  // namespace
}  // namespace embedd::test
