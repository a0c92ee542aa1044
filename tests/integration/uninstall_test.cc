// embedd uninstall: the database is as it was before `embedd migrate`, and what others made stays.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The schema as pg_dump writes it. Grants to the worker's role are not embedd's.
std::string dump_of(const std::string& url) {
  const char* binaries = std::getenv("EMBEDD_TEST_PG_BIN");
  const std::string path = binaries == nullptr ? "/usr/bin" : binaries;
  const Finished dumped = run_process(
      {.arguments =
           {"-c",
            fmt::format("set -o pipefail; PATH={}:/usr/bin:/bin; pg_dump --schema-only {} \"$URL\" | grep -v "
                        "-e '^..restrict' -e '^.unrestrict' -e '^.restrict'",
                        path, target() == Target::least_privilege ? "--no-privileges" : "")},
       .environment = {{"URL", url}},
       .program = "/bin/bash"});
  EXPECT_EQ(dumped.code, 0) << dumped.error_output;
  return dumped.output;
}

class Uninstall : public WorkerTest {
 protected:
  explicit Uninstall(const PrivatePostgres* server = nullptr) : WorkerTest(server) {}

  void done(const std::vector<std::string>& arguments) {
    const Finished finished = run_embedd(arguments);
    ASSERT_EQ(finished.code, 0) << arguments.front() << ": " << finished.error_output;
  }
  Finished uninstall(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"uninstall", "--yes"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments);
  }
  std::string dump() { return dump_of(database.url()); }
  void declare() {
    done({"vectorizer", "create", "docs", "--table", "docs", "--text", "{title}\\n{body}", "--column",
          "embedding", "--model-id-column", "embedding_model_id", "--model-version-column",
          "embedding_model_version", "--where", "views >= 0", "--index", "hnsw"});
  }
};

TEST_F(Uninstall, LeavesAColumnWithItsSuccessorIndexesAndScoreAsTheyWere) {
  create_docs();
  const std::string before = dump();
  done({"migrate"});
  declare();
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "reindex", "docs"});
  done({"vectorizer", "text-search", "docs", "english"});
  done({"vectorizer", "score", "docs", "similarity * ln(greatest(views, 0) + 2)"});
  done({"vectorizer", "change", "docs", "--text", "{body}"});
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "reindex", "docs.next"});
  ASSERT_NE(dump(), before);

  const Finished planned = run_embedd({"uninstall", "--dry-run"});
  EXPECT_EQ(planned.code, 0) << planned.error_output;
  for (const char* what :
       {"vectorizer docs\n", "vectorizer docs.next\n", "index public.embedd_1_hnsw\n",
        "index public.embedd_text_1\n", "column public.docs.\"embedding_next\"\n", "schema embedd\n"})
    EXPECT_THAT(planned.output, HasSubstr(std::string("would remove ") + what));
  EXPECT_THAT(planned.output, Not(HasSubstr("docs.\"embedding\"")));

  const Finished unasked = run_embedd({"uninstall"});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.error_output, HasSubstr("--yes"));
  ASSERT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "2") << "nothing is removed unasked";

  const Finished finished = uninstall();
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(wrong_docs(), "") << "the vectors in the owner's column stay";
  sql("UPDATE docs SET body = 'x'");

  const Finished again = uninstall();
  EXPECT_EQ(again.code, 0) << again.error_output;
}

TEST_F(Uninstall, GivesAColumnThatASwitchHasRenamedItsNameBack) {
  create_docs();
  const std::string before = dump();
  done({"migrate"});
  declare();
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "change", "docs", "--text", "{body}", "--index", "none"});
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "switch", "docs"});
  ASSERT_NE(wrong_docs(), "");
  const Finished finished = uninstall();
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(wrong_docs(), "") << "the owner's column, with the vectors of then";
}

