// The queue when the database misbehaves: lost connections, restarts, silence, locks, failing commits,
// poolers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "support/queue_fixture.h"

namespace embedd::test {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;
using testing::Eq;
using testing::SizeIs;

const std::string kNotes = "CREATE TABLE notes (id integer PRIMARY KEY, body text, embedding vector(3))";
const schema::VectorizerSpec kSpec{
    .name = "notes", .table = "notes", .text = "{body}", .column = "embedding"};

/// The worker's backends.
std::vector<int> backends(pg::Connection& db) {
  std::vector<int> pids;
  const pg::Rows rows =
      run(db,
          "SELECT pid FROM pg_stat_activity WHERE application_name = 'embedd worker' AND datname = "
          "current_database() ORDER BY backend_start");
  for (int i = 0; i < rows.size(); ++i) pids.push_back(static_cast<int>(rows.integer(i, 0)));
  return pids;
}

TEST(QueueFaults, ATerminatedConnectionLeavesSettlementsInDoubtAndTheyCanBeSentAgain) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 50) i");
  Settlement settlement = fixture.completion(fixture.claim());
  settlement.id = 1;
  // The answer cannot have been read before the backends die, so the outcome is in doubt, whatever became of
  // it.
  fixture.queue().send_settlement(std::make_shared<const Settlement>(settlement));
  run(fixture.db(),
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND application_name = 'embedd worker'");
  const Receipt receipt = wait_for_one(fixture.queue(), [&] { return fixture.queue().take_receipts(); });
  EXPECT_TRUE(receipt.outcomes.has_value() || receipt.outcomes.error().kind == ErrorKind::in_doubt);
  // It reconnects by itself.
  fixture.get_ready(fixture.queue());
  EXPECT_THAT(fixture.settle(settlement), Each(AnyOf(Outcome::done, Outcome::gone)));
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM notes WHERE embedding IS NULL"), "0");
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM embedd.queue_1"), "0");
}

TEST(QueueFaults, ARestartedServerIsFoundAgain) {
  PrivatePostgres server;
  QueueFixture fixture(kNotes, kSpec, {}, &server);
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  const std::vector<Job> jobs = fixture.claim();
  ASSERT_THAT(jobs, SizeIs(1));
  server.stop("immediate");
  const auto lost = fixture.try_settle(fixture.completion(jobs));
  ASSERT_FALSE(lost.has_value());
  EXPECT_THAT(lost.error().kind, AnyOf(ErrorKind::in_doubt, ErrorKind::unavailable));
  EXPECT_FALSE(fixture.queue().ready());
  // Without a connection, the answer comes at once.
  EXPECT_EQ(fixture.try_settle(fixture.completion(jobs)).error().kind, ErrorKind::unavailable);
  server.start();
  fixture.get_ready(fixture.queue());
  EXPECT_THAT(fixture.complete(jobs), ElementsAre(Outcome::done));
}

TEST(QueueFaults, ASilentServerIsGivenUp) {
  QueueFixture fixture(kNotes, kSpec, {.command_timeout = milliseconds(500)});
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  const std::vector<Job> jobs = fixture.claim();
  const std::vector<int> stopped = backends(fixture.db());
  for (const int pid : stopped) ASSERT_EQ(kill(pid, SIGSTOP), 0);
  const auto silent = fixture.try_settle(fixture.completion(jobs));
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().kind, ErrorKind::in_doubt);
  for (const int pid : stopped) kill(pid, SIGCONT);
  fixture.get_ready(fixture.queue());
  EXPECT_THAT(fixture.settle(fixture.completion(jobs)), ElementsAre(AnyOf(Outcome::done, Outcome::gone)));
  EXPECT_NE(value_of(fixture.db(), "SELECT embedding FROM notes"), "NULL");
}

TEST(QueueFaults, ALockedTableIsAConflictAndNotAWait) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  const std::vector<Job> jobs = fixture.claim();
  pg::Connection user = fixture.connect();
  run(user, "BEGIN");
  run(user, "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
  const auto locked = fixture.try_settle(fixture.completion(jobs));
  ASSERT_FALSE(locked.has_value());
  EXPECT_EQ(locked.error().kind, ErrorKind::conflict);
  run(user, "ROLLBACK");
  EXPECT_THAT(fixture.complete(jobs), ElementsAre(Outcome::done));
}

TEST(QueueFaults, AStatementMayOutliveTheWorkerThatSentIt) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 50) i");
  pg::Connection user = fixture.connect();
  auto queue = fixture.another_queue();
  const auto jobs = fixture.try_claim(*queue);
  ASSERT_TRUE(jobs.has_value());
  run(user, "BEGIN");
  run(user, "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
  // Nobody but the queue holds it: the worker has gone. Its statement waits for the lock, and the booking of
  // its usage behind it.
  queue->send_settlement(std::make_shared<const Settlement>(fixture.completion(*jobs)));
  queue.reset();
  run(user, "ROLLBACK");
  EXPECT_EQ(value_of(fixture.db(), "SELECT concat_ws('/', requests, rows) FROM embedd.usage"), "1/0");
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(embedding) FROM notes"), "0");
}

