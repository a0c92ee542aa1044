// The queue on tables as users have them: keys of any type, odd names, partitions, filters, halfvec.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/queue_fixture.h"

namespace embedd::test {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

struct TableCase {
  const char* name;
  const char* ddl;     ///< of table "Docs" with columns body, other, embedding, model, version
  const char* insert;  ///< three rows with bodies one, two, three
};

class QueueOnTables : public testing::TestWithParam<TableCase> {};

constexpr const char* kColumns =
    "body text, other integer, embedding vector(3), model varchar(100), version varchar(100)";

const TableCase kTables[] = {
    {"Bigint", "CREATE TABLE \"Docs\" (id bigint PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES (1, 'one'), (-2, 'two'), (9223372036854775807, 'three')"},
    {"Smallint", "CREATE TABLE \"Docs\" (id smallint PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES (1, 'one'), (-2, 'two'), (3, 'three')"},
    {"Uuid", "CREATE TABLE \"Docs\" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), %)",
     "INSERT INTO \"Docs\" (body) VALUES ('one'), ('two'), ('three')"},
    {"Text", "CREATE TABLE \"Docs\" (\"The Key\" text COLLATE \"C\" PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (\"The Key\", body) VALUES ('', 'one'), ('a''\"\\{},NULL', 'two'), ('ünï → 🙂', "
     "'three')"},
    {"Varchar", "CREATE TABLE \"Docs\" (id varchar(12) PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('exactly12chr', 'one'), ('b', 'two'), ('c', 'three')"},
    {"Char", "CREATE TABLE \"Docs\" (id char(5) PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('a', 'one'), ('bcdef', 'two'), ('c', 'three')"},
    {"Numeric", "CREATE TABLE \"Docs\" (id numeric(20, 5) PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES (1.5, 'one'), (-0.00001, 'two'), (123456789012345.6789, "
     "'three')"},
    {"Timestamp", "CREATE TABLE \"Docs\" (at timestamptz PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (at, body) VALUES ('infinity', 'one'), ('2020-02-29 12:00:00.123456+01', 'two'), "
     "('0044-03-15 BC', 'three')"},
    {"Enum",
     "CREATE SCHEMA \"My Types\"; CREATE TYPE \"My Types\".\"Colour\" AS ENUM ('red', 'Deep Blue', 'green'); "
     "CREATE TABLE \"Docs\" (id \"My Types\".\"Colour\" PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('red', 'one'), ('Deep Blue', 'two'), ('green', 'three')"},
    {"Domain",
     "CREATE DOMAIN code AS text CHECK (value <> ''); CREATE TABLE \"Docs\" (id code PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('a', 'one'), ('b', 'two'), ('c', 'three')"},
    {"DomainOverInteger",
     "CREATE DOMAIN number AS integer CHECK (value > 0); CREATE TABLE \"Docs\" (id number PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES (1, 'one'), (2, 'two'), (2147483647, 'three')"},
    {"Identity", "CREATE TABLE \"Docs\" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (body) VALUES ('one'), ('two'), ('three')"},
    {"Bytea", "CREATE TABLE \"Docs\" (id bytea PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('', 'one'), ('\\x00ff5c', 'two'), ('\\x27', 'three')"},
    {"Inet", "CREATE TABLE \"Docs\" (id inet PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('10.0.0.1', 'one'), ('10.0.0.1/8', 'two'), ('::1', 'three')"},
    {"Date", "CREATE TABLE \"Docs\" (id date PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('-infinity', 'one'), ('2026-02-03', 'two'), ('0044-03-15 BC', "
     "'three')"},
    {"NumericWithoutScale", "CREATE TABLE \"Docs\" (id numeric PRIMARY KEY, %)",
     "INSERT INTO \"Docs\" (id, body) VALUES ('NaN', 'one'), (1e40, 'two'), (-1.500, 'three')"},
    {"TextAndTimestamp",
     "CREATE TABLE \"Docs\" (host text, at timestamptz, addr inet, %, PRIMARY KEY (at, host, addr))",
     "INSERT INTO \"Docs\" (host, at, addr, body) VALUES ('a', '2026-02-03 04:05:06.000001+09', '::1', "
     "'one'), "
     "('a', '2026-02-03 04:05:06+09', '::1', 'two'), ('b', '2026-02-03 04:05:06+09', '::1', 'three')"},
    {"Composite",
     "CREATE TABLE \"Docs\" (\"Tenant\" uuid, \"select\" text, n integer, %, PRIMARY KEY (n, \"select\", "
     "\"Tenant\"))",
     "INSERT INTO \"Docs\" (\"Tenant\", \"select\", n, body) VALUES "
     "('00000000-0000-0000-0000-000000000001', 'a', 1, 'one'), ('00000000-0000-0000-0000-000000000001', 'a', "
     "2, 'two'), "
     "('00000000-0000-0000-0000-000000000001', 'b', 1, 'three')"},
    {"Partitioned",
     "CREATE TABLE \"Docs\" (id bigint PRIMARY KEY, %) PARTITION BY RANGE (id); "
     "CREATE TABLE docs_low PARTITION OF \"Docs\" FOR VALUES FROM (0) TO (100); "
     "CREATE TABLE docs_high PARTITION OF \"Docs\" FOR VALUES FROM (100) TO (200)",
     "INSERT INTO \"Docs\" (id, body) VALUES (1, 'one'), (2, 'two'), (150, 'three')"},
};

std::string with_columns(std::string ddl) { return ddl.replace(ddl.find('%'), 1, kColumns); }

TEST_P(QueueOnTables, EmbedsEachRowOnceAndClearsIt) {
  QueueFixture fixture(with_columns(GetParam().ddl), {.name = "docs",
                                                      .table = "\"Docs\"",
                                                      .text = "{body}",
                                                      .column = "embedding",
                                                      .model_id_column = "model",
                                                      .model_version_column = "version"});
  run(fixture.db(), GetParam().insert);
  const std::vector<Job> jobs = fixture.claim();
  ASSERT_THAT(jobs, SizeIs(3));
  EXPECT_THAT(fixture.complete(jobs), Each(Outcome::done));
  // Each row has the vector that was made for its text.
  for (std::size_t i = 0; i < jobs.size(); ++i)
    EXPECT_EQ(value_of(fixture.db(), "SELECT embedding::text FROM \"Docs\" WHERE body = $1", {jobs[i].text}),
              "[" + std::to_string(i + 1) + ",0,0]");
  EXPECT_EQ(
      value_of(fixture.db(), "SELECT count(*) FROM \"Docs\" WHERE model = 'model' AND version = 'model-1'"),
      "3");

  // Nothing is found missing, and another column's update is nobody's business.
  EXPECT_EQ(fixture.walk(), 0U);
  run(fixture.db(), "UPDATE \"Docs\" SET other = 1");
  EXPECT_THAT(fixture.claim(), IsEmpty());

  // A lost trigger's work is found again.
  run(fixture.db(), "SET session_replication_role = replica");
  run(fixture.db(), "UPDATE \"Docs\" SET body = body || '!' WHERE body IN ('one', 'three')");
  run(fixture.db(), "RESET session_replication_role");
  run(fixture.db(), "UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(fixture.walk(), 2U);
  EXPECT_THAT(fixture.complete(fixture.claim()), Each(Outcome::done));

  run(fixture.db(), "UPDATE \"Docs\" SET body = NULL");
  const std::vector<Job> emptied = fixture.claim();
  EXPECT_THAT(emptied, SizeIs(3));
  for (const Job& job : emptied) EXPECT_EQ(job.task, Task::clear);
  EXPECT_THAT(fixture.settle(fixture.settlement(Action::clear, emptied)), Each(Outcome::done));
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM \"Docs\" WHERE embedding IS NULL AND model IS NULL"),
            "3");