TEST_F(Uninstall, LeavesAColumnThatHasTakenTheOwnersPlace) {
  create_docs();
  done({"migrate"});
  declare();
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "change", "docs", "--text", "{body}", "--index", "none"});
  ASSERT_EQ(work_once().code, 0);
  done({"vectorizer", "switch", "docs"});
  done({"vectorizer", "prune", "docs"});
  const Finished finished = uninstall();
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_EQ(value("SELECT count(embedding) FROM docs"), "5");
}

TEST_F(Uninstall, LeavesAColumnThatTheOwnerHasMadeUnderAFormerName) {
  create_docs();
  done({"migrate"});
  declare();
  done({"vectorizer", "change", "docs", "--text", "{body}", "--index", "none"});
  done({"vectorizer", "drop", "docs.next"});
  sql("ALTER TABLE docs DROP COLUMN IF EXISTS embedding_next");
  sql("ALTER TABLE docs ADD COLUMN embedding_next int DEFAULT 7");
  const Finished finished = uninstall();
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_EQ(value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname = "
                  "'embedding_next'"),
            "1");
}

TEST_F(Uninstall, DropsAStoreWithItsViewOrKeepsThem) {
  create_docs();
  sql("CREATE TABLE pages (id int PRIMARY KEY, body text)");
  sql("INSERT INTO pages SELECT i, 'a text of some words, the ' || i || 'th one of three' FROM "
      "generate_series(1, 3) i");
  const std::string before = dump();
  const auto install = [&] {
    done({"migrate"});
    done({"vectorizer", "create", "passages", "--table", "pages", "--text", "{body}", "--store", "passages",
          "--view", "passages_of_pages", "--chunk", "recursive:40", "--dimensions", "8"});
    ASSERT_EQ(work_once().code, 0);
  };
  install();
  sql("CREATE VIEW mine AS SELECT chunk FROM passages");
  const Finished halfway = uninstall();
  EXPECT_EQ(halfway.code, 1);
  EXPECT_THAT(halfway.error_output, HasSubstr("view mine depends on"));
  EXPECT_THAT(halfway.error_output, AllOf(HasSubstr("What is left: table public.passages; schema embedd"),
                                          Not(HasSubstr("CASCADE"))));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "0");
  sql("DROP VIEW mine");
  ASSERT_EQ(uninstall().code, 0);
  EXPECT_EQ(dump(), before);

  install();
  const Finished kept = uninstall({"--keep-vectors"});
  EXPECT_EQ(kept.code, 0) << kept.error_output;
  EXPECT_EQ(value("SELECT count(DISTINCT id) FROM passages_of_pages"), "3");
  EXPECT_EQ(value("SELECT to_regnamespace('embedd') IS NULL"), "t");
  EXPECT_EQ(
      value("SELECT count(*) FROM pg_class, aclexplode(relacl) WHERE relname = 'passages' AND grantee = "
            "(SELECT oid FROM pg_roles WHERE rolname = 'embedd_capture')"),
      "0");
}

TEST_F(Uninstall, DropsTracesOnlyIfNobodyHasWrittenToThem) {
  const std::string before = dump();
  done({"traces", "init", "--full", "--endpoint", "local"});
  ASSERT_EQ(uninstall().code, 0);
  EXPECT_EQ(dump(), before) << "the extension is gone, too";

  done({"traces", "init", "--full", "--endpoint", "local"});
  sql("INSERT INTO traces (title, context_text, solution_text) VALUES ('t', 'c', 's')");
  const Finished kept = uninstall();
  EXPECT_EQ(kept.code, 0) << kept.error_output;
  EXPECT_THAT(kept.error_output, HasSubstr("stays: public.traces: people have written"));
  EXPECT_EQ(value("SELECT count(*) FROM traces"), "1");
  sql("DROP TABLE traces, trace_tags, tags, trace_relationships");
  sql("DROP EXTENSION vector");

  done({"traces", "init", "--full", "--endpoint", "local"});
  sql("INSERT INTO traces (title, context_text, solution_text) VALUES ('t', 'c', 's')");
  ASSERT_EQ(uninstall({"--with-traces"}).code, 0);
  EXPECT_EQ(dump(), before);
}

