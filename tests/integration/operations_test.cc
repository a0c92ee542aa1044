// What the person on duty is told, and can do without a restart.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
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
  EXPECT_THAT(status(true),
              HasSubstr("\"reported_problems\":[{\"state\":\"quota_exhausted\",\"message\":\""));
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
  EXPECT_TRUE(eventually([&] { return status(true).find("\"reported_problems\":[]") != std::string::npos; }))
      << status();
  EXPECT_TRUE(worker.wait_for_log("\"event\":\"vectorizer_resumed\"")) << worker.log();
}

TEST_F(WhyRowsWait, ATableThatNobodyLookedAtIsNoEmptyQueue) {
  create_docs();
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  add_docs(200);
  create_vectorizer();
  EXPECT_THAT(status(), HasSubstr("≤200"));
  EXPECT_THAT(status(), HasSubstr("docs: up to 200 rows wait to be looked at, since it was created (20"));
  EXPECT_THAT(status(), HasSubstr("docs waits: no worker runs: embedd worker\n"));
  EXPECT_THAT(status(true), HasSubstr("\"unwalked_rows\":200,"));
  ASSERT_EQ(work_once().code, 0);
  EXPECT_THAT(status(),
              testing::AllOf(HasSubstr("current"), Not(HasSubstr("docs waits")), Not(HasSubstr("up to"))));
  add_docs(3, "more");
  EXPECT_THAT(status(), testing::AllOf(HasSubstr("no worker"), HasSubstr("docs waits: no worker runs")));
}

TEST_F(WhyRowsWait, AWorkerThatStoppedLeftItsReason) {
  declare_docs();
  add_docs(3);
  provider.answers_always(Answer::error(401, "invalid_api_key", "Incorrect API key provided"));
  Embedd worker = start_worker();
  ASSERT_TRUE(status_says("docs waits: unauthenticated, say 1 of 1 workers: ")) << status() << worker.log();
  ASSERT_EQ(worker.stop().code, 0);
  EXPECT_THAT(status(),
              testing::ContainsRegex("docs waits: unauthenticated, said a worker that stopped .* ago: "));
  EXPECT_THAT(status(), HasSubstr("docs waits: no worker runs"));
  EXPECT_THAT(status(), HasSubstr("no workers: embedd worker\n"));
  provider.answers_always(std::nullopt);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_THAT(status(), Not(HasSubstr("unauthenticated")));
  EXPECT_EQ(number("SELECT count(*) FROM embedd.workers"), 0);
}

TEST_F(WhyRowsWait, ARowThatIsTriedAgainSaysWhen) {
  declare_docs();
  ASSERT_EQ(work_once().code, 0);
  add_docs(1);
  sql("UPDATE embedd.queue_1 SET attempt = 1, run_at = now() + interval '40 minutes'");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_THAT(status(), HasSubstr("docs waits: rows that failed are tried again, the next in 40 min\n"));
}