TEST(QueueFaults, AFailureAtCommitIsAnErrorAndStoresNothing) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(),
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not this row: %', "
      "NEW.body; END$$");
  run(fixture.db(),
      "CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
      "WHEN "
      "(NEW.body = 'poison') EXECUTE FUNCTION refuse()");
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'poison')");
  const std::vector<Job> jobs = fixture.claim();
  const auto refused = fixture.try_settle(fixture.completion(jobs));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
  EXPECT_EQ(value_of(fixture.db(), "SELECT embedding FROM notes"), "NULL");
  // The connection is as good as before, and the lease stands.
  EXPECT_THAT(fixture.settle(fixture.settlement(Action::discard, jobs)), ElementsAre(Outcome::done));
}

TEST(QueueFaults, AViolatedConstraintDoesNotQuoteTheRow) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'confidential')");
  run(fixture.db(), "ALTER TABLE notes ADD CHECK (embedding IS NULL OR body <> 'confidential')");
  const auto refused = fixture.try_settle(fixture.completion(fixture.claim()));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
  EXPECT_THAT(refused.error().message, testing::Not(testing::HasSubstr("confidential")));
}

TEST(QueueFaults, ARowRefusedInOnePartOfASettlementIsNotInDoubt) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 599) i");
  run(fixture.db(), "INSERT INTO notes VALUES (600, 'poison')");
  run(fixture.db(), "ALTER TABLE notes ADD CHECK (embedding IS NULL OR body <> 'poison')");
  std::vector<Job> jobs = fixture.claim();
  ASSERT_THAT(jobs, SizeIs(600));
  const auto refused = fixture.try_settle(fixture.completion(jobs));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
  EXPECT_NE(value_of(fixture.db(), "SELECT count(embedding) FROM notes"), "0");
  jobs.pop_back();
  EXPECT_THAT(fixture.complete(jobs), Each(AnyOf(Outcome::done, Outcome::gone)));
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(embedding) FROM notes"), "599");
}

TEST(QueueFaults, AnUpdateThatATriggerSwallowsIsNotBoughtAgain) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(),
      "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$");
  run(fixture.db(), "CREATE TRIGGER swallow BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION swallow()");
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  EXPECT_THAT(fixture.complete(fixture.claim()), ElementsAre(Outcome::kept));
  run(fixture.db(), "UPDATE embedd.queue_1 SET run_at = now()");
  const std::vector<Job> again = fixture.claim();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].task, Task::store_kept);
}

TEST(QueueFaults, AServerThatTurnsReadOnlyIsLeftUntilItCanBeWrittenTo) {
  PrivatePostgres server;
  QueueFixture fixture(kNotes, kSpec, {}, &server);
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one'), (2, 'two')");
  const std::vector<Job> jobs = fixture.claim(1);
  run(fixture.db(), "ALTER SYSTEM SET default_transaction_read_only = on");
  run(fixture.db(), "SELECT pg_reload_conf()");
  Result<std::vector<Outcome>> refused;
  do refused = fixture.try_settle(fixture.settlement(Action::extend, jobs));
  while (refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable) << refused.error().message;
  EXPECT_FALSE(fixture.queue().ready()) << "a new connection may find the primary";
  // Nor is anything claimed, and then bought, as long as it could not be stored.
  EXPECT_FALSE(fixture.try_claim(fixture.queue()).has_value());
  EXPECT_FALSE(fixture.queue().ready());
  run(fixture.db(), "SET default_transaction_read_only = off");
  run(fixture.db(), "ALTER SYSTEM RESET default_transaction_read_only");
  run(fixture.db(), "SELECT pg_reload_conf()");
  fixture.get_ready(fixture.queue());
  EXPECT_THAT(fixture.complete(jobs), ElementsAre(Outcome::done));
}

TEST(QueueFaults, ASettlementThatTakesTooLongIsDividedUntilItFits) {
  QueueFixture fixture(kNotes, kSpec, {.command_timeout = milliseconds(600)});
  run(fixture.db(),
      "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.1); RETURN "
      "NEW; "
      "END$$");
  run(fixture.db(), "CREATE TRIGGER dawdle BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION dawdle()");
  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 20) i");
  EXPECT_THAT(fixture.complete(fixture.claim()), testing::AllOf(SizeIs(20), Each(Outcome::done)));
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(embedding) FROM notes"), "20");
}