TEST_F(Uninstall, WaitsUntilNoWorkerRuns) {
  declare_docs();
  {
    Embedd worker = start_worker();
    ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.workers") == 1; }));
    const Finished refused = uninstall();
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.error_output, HasSubstr("workers run: "));
    EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "1");
    EXPECT_EQ(worker.stop().code, 0);
  }
  EXPECT_EQ(uninstall().code, 0);
}

TEST_F(Uninstall, TouchesNothingThatEmbeddHasNotMade) {
  declare_docs();
  sql("CREATE TABLE embedd.mine (id int)");
  sql("CREATE TABLE embedd.account (id int)");
  sql("CREATE DOMAIN embedd.word AS text");
  sql("CREATE VIEW days AS SELECT day FROM embedd.usage");
  const Finished refused = uninstall();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.error_output,
              HasSubstr("embedd.mine is in the schema embedd, and embedd has not made it"));
  EXPECT_THAT(refused.error_output, HasSubstr("embedd.account is in the schema"));
  EXPECT_THAT(refused.error_output, HasSubstr("type embedd.word is in the schema"));
  EXPECT_THAT(refused.error_output, HasSubstr("view days uses an object of embedd's"));
  sql("DROP VIEW days");
  sql("DROP TABLE embedd.mine, embedd.account");
  sql("DROP DOMAIN embedd.word");

  // A role that may declare names a table of somebody else.
  sql("CREATE TABLE precious (id int, secret int)");
  sql("INSERT INTO embedd.made (kind, object, name) VALUES ('view', 'precious', 'none')");
  const std::string role = database.name() + "_forger";
  sql("CREATE ROLE " + role);
  sql("GRANT USAGE ON SCHEMA embedd TO " + role);
  sql("GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.made TO " + role);
  sql("SET ROLE " + role);
  sql("INSERT INTO embedd.made (kind, object, name, made_by) VALUES ('table', 'precious', 'precious', "
      "'postgres'), "
      "('column', 'precious', 'secret', 'postgres')");
  sql("UPDATE embedd.made SET made_by = 'postgres'");
  sql("UPDATE embedd.made SET kind = 'table', object = 'precious', name = 'precious' WHERE kind = 'view'");
  sql("RESET ROLE");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.made WHERE object = 'precious'::regclass AND made_by <> '" +
                  role + "'"),
            "0");
  ASSERT_EQ(uninstall().code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'precious'::regclass AND attnum > 0"),
            "2");
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

class UninstallAlone : private OwnServer, public Uninstall {
 protected:
  UninstallAlone() : Uninstall(&server) {}
  PrivatePostgres& own() { return server; }
};

TEST_F(UninstallAlone, DropsTheRoleWithTheLastDatabase) {
  declare_docs();
  const TestDatabase other(own());
  const Environment there = {{"DATABASE_URL", other.url()}};
  ASSERT_EQ(run_embedd({"migrate"}, there).code, 0);
  const Finished first = uninstall();
  EXPECT_EQ(first.code, 0) << first.error_output;
  EXPECT_THAT(first.error_output,
              HasSubstr("stays: the role embedd_capture: other databases use it: " + other.name()));
  const Finished last = run_embedd({"uninstall", "--yes"}, there);
  EXPECT_EQ(last.code, 0) << last.error_output;
  EXPECT_THAT(last.output, HasSubstr("removed role embedd_capture"));
  EXPECT_EQ(value("SELECT count(*) FROM pg_roles WHERE rolname = 'embedd_capture'"), "0");
  const Finished again = run_embedd({"uninstall", "--yes"}, there);
  EXPECT_EQ(again.code, 0) << again.error_output;
  EXPECT_EQ(again.output, "nothing of embedd's is in this database\n");
}

}  // namespace
}  // namespace embedd::test
