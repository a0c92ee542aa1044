// What a table may do to the worker that stores vectors in it: be slow, refuse every row, fail in a trigger,
// change its column, turn read-only. Whatever it is, what was paid for is neither lost nor bought again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Stores : public WorkerTest {
 protected:
  /// A trigger of the user's for every update of a vector.
  void add_trigger(const std::string& name, const std::string& body, const std::string& when = "BEFORE") {
    sql(fmt::format("CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {} RETURN NEW; END$$",
                    name, body));
    sql(fmt::format("CREATE TRIGGER {0} {1} UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION {0}()",
                    name, when));
  }
  std::int64_t stored() { return number("SELECT count(embedding) FROM docs"); }
  std::int64_t kept() { return number("SELECT count(kept) FROM embedd.queue_1"); }
  std::string booked() {
    return value("SELECT sum(requests) || ' requests, ' || sum(tokens) || ' tokens' FROM embedd.usage");
  }
  std::string paid() {
    return fmt::format("{} requests, {} tokens", provider.stats().answered, provider.stats().tokens);
  }
};

TEST_F(Stores, ASlowTableIsWrittenInShortStatementsAndBoughtOnce) {
  declare_docs();
  add_trigger("dawdle", "PERFORM pg_sleep(0.1);");
  add_docs(80);
  Embedd worker = start_worker({{"EMBEDD_LEASE_SECONDS", "3"}});
  ASSERT_TRUE(eventually([&] { return stored() > 0; })) << worker.log();
  // Whoever touches a row that is being written waits for that statement, and for no more.
  pg::Connection user = database.connect();
  run(user, "SET lock_timeout = '3s'");
  while (stored() < 80)
    for (int row = 1; row <= 80; row += 7)
      run(user, fmt::format("UPDATE docs SET views = views + 1 WHERE slug = 'doc-{}'", row));
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u) << "leases of rows that waited for their turn have lapsed";
  EXPECT_EQ(worker.stop().code, 0);
}

/// As pgvector's HNSW index, once it is corrupt, refuses a vector that leads it to an emptied element.
TEST_F(Stores, AVectorThatAnIndexRefusesIsKeptUntilTheIndexIsMended) {
  declare_docs();
  sql("CREATE INDEX broken ON docs ((embedding <-> '[1,2]')) WHERE slug = 'doc-5'");
  add_docs(40);
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return stored() == 39 && kept() == 1; })) << worker.log();
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_THAT(worker.log(), HasSubstr("pgvector older than 0.8.4 can corrupt HNSW indexes"));
  sql("DROP INDEX broken");
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
}

TEST_F(Stores, ATableThatRefusesEveryRowRestsItsVectorizerAndKeepsWhatWasPaidFor) {
  declare_docs();
  add_trigger("refuse", "RAISE EXCEPTION 'not in this table';");
  add_docs(600);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"vectorizer_resting\"")) << worker.log();
  EXPECT_THAT(worker.log(), HasSubstr("PL/pgSQL function refuse()"));
  // How many rows were bought before the first refusal arrived is chance; each of those is kept.
  ASSERT_TRUE(eventually([&] {
    return kept() > 0 && kept() + dead_letters() == static_cast<std::int64_t>(provider.stats().inputs);
  })) << worker.log();
  EXPECT_LT(dead_letters(), 8);
  EXPECT_TRUE(eventually([&] { return booked() == paid(); })) << booked() << " of " << paid();
  sql("DROP TRIGGER refuse ON docs");
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(stored() + dead_letters(), 600);
  EXPECT_EQ(provider.stats().repeated_texts, 0u) << "what was kept was bought again";
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_EQ(booked(), paid());
}

TEST_F(Stores, ATriggerThatFailsCostsNoVectorTwice) {
  declare_docs();
  add_trigger("audit", "INSERT INTO audit_log VALUES (NEW.slug);", "AFTER");
  add_docs(300);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"vectorizer_resting\"")) << worker.log();
  EXPECT_THAT(worker.log(), HasSubstr("PL/pgSQL function audit()"));
  ASSERT_TRUE(eventually([&] {
    return kept() > 0 && kept() == static_cast<std::int64_t>(provider.stats().inputs);
  })) << worker.log();
  EXPECT_EQ(stored(), 0);
  sql("CREATE TABLE audit_log (slug text)");
  sql("GRANT ALL ON audit_log TO public");
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs, 300u) << "each was bought once";
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(Stores, AColumnOfAnotherSizeIsNoticedBeforeAnythingIsBought) {
  declare_docs();
  sql("ALTER TABLE docs ALTER embedding TYPE vector(768)");
  add_docs(50);
  const Finished finished = work_once();
  EXPECT_EQ(finished.code, 3) << finished.error_output;
  EXPECT_THAT(finished.error_output, HasSubstr("its column embedding is vector(768) by now"));
  EXPECT_EQ(provider.stats().inputs, 0u);
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_THAT(run_embedd({"status", "--json"}).output, HasSubstr("vector(768)"));
  sql("ALTER TABLE docs ALTER embedding TYPE vector(8)");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Stores, UsageIsBookedAlsoWhereStoringIsRefusedInPart) {
  declare_docs();
  sql("ALTER TABLE docs ADD CHECK (embedding IS NULL OR slug <> 'doc-7')");
  add_docs(60);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(dead_letters(), 1);
  EXPECT_EQ(booked(), paid());
}

class ReadOnly : public OwnServer, public WorkerTest {
 protected:
  ReadOnly() : WorkerTest(&server) {}
};

TEST_F(ReadOnly, OfSeveralHostsTheOneThatCanBeWrittenToIsFound) {
  EMBEDD_NOT_ON(pgbouncer, "its URL names the pooler");
  EMBEDD_NOT_ON(least_privilege, "the role is not on the other host");
  declare_docs();
  add_docs(20);
  PrivatePostgres standby({"default_transaction_read_only=on"});
  pg::Connection other = std::move(*pg::Connection::open(Secret(standby.url())));
  run(other, "SET default_transaction_read_only = off");
  run(other, fmt::format("CREATE DATABASE {}", database.name()));
  const std::string both = fmt::format("postgresql://postgres@127.0.0.1:{},127.0.0.1:{}/{}", standby.port(),
                                       server.port(), database.name());
  const Finished finished = work_once({{"DATABASE_URL", both}});
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_EQ(wrong_docs(), "");
  // A user's own word counts, and is answered.
  Embedd worker = start({"worker"}, {{"DATABASE_URL", both + "?target_session_attrs=any"}});
  EXPECT_TRUE(worker.wait_for_log("read-only")) << worker.log();
}

}  // namespace
}  // namespace embedd::test