TEST_F(WhyRowsWait, TablesFitInto80Columns) {
  create_docs();
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  const std::string name(63, 'n');
  ASSERT_EQ(run_embedd({"vectorizer", "create", name, "--table", "docs", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  sql("INSERT INTO embedd.queue_1 (k1, run_at) SELECT i::text, now() - interval '100 minutes' FROM "
      "generate_series(1, 12000) i");
  sql("INSERT INTO embedd.usage (vectorizer_id, model, requests, rows, tokens, cost_usd) VALUES (1, "
      "'text-embedding-3-small', 123456, 12345678, 1234567890, 123.4567)");
  sql("INSERT INTO embedd.workers (id, hostname, pid, rows_embedded, requests_in_flight, leases, "
      "draining) "
      "VALUES (gen_random_uuid(), repeat('h', 60), 1234567, 12345678, 64, 2048, true)");
  std::istringstream lines(status());
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with(name)) continue;  // prose, which a terminal's width wraps
    const auto characters = std::ranges::count_if(line, [](unsigned char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(characters, 80) << line;
  }
}

TEST_F(WhyRowsWait, ACopyOfTheDatabaseKnowsThatItIsOne) {
  declare_docs();
  add_docs(3);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_THAT(status(true), HasSubstr("\"usage_of_original_usd\":null"));
  // What a restored dump looks like from inside: everything in it was written elsewhere.
  sql("UPDATE embedd.usage SET database = 'another', cost_usd = 7");
  sql("INSERT INTO embedd.workers (id, database) VALUES (gen_random_uuid(), 'another')");
  EXPECT_THAT(status(), HasSubstr("this database is a copy; its original had spent USD 7.0000\n"));
  EXPECT_THAT(status(), testing::AllOf(HasSubstr("no workers"), Not(HasSubstr("docs, in all"))));
  EXPECT_THAT(status(true), HasSubstr("\"usage_of_original_usd\":7"));
}

class CheckAndStatus : public WorkerTest {};

/// What status calls broken, check fails for.
TEST_F(CheckAndStatus, AgreeOnWhatIsBroken) {
  declare_docs();
  const auto check = [this](const Environment& changes = {}) { return run_embedd({"check"}, changes); };
  EXPECT_THAT(check().output, HasSubstr("ok   vectorizer docs: "));
  EXPECT_THAT(check().output, HasSubstr("ok   tokenizer: "));
  const Finished keyless = check({{"OPENAI_API_KEY", ""}});
  EXPECT_EQ(keyless.code, 1);
  EXPECT_THAT(keyless.output, HasSubstr("FAIL vectorizer docs: its endpoint openai has no key here"));
  const Finished without_ranks = check({{"EMBEDD_TOKENIZER_RANKS", "/dev/null"}});
  EXPECT_EQ(without_ranks.code, 1);
  EXPECT_THAT(without_ranks.output,
              HasSubstr("FAIL tokenizer: EMBEDD_TOKENIZER_RANKS, /dev/null, cannot be read"));
  for (const char* change : {"ALTER TABLE docs ALTER COLUMN embedding TYPE vector(4)",
                             "ALTER TABLE docs DROP COLUMN embedding", "DROP TABLE embedd.queue_1"}) {
    sql(change);
    EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("broken")) << change;
    const Finished checked = check();
    EXPECT_EQ(checked.code, 1) << change;
    EXPECT_THAT(checked.output, HasSubstr("FAIL capture of docs: ")) << change;
    EXPECT_THAT(checked.output, Not(HasSubstr("ok   vectorizer docs"))) << change;
  }
}

TEST_F(CheckAndStatus, CheckNamesIndexesThatAnOldPgvectorMayCorrupt) {
  declare_docs();
  constexpr const char* kNote = "note pgvector: before 0.8.4 it can corrupt HNSW indexes";
  EXPECT_THAT(run_embedd({"check"}).output, Not(HasSubstr(kNote))) << "there is none yet";
  sql("CREATE INDEX vectors ON docs USING hnsw (embedding vector_cosine_ops)");
  const auto with_version = [&](const std::string& version) {
    run(db, "UPDATE pg_extension SET extversion = $1 WHERE extname = 'vector'", {version});
    return run_embedd({"check"});
  };
  for (const char* version : {"0.5.1", "0.8.0", "0.8.3"}) {
    const Finished checked = with_version(version);
    EXPECT_EQ(checked.code, 0) << checked.output;
    EXPECT_THAT(checked.output, HasSubstr(kNote)) << version;
    EXPECT_THAT(checked.output, HasSubstr("REINDEX INDEX CONCURRENTLY public.vectors;")) << version;
  }
  for (const char* version : {"0.8.4", "0.8.10", "0.10", "1.0.0", "unversioned"})
    EXPECT_THAT(with_version(version).output, Not(HasSubstr(kNote))) << version;
}

TEST_F(WhyRowsWait, APauseSurvivesRestartsAndOtherConfigurations) {
  declare_docs();
  ASSERT_EQ(run_embedd({"vectorizer", "pause", "docs"}).code, 0);
  add_docs(3);
  const auto nothing_is_bought = [&](const Environment& changes) {
    const Finished worked = work_once(changes);
    EXPECT_EQ(worked.code, 3) << worked.error_output;
    EXPECT_EQ(provider.stats().requests, 0u);
    EXPECT_EQ(jobs(), 3);
  };
  nothing_is_bought({});
  nothing_is_bought({{"EMBEDD_CLAIM_ROWS", "2"}, {"EMBEDD_WALK_SECONDS", "1"}});
  {
    Embedd killed = start_worker();
    ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.workers") > 0; }))
        << killed.log();
    killed.signal(SIGKILL);
    (void)killed.finish();
  }
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  nothing_is_bought({});
  EXPECT_THAT(status(), HasSubstr("paused"));
  ASSERT_EQ(run_embedd({"vectorizer", "resume", "docs"}).code, 0);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(WhyRowsWait, WhatAnybodyWroteIntoProblemsHarmsNoStatus) {
  declare_docs();
  sql("INSERT INTO embedd.workers (id, problems) SELECT gen_random_uuid(), t::jsonb FROM unnest(ARRAY["
      "'{}', '7', '[1]', '[{\"vectorizer\": \"x\", \"state\": {}}]', '[{\"vectorizer\": null}]']) t");
  const Finished finished = run_embedd({"status"});
  EXPECT_EQ(finished.code, 0) << finished.error_output;
}

class Listening : public WorkerTest {};

TEST_F(Listening, ProblemsOfItsConnectionAreLoggedLikeTheOthers) {
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
