// A table that logical replication writes to: its apply worker fires no triggers, unless they are ENABLE
// ALWAYS.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/subscribed.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct LogicalServer {
  PrivatePostgres server{{"wal_level=logical"}};
};

/// Docs of a publisher, another database of the same server, arrive in ours.
class Subscribed : public LogicalServer, public WorkerTest {
 protected:
  Subscribed() : WorkerTest(&server), publisher_database(server), publisher(publisher_database.connect()) {}

  void subscribe() {
    run(publisher, "CREATE TABLE docs (slug text PRIMARY KEY, title text, body text)");
    run(publisher, "CREATE PUBLICATION docs FOR TABLE docs");
    run(publisher, "SELECT pg_create_logical_replication_slot('docs', 'pgoutput')");
    sql(fmt::format(
        "CREATE SUBSCRIPTION docs CONNECTION '{}' PUBLICATION docs WITH (create_slot = false, slot_name = "
        "'docs')",
        server.url(publisher_database.name())));
  }
  void TearDown() override {
    for (const char* statement : {"ALTER SUBSCRIPTION docs DISABLE",
                                  "ALTER SUBSCRIPTION docs SET (slot_name = NONE)", "DROP SUBSCRIPTION docs"})
      (void)db.exec(statement);
    EXPECT_TRUE(eventually([&] {
      return publisher.exec("SELECT pg_drop_replication_slot('docs')").has_value() ||
             value_of(publisher, "SELECT count(*) FROM pg_replication_slots") == "0";
    }));
  }
  void publish(const std::string& statement) { run(publisher, statement); }
  /// What was published so far has been applied here.
  bool arrived() {
    return eventually([&] {
      return value_of(publisher, "SELECT md5(string_agg(slug || title, ',' ORDER BY slug)) FROM docs") ==
             value("SELECT md5(string_agg(slug || title, ',' ORDER BY slug)) FROM docs");
    });
  }
  std::string queued() {
    return value("SELECT coalesce(string_agg(k1, ' ' ORDER BY k1), '') FROM embedd.queue_1");
  }

  TestDatabase publisher_database;
  pg::Connection publisher;
};

TEST_F(Subscribed, RowsAreFoundByTheWalk) {
  declare_docs();
  subscribe();
  publish("INSERT INTO docs VALUES ('a', 'first', ''), ('b', 'second', '')");
  ASSERT_TRUE(arrived()) << server.log();
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
  publish("UPDATE docs SET title = 'third' WHERE slug = 'a'");
  publish("INSERT INTO docs VALUES ('c', 'fourth', '')");
  ASSERT_TRUE(arrived()) << server.log();
  EXPECT_EQ(queued(), "") << "no trigger has fired";
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  EXPECT_TRUE(eventually([&] { return all_right(); })) << wrong_docs() << worker.log();
}

TEST_F(Subscribed, WhatArrivesKeepsWalksFromBeingPutOff) {
  declare_docs();
  subscribe();
  publish("INSERT INTO docs VALUES ('a', 'first', '')");
  ASSERT_TRUE(arrived()) << server.log();
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  const auto put_off = [&] {
    return value("SELECT walk_put_off_at IS NOT NULL FROM embedd.vectorizers") == "t";
  };
  ASSERT_TRUE(eventually([&] { return all_right() && put_off(); })) << worker.log();
  publish("UPDATE docs SET title = 'second'");
  ASSERT_TRUE(arrived()) << server.log();
  EXPECT_TRUE(eventually([&] { return all_right(); })) << wrong_docs() << worker.log();
}

TEST_F(Subscribed, CreateAndCheckSayWhatEnableAlwaysWouldChange) {
  create_docs();
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  subscribe();
  const Finished created = run_embedd({"vectorizer", "create", "docs", "--table", "docs", "--text",
                                       "{title}\\n{body}", "--column", "embedding"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  constexpr const char* kNote = "is written by logical replication (subscription docs)";
  EXPECT_THAT(created.error_output, HasSubstr(kNote));
  // Another than 1, where the table was in use at the first attempt.
  const std::string id = value("SELECT id FROM embedd.vectorizers");
  const Finished checked = run_embedd({"check"});
  EXPECT_EQ(checked.code, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr(kNote));
  EXPECT_THAT(checked.output, AllOf(HasSubstr("ENABLE ALWAYS TRIGGER embedd_update_" + id),
                                    HasSubstr("ENABLE ALWAYS TRIGGER embedd_vector_" + id)));

  // Whoever may read declarations is told, too.
  for (const char* grant : {"CREATE ROLE reader", "GRANT USAGE ON SCHEMA embedd TO reader",
                            "GRANT SELECT ON ALL TABLES IN SCHEMA embedd TO reader", "SET ROLE reader"})
    sql(grant);
  const auto info = schema::find_vectorizer(db, "docs");
  ASSERT_TRUE(info) << info.error().message;
  const auto note = schema::subscription_note(db, *info);
  ASSERT_TRUE(note) << note.error().message;
  EXPECT_THAT(note->value_or(""), HasSubstr(kNote));
  sql("RESET ROLE");

  // What it says to run.
  const std::size_t begin = checked.output.find("ALTER TABLE \"public\".\"docs\" ENABLE ALWAYS");
  ASSERT_NE(begin, std::string::npos) << checked.output;
  sql(checked.output.substr(begin, checked.output.find_first_of(";\n", begin) - begin));
  EXPECT_THAT(run_embedd({"check"}).output, Not(HasSubstr(kNote)));
  sql("DELETE FROM embedd.queue_" + id);
  publish("INSERT INTO docs VALUES ('a', 'first', '')");
  ASSERT_TRUE(arrived()) << server.log();
  sql("DELETE FROM embedd.queue_" + id);
  publish("UPDATE docs SET title = 'second'");
  ASSERT_TRUE(arrived()) << server.log();
  EXPECT_EQ(value("SELECT string_agg(k1, ' ') FROM embedd.queue_" + id), "a") << "captured as it was applied";
}

}  // namespace
}  // namespace embedd::test