  // A dead letter names its row.
  run(fixture.db(), "UPDATE \"Docs\" SET body = 'poison'");
  EXPECT_THAT(fixture.settle(fixture.settlement(Action::discard, fixture.claim())), Each(Outcome::done));
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(DISTINCT key) FROM embedd.dead_letters"), "3");

  run(fixture.db(), "DELETE FROM \"Docs\"");
  const std::string n = std::to_string(fixture.id());
  EXPECT_EQ(value_of(fixture.db(), "SELECT (SELECT count(*) FROM embedd.queue_" + n +
                                       ") + (SELECT count(*) FROM embedd.ledger_" + n +
                                       ") + (SELECT count(*) FROM embedd.dead_letters)"),
            "0");
}

INSTANTIATE_TEST_SUITE_P(Keys, QueueOnTables, testing::ValuesIn(kTables),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(QueueOnHalfvec, StoresAndKeepsVectors) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding halfvec(3))",
                       {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"});
  run(fixture.db(), "INSERT INTO docs VALUES (1, 'one'), (2, 'two')");
  pg::Connection user = fixture.connect();
  run(user, "BEGIN");
  run(user, "SELECT FROM docs WHERE id = 1 FOR UPDATE");
  EXPECT_THAT(fixture.complete(fixture.claim()), testing::ElementsAre(Outcome::kept, Outcome::done));
  run(user, "COMMIT");
  run(fixture.db(), "UPDATE embedd.queue_1 SET run_at = now()");
  Settlement kept = fixture.completion(fixture.claim());
  kept.jobs[0].slot = -1;
  EXPECT_THAT(fixture.settle(kept), Each(Outcome::done));
  EXPECT_EQ(value_of(fixture.db(), "SELECT embedding::text FROM docs WHERE id = 1"), "[1,0,0]");
}

