// Whoever declares a vectorizer need own neither the table nor the schema `embedd`: what is missing is said
// at once, and what was made can be removed again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class OrdinaryRole : public WorkerTest {
 protected:
  OrdinaryRole() : maker("maker_" + database.name()), worker("worker_of_" + database.name()) {
    for (const std::string& role : {maker, worker}) sql("CREATE ROLE " + role + " LOGIN PASSWORD 'ordinary'");
    EXPECT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE SCHEMA app");
    sql("CREATE TABLE app.docs (id int PRIMARY KEY, body text, model text, embedding vector(8))");
    sql("INSERT INTO app.docs VALUES (1, 'from before')");
  }
  ~OrdinaryRole() override {
    for (const std::string& role : {maker, worker}) {
      sql("DROP OWNED BY " + role + " CASCADE");
      sql("DROP ROLE " + role);
    }
  }

  [[nodiscard]] Environment as(const std::string& role) const {
    return {{"DATABASE_URL", with_parameters(database.url(), {{"user", role}, {"password", "ordinary"}})}};
  }
  Finished create(const Environment& environment, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"vectorizer", "create", "docs",     "--table",   "app.docs",
                                       "--text",     "{body}", "--column", "embedding", "--model-id-column",
                                       "model"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments, environment);
  }
  /// Runs what stands after "run: ", and returns it.
  std::string apply_hint(const std::string& message) {
    const std::size_t at = message.find("run: GRANT ");
    EXPECT_NE(at, std::string::npos) << message;
    if (at == std::string::npos) return "";
    std::string statements = message.substr(at + 5);
    std::istringstream each(statements);
    for (std::string statement; std::getline(each, statement, ';');)
      if (statement.contains("GRANT")) sql(statement);
    return statements;
  }

  std::string maker, worker;
};

TEST_F(OrdinaryRole, DropsAVectorizerWhoseScoreASuperuserHasSet) {
  apply_hint(create(as(maker)).error_output);
  sql("GRANT SELECT ON app.docs TO " + maker);
  ASSERT_EQ(create(as(maker), {"--score", "similarity * id"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "score", "docs", "similarity - id"}).code, 0);
  const Finished set = run_embedd({"vectorizer", "score", "docs", "similarity + id"}, as(maker));
  EXPECT_EQ(set.code, 0) << set.error_output;
  const Finished dropped = run_embedd({"vectorizer", "drop", "docs"}, as(maker));
  EXPECT_EQ(dropped.code, 0) << dropped.error_output;
  EXPECT_EQ(value("SELECT to_regproc('embedd.score_1') IS NULL"), "t");
}

TEST_F(OrdinaryRole, HearsOfAllMissingGrantsAtOnceThenCreatesAndDrops) {
  const Finished refused = create(as(maker));
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(
      apply_hint(refused.error_output),
      fmt::format("GRANT USAGE, CREATE ON SCHEMA embedd TO {0}; "
                  "GRANT SELECT ON embedd.migrations TO {0}; "
                  "GRANT SELECT ON embedd.workers TO {0}; "
                  "GRANT SELECT, DELETE ON embedd.dead_letters TO {0}; "
                  "GRANT SELECT, INSERT, DELETE ON embedd.kept_proofs TO {0}; "
                  "GRANT SELECT, INSERT, DELETE ON embedd.missed_changes TO {0}; "
                  "GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.made TO {0}; "
                  "GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.vectorizers TO {0}; "
                  "GRANT EXECUTE ON FUNCTION embedd.queue_state, embedd.readable, embedd.record_missed, "
                  "embedd.text_of, embedd.utf8_problem TO {0}; "
                  "GRANT USAGE ON SCHEMA app TO {0}; "
                  "GRANT SELECT (body, id), UPDATE (embedding, model), TRIGGER ON app.docs TO {0};\n",
                  maker));
  const Finished created = create(as(maker));
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(value("SELECT embedding IS NOT NULL FROM app.docs"), "t");
  sql("UPDATE app.docs SET body = 'changed'");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.queue_1"), "1");

  const Finished dropped = run_embedd({"vectorizer", "drop", "docs"}, as(maker));
  EXPECT_EQ(dropped.code, 0) << dropped.error_output;
  EXPECT_EQ(
      value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.docs'::regclass AND NOT tgisinternal"),
      "0");
  sql("UPDATE app.docs SET body = 'and again'");
  EXPECT_EQ(create(as(maker)).code, 0) << "what was granted is enough for the next one";
}

TEST_F(OrdinaryRole, WithAConditionNeedsToReadTheTable) {
  apply_hint(create(as(maker), {"--where", "id > 0"}).error_output);
  const Finished created = create(as(maker), {"--where", "id > 0"});
  EXPECT_EQ(created.code, 0) << created.error_output;
  EXPECT_EQ(value(fmt::format("SELECT has_table_privilege('{}', 'app.docs', 'SELECT')", maker)), "t");
}

TEST_F(OrdinaryRole, HearsWhatTheWorkersWillLack) {
  EXPECT_EQ(run_embedd({"grants", worker, "--apply"}).code, 0);
  apply_hint(create(as(maker)).error_output);
  const Finished created = create(as(maker));
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr(fmt::format("the worker's role {} lacks", worker)));
  EXPECT_THAT(
      created.error_output,
      HasSubstr(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.ledger_1 TO {}", worker)));
  EXPECT_THAT(created.error_output,
              HasSubstr(fmt::format("GRANT SELECT, UPDATE (model, embedding) ON app.docs TO {}", worker)));
  EXPECT_EQ(run_embedd({"grants", worker, "--apply"}).code, 0);
  const Finished run = work_once(as(worker));
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(value("SELECT embedding IS NOT NULL FROM app.docs"), "t");
}

TEST_F(OrdinaryRole, CannotDropWhatAnotherCreatedAndHearsWhoCan) {
  ASSERT_EQ(create({}).code, 0);
  Finished refused = create(as(maker));
  apply_hint(refused.error_output);
  refused = run_embedd({"vectorizer", "drop", "docs"}, as(maker));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.error_output, HasSubstr("the vectorizer docs was created by the role "));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "1");
}

TEST_F(OrdinaryRole, WithoutAnyPrivilegeIsToldByCheck) {
  const Finished checked = run_embedd({"check"}, as(worker));
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output, HasSubstr("FAIL privileges: " + worker));
  EXPECT_THAT(checked.output, HasSubstr("embedd grants " + worker + " --apply"));
  EXPECT_THAT(checked.output, Not(HasSubstr("permission denied")));
}

}  // namespace
}  // namespace embedd::test
