// What the person on duty is told, and can do without a restart.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class WhyRowsWait : public WorkerTest {
 protected:
  std::string status(bool json = false) {
    return run_embedd(json ? std::vector<std::string>{"status", "--json"}
                           : std::vector<std::string>{"status"})
        .output;
  }
  bool status_says(const std::string& what) {
    return eventually([&] { return status().find(what) != std::string::npos; });
  }
};

TEST_F(WhyRowsWait, AnEmptyAccountIsNamedByStatus) {
  declare_docs();
  provider.answers_always(Answer::error(429, "insufficient_quota", "You exceeded your current quota"));
  add_docs(3);
  Embedd worker = start_worker();
  EXPECT_TRUE(status_says("docs waits: quota_exhausted, say 1 of 1 workers: ")) << status() << worker.log();
  EXPECT_THAT(status(), HasSubstr("You exceeded your current quota"));
  EXPECT_THAT(status(true), HasSubstr("\"troubles\":[{\"state\":\"quota_exhausted\",\"message\":\""));
}

TEST_F(WhyRowsWait, AWorkersMissingKeyIsNamedAndNotOurs) {
  declare_docs();
  add_docs(3);
  Embedd worker = start_worker({{"OPENAI_API_KEY", ""}});
  EXPECT_TRUE(status_says("docs waits: no_api_key, say 1 of 1 workers")) << status() << worker.log();
}

TEST_F(WhyRowsWait, AMissingModelIsNamedUntilItIsThere) {
  declare_docs();
  provider.answers_always(Answer::error(404, "model_not_found", "The model does not exist"));
  add_docs(3);
  Embedd worker = start_worker();
  EXPECT_TRUE(status_says("docs waits: resting, say 1 of 1 workers: ")) << status() << worker.log();
  EXPECT_THAT(status(), HasSubstr("The model does not exist"));
  provider.answers_always(std::nullopt);
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_TRUE(eventually([&] { return status(true).find("\"troubles\":[]") != std::string::npos; }))
      << status();
  EXPECT_TRUE(worker.wait_for_log("\"event\":\"vectorizer_resumed\"")) << worker.log();
}

TEST_F(WhyRowsWait, WhatAnybodyWroteIntoTroublesHarmsNoStatus) {
  declare_docs();
  sql("INSERT INTO embedd.workers (id, troubles) SELECT gen_random_uuid(), t::jsonb FROM unnest(ARRAY["
      "'{}', '7', '[1]', '[{\"vectorizer\": \"x\", \"state\": {}}]', '[{\"vectorizer\": null}]']) t");
  const Finished finished = run_embedd({"status"});
  EXPECT_EQ(finished.code, 0) << finished.error_output;
}

class Listening : public WorkerTest {};

TEST_F(Listening, TroublesOfItsConnectionAreLoggedLikeTheOthers) {
  declare_docs();
  Embedd worker = start_worker({{"EMBEDD_LISTEN_URL", "postgresql://postgres@127.0.0.1:1/nowhere"}});
  EXPECT_TRUE(worker.wait_for_log("\"event\":\"database_unavailable\",\"connection\":\"notifications\""))
      << worker.log();
  add_docs(3);
  EXPECT_TRUE(wait_until_idle()) << worker.log();
}

TEST_F(Listening, CheckSaysWhetherNotificationsArrive) {
  declare_docs();
  const auto check = [&](const std::string& url) {
    return run_embedd({"check"}, {{"EMBEDD_LISTEN_URL", url}}).output;
  };
  EXPECT_THAT(check(database.url()), HasSubstr("ok   notifications: arrive at postgresql://"));
  EXPECT_THAT(
      check("postgresql://postgres@127.0.0.1:1/nowhere"),
      HasSubstr("FAIL notifications: EMBEDD_LISTEN_URL, postgresql://postgres@127.0.0.1:1/nowhere: "));
  EXPECT_THAT(check(with_parameters(database.url(), {{"dbname", "postgres"}})),
              HasSubstr("is not the database of DATABASE_URL"));
  if (!PgBouncer::installed()) GTEST_SKIP() << "PgBouncer is not installed: apt-get install pgbouncer";
  const PgBouncer pgbouncer(database);
  EXPECT_THAT(check(pgbouncer.url()), HasSubstr("leads to a pooler"));
}

class Rotation : public OwnServer, public WorkerTest {
 protected:
  Rotation() : WorkerTest(&server) {}

  /// Only `role` must show a password from now on.
  void ask_for_password(const std::string& role) {
    const std::string path = server.directory() + "/data/pg_hba.conf";
    std::stringstream before;
    before << std::ifstream(path).rdbuf();
    std::ofstream(path) << "host all " << role << " all scram-sha-256\n" << before.str();
    sql("SELECT pg_reload_conf()");
    const Secret without(with_parameters(database.url(), {{"user", role}}));
    ASSERT_TRUE(eventually([&] { return !pg::Connection::open(without); }));
  }
};

TEST_F(Rotation, APasswordInAFileIsReadAgainBeforeEachAttemptToConnect) {
  EMBEDD_NOT_ON(pgbouncer, "the worker's role and its URL are the test's own");
  EMBEDD_NOT_ON(least_privilege, "the worker's role and its URL are the test's own");
  declare_docs();
  sql("CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'pw-one-5150'");
  const auto url = [&](const char* password) {
    return with_parameters(database.url(), {{"user", "rotated"}, {"password", password}});
  };
  files.write("url", url("pw-one-5150"));
  ask_for_password("rotated");
  Embedd worker = start_worker({{"DATABASE_URL", ""}, {"DATABASE_URL_FILE", files.file("url")}});
  add_docs(3, "before");
  ASSERT_TRUE(wait_until_idle()) << worker.log();

  sql("ALTER ROLE rotated PASSWORD 'pw-two-1789'");
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'");
  ASSERT_TRUE(worker.wait_for_log("password authentication failed")) << worker.log();
  add_docs(3, "after");
  files.write("url", url("pw-two-1789"));
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_THAT(worker.log(), Not(HasSubstr("pw-one")));
  EXPECT_THAT(worker.log(), Not(HasSubstr("pw-two")));
}

}  // namespace
}  // namespace embedd::test