TEST(QueueWithFilter, ClearsWhatIsNoLongerCovered) {
  QueueFixture fixture(
      "CREATE TABLE docs (id integer PRIMARY KEY, body text, public boolean, embedding vector(3))",
      {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding", .where = "public"});
  run(fixture.db(), "INSERT INTO docs VALUES (1, 'one', true), (2, 'two', false), (3, 'three', NULL)");
  std::vector<Job> clear, embed;
  const auto claim = [&] {
    clear.clear();
    embed.clear();
    for (const Job& job : fixture.claim()) (job.task == Task::clear ? clear : embed).push_back(job);
  };
  claim();
  ASSERT_THAT(embed, SizeIs(1));
  fixture.complete(embed);
  ASSERT_THAT(clear, SizeIs(2));
  fixture.settle(fixture.settlement(Action::clear, clear));
  run(fixture.db(), "UPDATE docs SET public = NOT public");
  claim();
  ASSERT_THAT(embed, SizeIs(1));
  EXPECT_EQ(embed[0].text, "two");
  fixture.complete(embed);
  fixture.settle(fixture.settlement(Action::clear, clear));
  EXPECT_EQ(value_of(fixture.db(), "SELECT string_agg(id::text, ',') FROM docs WHERE embedding IS NOT NULL"),
            "2");
}

TEST(QueueWithLongTexts, HandsOutTheFirstCharactersOnly) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding vector(3))",
                       {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"});
  run(fixture.db(), "INSERT INTO docs VALUES (1, repeat('ä', 5000000))");
  const std::vector<Job> jobs = fixture.claim();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_EQ(jobs[0].text.size(), 2 * 65'536U);
  EXPECT_THAT(fixture.complete(jobs), Each(Outcome::done));
}

TEST(QueueWithLongTexts, CutsWhatManyColumnsMakeTogether) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, a text, b text, embedding vector(3))",
                       {.name = "docs", .table = "docs", .text = "{a}, {b}, {a}", .column = "embedding"});
  run(fixture.db(),
      "INSERT INTO docs VALUES (1, repeat('a', 30000), NULL), (2, repeat('a', 40000), 'b'), (3, repeat('a', "
      "32766), '')");
  std::vector<std::size_t> sizes;
  for (const Job& job : fixture.claim()) sizes.push_back(job.text.size());
  EXPECT_THAT(sizes, testing::UnorderedElementsAre(60'004U, 65'536U, 65'536U));
}

TEST(QueueSettling, SplitsLongSettlementsAndKeepsTheOrder) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding vector(3))",
                       {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"});
  run(fixture.db(), "INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 1000) i");
  const std::vector<Job> jobs = fixture.claim(2000);
  ASSERT_EQ(jobs.size(), 1000U);
  run(fixture.db(), "UPDATE docs SET body = 'changed' WHERE id = 777");
  const std::vector<Outcome> outcomes = fixture.complete(jobs);
  ASSERT_THAT(outcomes, SizeIs(1000));
  for (std::size_t i = 0; i < jobs.size(); ++i)
    EXPECT_EQ(outcomes[i], jobs[i].text == "text 777" ? Outcome::gone : Outcome::done) << jobs[i].text;
  for (const std::size_t i : {0U, 255U, 256U, 999U})
    EXPECT_EQ(value_of(fixture.db(), "SELECT embedding::text FROM docs WHERE body = $1", {jobs[i].text}),
              "[" + std::to_string(i + 1) + ",0,0]");
}