TEST(QueueFaults, ARowThatTakesTooLongByItselfIsTheOnlyOneNotStored) {
  QueueFixture fixture(kNotes, kSpec, {.command_timeout = milliseconds(600)});
  run(fixture.db(),
      "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(10); RETURN "
      "NEW; "
      "END$$");
  run(fixture.db(),
      "CREATE TRIGGER dawdle BEFORE UPDATE ON notes FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION "
      "dawdle()");
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'slow')");
  Settlement settlement = fixture.completion(fixture.claim());
  const auto canceled = fixture.try_settle(settlement);
  ASSERT_FALSE(canceled.has_value());
  EXPECT_EQ(canceled.error().kind, ErrorKind::canceled);
  settlement.action = Action::keep;
  EXPECT_THAT(fixture.settle(settlement), ElementsAre(Outcome::kept));
}

TEST(QueueFaults, AWrongVectorizerIsReportedAndSpoilsNoOther) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "CREATE TABLE other (id integer PRIMARY KEY, body text, embedding vector(3))");
  ASSERT_TRUE(schema::create_vectorizer(
      fixture.db(), {.name = "other", .table = "other", .text = "{body}", .column = "embedding"}));
  run(fixture.db(), "DROP TABLE embedd.queue_2");
  fixture.queue().send_poll({});
  const Poll poll = wait_for(fixture.queue(), [&] {
    (void)fixture.queue().take_receipts();
    return fixture.queue().take_poll();
  });
  ASSERT_TRUE(poll.has_value());
  ASSERT_THAT(*poll, SizeIs(2));
  EXPECT_EQ(poll->at(0).vectorizer.name, "notes");
  EXPECT_EQ(poll->at(0).problem, "");
  EXPECT_EQ(poll->at(1).vectorizer.name, "other");
  EXPECT_NE(poll->at(1).problem, "");
}

TEST(QueueFaults, AChangedDeclarationIsUsedFromTheNextPollOn) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "INSERT INTO notes VALUES (1, 'one')");
  EXPECT_THAT(fixture.complete(fixture.claim()), ElementsAre(Outcome::done));
  run(fixture.db(), "ALTER TABLE notes RENAME TO renamed");
  run(fixture.db(), "ALTER TABLE renamed ADD COLUMN extra text");
  run(fixture.db(), "UPDATE renamed SET body = 'two'");
  fixture.get_ready(fixture.queue());
  EXPECT_THAT(fixture.complete(fixture.claim()), ElementsAre(Outcome::done));
}

TEST(QueueFaults, AWalkSkipsRowsThatUsersLockedAndComesBack) {
  QueueFixture fixture(kNotes, kSpec);
  run(fixture.db(), "SET session_replication_role = replica");
  run(fixture.db(), "INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 10) i");
  run(fixture.db(), "RESET session_replication_role");
  pg::Connection user = fixture.connect();
  run(user, "BEGIN");
  run(user, "UPDATE notes SET body = 'new' WHERE id = 3");
  EXPECT_EQ(fixture.walk(), 9U);
  run(user, "ROLLBACK");
  // Not in an hour: within a minute.
  EXPECT_EQ(
      value_of(fixture.db(), "SELECT walked_at < now() - interval '58 minutes' FROM embedd.vectorizers"),
      "t");
  run(fixture.db(), "UPDATE embedd.vectorizers SET walked_at = walked_at - interval '1 minute'");
  EXPECT_EQ(fixture.walk(), 1U);
}

TEST(QueueFaults, AWalkReadsTablesOfManyPagesAndForgetsProofsOfLostRows) {
  QueueFixture fixture(
      "CREATE TABLE notes (a text, b integer, body text, embedding vector(3), PRIMARY KEY (a, b))", kSpec);
  run(fixture.db(), "SET session_replication_role = replica");
  run(fixture.db(),
      "INSERT INTO notes SELECT 'group ' || i % 7, i, CASE WHEN i % 2 = 0 THEN 'text ' || i END, CASE WHEN i "
      "% 3 = 0 "
      "THEN '[1,2,3]'::vector END FROM generate_series(1, 13000) i");
  run(fixture.db(),
      "INSERT INTO embedd.ledger_1 (k1, k2, text_hash) SELECT 'group ' || i % 9, -i, 7 FROM "
      "generate_series(1, 23000) i");
  run(fixture.db(), "RESET session_replication_role");
  // Wanted: text without a vector (even, not of three: 4334), and a vector without text (odd, of three:
  // 2167), and a vector that nothing proves to be of its text (even, of three: 2166).
  EXPECT_EQ(fixture.walk(), 4334U + 2167U + 2166U);
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM embedd.ledger_1 WHERE k2 < 0"), "0");
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM embedd.ledger_1"), "0") << "none is adopted";
}

}  // namespace
}  // namespace embedd::test
