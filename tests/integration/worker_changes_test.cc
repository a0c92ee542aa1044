// A running worker keeps vectors true while rows change, and pays for nothing but new text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class Changes : public WorkerTest {
 protected:
  /// Embeds 20 rows, with a worker that stays up.
  void embed_docs() {
    declare_docs();
    add_docs(20);
    worker = std::make_unique<Embedd>(start_worker());
    ASSERT_TRUE(wait_until_idle()) << worker->log();
    ASSERT_EQ(wrong_docs(), "");
    paid = provider.stats().inputs;
  }
  /// Texts bought since.
  std::uint64_t bought() const { return provider.stats().inputs - paid; }
  bool settled() {
    return wait_until_idle() && eventually([this] { return all_right(); });
  }

  std::unique_ptr<Embedd> worker;
  std::uint64_t paid = 0;
};

TEST_F(Changes, ANewTextReembedsExactlyThatRow) {
  embed_docs();
  sql("UPDATE docs SET body = 'something else' WHERE slug = 'doc-3'");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(provider.times_embedded(text_of("doc-3")), 1u);
}

TEST_F(Changes, AnotherColumnOrTheSameTextBuysNothing) {
  embed_docs();
  sql("UPDATE docs SET views = views + 1");
  EXPECT_EQ(jobs(), 0);
  sql("UPDATE docs SET title = title, body = body || ''");
  EXPECT_EQ(jobs(), 0);
  // Work that comes after: when it is done, the worker has had every reason to look.
  sql("UPDATE docs SET body = 'a real change' WHERE slug = 'doc-1'");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(bought(), 1u);
}

TEST_F(Changes, ATextThatChangesBackBuysNothing) {
  embed_docs();
  sql("BEGIN");
  sql("UPDATE docs SET body = body || '!' WHERE slug = 'doc-5'");
  sql("UPDATE docs SET body = rtrim(body, '!') WHERE slug = 'doc-5'");
  EXPECT_EQ(jobs(), 1);
  sql("COMMIT");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(bought(), 0u);
}

TEST_F(Changes, ATextThatBecomesNullLosesItsVector) {
  embed_docs();
  sql("UPDATE docs SET title = NULL, body = NULL WHERE slug = 'doc-9'");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(value("SELECT embedding FROM docs WHERE slug = 'doc-9'"), "NULL");
  EXPECT_EQ(value("SELECT embedding_model_id FROM docs WHERE slug = 'doc-9'"), "NULL");
  EXPECT_EQ(bought(), 0u);
}

TEST_F(Changes, ADeletedRowLeavesNothingBehind) {
  embed_docs();
  provider.hold();
  sql("UPDATE docs SET body = 'last words' WHERE slug = 'doc-2'");
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 1; }));
  sql("DELETE FROM docs WHERE slug IN ('doc-2', 'doc-4')");
  EXPECT_EQ(jobs(), 0);
  provider.release();
  EXPECT_TRUE(eventually([&] { return worker->metric("embedd_in_flight_requests") == 0; }));
  EXPECT_TRUE(eventually([&] { return worker->metric("embedd_leases") == 0; }));
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.ledger_1"), "18");
  EXPECT_EQ(worker->metric("embedd_stale_discarded_total"), 1);
}

TEST_F(Changes, AChangedKeyKeepsItsVector) {
  embed_docs();
  const std::vector<float> before = vector_of("doc-6");
  sql("UPDATE docs SET slug = 'renamed' WHERE slug = 'doc-6'");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(vector_of("renamed"), before);
  EXPECT_EQ(bought(), 0u);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.ledger_1"), "20");
}

TEST_F(Changes, ATextChangedInFlightNeverGetsTheOldVector) {
  declare_docs();
  // What any reader could have seen: every vector that was ever stored. Triggers of the users' own run with
  // the rights of who stores it.
  sql("CREATE TABLE seen (slug text, vector text)");
  sql("GRANT INSERT ON seen TO PUBLIC");
  sql("CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN INSERT INTO public.seen VALUES (new.slug, new.embedding::text); RETURN NULL; END$$");
  sql("CREATE TRIGGER watch AFTER UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION watch()");
  provider.hold();
  worker = std::make_unique<Embedd>(start_worker());
  add_docs(1);
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 1; }, seconds(60)))
      << worker->log();
  const std::string old_text = text_of("doc-1");
  sql("UPDATE docs SET body = 'the new text'");
  provider.release();
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(vector_of("doc-1"), expected_vector("Title of doc 1\nthe new text", kDimensions));
  EXPECT_EQ(value("SELECT count(*) FROM seen"), "1") << "only the new text's vector was ever stored";
  EXPECT_EQ(provider.times_embedded(old_text), 1u) << "the old text was answered";
  EXPECT_EQ(worker->metric("embedd_stale_discarded_total"), 1);
}

TEST_F(Changes, AUserWhoHoldsARowIsNotWaitedForAndNothingIsBoughtTwice) {
  embed_docs();
  pg::Connection user = database.connect();
  provider.hold();
  sql("UPDATE docs SET body = 'changed' WHERE slug IN ('doc-1', 'doc-2')");
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 1; }));
  run(user, "BEGIN");
  run(user, "UPDATE docs SET views = 7 WHERE slug = 'doc-1'");
  provider.release();
  ASSERT_TRUE(eventually([&] {
    return number("SELECT count(*) FROM embedd.queue_1 WHERE kept IS NOT NULL") == 1;
  })) << worker->log();
  EXPECT_EQ(wrong_docs(), "doc-1(wrong) ") << "its neighbour is stored meanwhile";
  run(user, "COMMIT");
  ASSERT_TRUE(settled()) << wrong_docs() << worker->log();
  EXPECT_EQ(bought(), 2u);
}

class Notified : public WorkerTest {};

TEST_F(Notified, ANewRowIsEmbeddedLongBeforeTheNextPoll) {
  EMBEDD_NOT_ON(pgbouncer, "notifications do not pass through; the next test listens past it");
  declare_docs();
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "3600"}});
  // Polled and walked, with nothing found: from here it only listens.
  ASSERT_TRUE(eventually([&] {
    return value("SELECT walked_at IS NOT NULL FROM embedd.vectorizers") == "t";
  })) << worker.log();
  add_docs(1);
  EXPECT_TRUE(eventually([&] { return all_right(); }, seconds(20))) << worker.log();
}

TEST_F(Notified, APooledWorkerIsToldThroughItsOwnConnection) {
  if (!PgBouncer::installed()) GTEST_SKIP() << "PgBouncer is not installed: apt-get install pgbouncer";
  const PgBouncer pgbouncer(database);
  declare_docs();
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "3600"},
                                {"DATABASE_URL", pgbouncer.url()},
                                {"EMBEDD_LISTEN_URL", database.url()}});
  ASSERT_TRUE(eventually([&] {
    return value("SELECT walked_at IS NOT NULL FROM embedd.vectorizers") == "t";
  })) << worker.log();
  ASSERT_TRUE(eventually(
      [&] { return number("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN embedd'") > 0; }));
  add_docs(1);
  EXPECT_TRUE(eventually([&] { return all_right(); }, seconds(20))) << worker.log();
}

}  // namespace
}  // namespace embedd::test