TEST(QueueSharing, TwoWorkersNeverClaimTheSameRow) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding vector(3))",
                       {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"});
  const auto other = fixture.another_queue();
  run(fixture.db(), "INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 500) i");
  std::set<Key> seen;
  std::size_t claimed = 0;
  for (int turn = 0; turn < 20; ++turn)
    for (queue::PgQueue* queue : {&fixture.queue(), other.get()}) {
      const auto jobs = fixture.try_claim(*queue, 40);
      ASSERT_TRUE(jobs.has_value());
      claimed += jobs->size();
      for (const Job& job : *jobs) seen.insert(job.key);
    }
  EXPECT_EQ(claimed, 500U);
  EXPECT_THAT(seen, SizeIs(500));
}

TEST(QueueUsage, IsBookedOncePerAnswerWhateverBecomesOfIt) {
  QueueFixture fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding vector(3))",
                       {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"});
  {
    const auto other = fixture.another_queue();
    run(fixture.db(), "ALTER TABLE docs ADD CHECK (embedding IS NULL OR body <> 'poison')");
    run(fixture.db(), "INSERT INTO docs VALUES (1, 'one'), (2, 'two'), (3, 'poison')");
    auto jobs = fixture.try_claim(*other);
    const auto settle = [&](Settlement settlement) {
      other->send_settlement(std::make_shared<const Settlement>(settlement));
      return wait_for_one(*other, [&] { return other->take_receipts(); }).outcomes.has_value();
    };
    Settlement settlement = fixture.completion(*jobs);
    EXPECT_FALSE(settle(settlement)) << "one row is refused, and its tokens were paid for all the same";
    jobs->pop_back();
    settlement = fixture.completion(*jobs);
    settlement.requests = settlement.tokens = 0;
    for (int time = 0; time < 2; ++time) EXPECT_TRUE(settle(settlement));
  }  // the destructor writes what is left
  EXPECT_EQ(value_of(fixture.db(), "SELECT concat_ws('/', model, requests, rows, tokens) FROM embedd.usage"),
            "model/1/2/30");
  EXPECT_EQ(value_of(fixture.db(), "SELECT count(*) FROM embedd.workers"), "1");
}

/// Two vectorizers, the first of which has figures that its row in embedd.usage cannot take: the trigger
/// refuses them, and counts how often it is asked.
class RefusedUsage : public testing::Test {
 protected:
  RefusedUsage()
      : fixture("CREATE TABLE docs (id integer PRIMARY KEY, body text, embedding vector(3))",
                {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"}) {
    run(fixture.db(), "CREATE TABLE more (id integer PRIMARY KEY, body text, embedding vector(3))");
    const auto created = schema::create_vectorizer(
        fixture.db(), {.name = "more", .table = "more", .text = "{body}", .column = "embedding"});
    CHECK(created.has_value(), "{}", created.error().message);
    run(fixture.db(), "CREATE SEQUENCE refusals");
    run(fixture.db(),
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
        "nextval('public.refusals'); RAISE 'bigint out of range'; END$$");
    run(fixture.db(),
        "CREATE TRIGGER refuse BEFORE INSERT ON embedd.usage FOR EACH ROW WHEN (NEW.vectorizer_id = 1) "
        "EXECUTE FUNCTION refuse()");
    run(fixture.db(), "GRANT USAGE ON SEQUENCE refusals TO PUBLIC");
    run(fixture.db(), "INSERT INTO docs VALUES (1, 'one')");
    jobs = fixture.claim();
  }
  /// Something is bought for either of them.
  void buy(queue::PgQueue& queue) {
    for (const VectorizerId id : {1, 2}) {
      Settlement settlement{.vectorizer = id,
                            .action = Action::reschedule,
                            .jobs = {{.key = jobs.at(0).key, .lease = jobs.at(0).lease}},
                            .model_id = "model",
                            .requests = 1,
                            .tokens = 10};
      queue.send_settlement(std::make_shared<const Settlement>(std::move(settlement)));
      wait_for_one(queue, [&] { return queue.take_receipts(); });
    }
  }
  std::string booked() {
    return value_of(fixture.db(),
                    "SELECT string_agg(concat_ws('/', vectorizer_id, requests, tokens), ' ' ORDER BY "
                    "vectorizer_id) FROM embedd.usage");
  }
  std::int64_t refusals() {
    return std::stoll(
        value_of(fixture.db(), "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refusals"));
  }

  QueueFixture fixture;
  std::vector<Job> jobs;
};

TEST_F(RefusedUsage, OfOneVectorizerHoldsUpNoOtherAndIsSaidAndBookedLater) {
  const auto queue = fixture.another_queue();
  buy(*queue);
  std::vector<Unbooked> unbooked;
  const std::string expected = "2/1/10";
  wait_for(*queue, [&]() -> std::optional<bool> {
    (void)queue->take_receipts();
    for (Unbooked& each : queue->take_unbooked()) unbooked.push_back(std::move(each));
    return !unbooked.empty() && booked() == expected ? std::optional(true) : std::nullopt;
  });
  EXPECT_EQ(unbooked[0].vectorizer, 1);
  EXPECT_EQ(unbooked[0].tokens, 10U);
  EXPECT_THAT(unbooked[0].error.message, testing::HasSubstr("raise_exception"));
  EXPECT_FALSE(unbooked[0].lost);
  run(fixture.db(), "DROP TRIGGER refuse ON embedd.usage");
  wait_for(*queue, [&]() -> std::optional<bool> {
    (void)queue->take_receipts();
    return booked() == "1/1/10 2/1/10" ? std::optional(true) : std::nullopt;
  });
}

TEST_F(RefusedUsage, IsAskedForWithPausesAlsoAtTheEnd) {
  buy(*fixture.another_queue());
  EXPECT_EQ(booked(), "2/1/10");
  EXPECT_GE(refusals(), 1);
  EXPECT_LE(refusals(), 8);
}

TEST_F(RefusedUsage, FiguresThatAreFullStayFull) {
  run(fixture.db(), "DROP TRIGGER refuse ON embedd.usage");
  run(fixture.db(),
      "INSERT INTO embedd.usage (vectorizer_id, model, requests, rows, tokens) SELECT id, 'model', "
      "9223372036854775807, 0, 9223372036854775800 FROM embedd.vectorizers");
  buy(*fixture.another_queue());
  EXPECT_EQ(booked(), "1/9223372036854775807/9223372036854775807 2/9223372036854775807/9223372036854775807");
}

}  // namespace
}  // namespace embedd::test
