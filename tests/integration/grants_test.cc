// A worker whose role owns nothing: what `embedd grants` says is what it needs, and what is documented.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "support/paths.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Grants : public WorkerTest {
 protected:
  Grants() : role("owns_nothing_" + database.name()) {
    sql("CREATE ROLE " + role + " LOGIN PASSWORD 'least'");
  }
  ~Grants() override {
    sql("DROP OWNED BY " + role);
    sql("DROP ROLE " + role);
  }
  std::string grants() {
    const Finished printed = run_embedd({"grants", role});
    EXPECT_EQ(printed.code, 0) << printed.error_output;
    return printed.output;
  }
  void apply(const std::string& statements) {
    std::istringstream lines(statements);
    for (std::string statement; std::getline(lines, statement);) sql(statement);
  }

  std::string role;
};

TEST_F(Grants, LetARoleThatOwnsNothingRunTheWorker) {
  declare_docs();
  add_docs(100);
  apply(grants());
  provider.poisons("POISON", Answer::error(400, "invalid_value"));
  sql("UPDATE docs SET body = 'POISON' WHERE slug = 'doc-7'");
  sql("UPDATE docs SET title = NULL, body = NULL WHERE slug = 'doc-8'");

  const Environment as_worker{
      {"DATABASE_URL", with_parameters(database.url(), {{"user", role}, {"password", "least"}})}};
  const Finished run = work_once(as_worker);
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(wrong_docs(), "doc-7(none) ");
  EXPECT_EQ(dead_letters(), 1);
  sql("DELETE FROM docs WHERE slug = 'doc-7'");
  EXPECT_EQ(work_once(as_worker).code, 0);
  EXPECT_THAT(run.error_output, Not(HasSubstr("permission denied")));
  EXPECT_EQ(run_embedd({"migrate"}, as_worker).code, 0) << "a schema that is current needs no owner";
}

TEST_F(Grants, ThatAreMissingForOneVectorizerStopNeitherTheOthersNorTheEnd) {
  declare_docs();
  add_docs(20);
  apply(grants());
  sql("CREATE TABLE more (id int PRIMARY KEY, body text, embedding vector(8))");
  sql("INSERT INTO more VALUES (1, 'from before')");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "more", "--table", "more", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  const Environment as_worker{
      {"DATABASE_URL", with_parameters(database.url(), {{"user", role}, {"password", "least"}})}};
  const Finished run = work_once(as_worker);
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_THAT(run.error_output, HasSubstr("permission denied"));
  EXPECT_EQ(wrong_docs(), "");
  apply(grants());
  EXPECT_EQ(work_once(as_worker).code, 0);
  EXPECT_EQ(value("SELECT embedding IS NOT NULL FROM more"), "t");
}

TEST_F(Grants, CheckNamesTheOneForASchemaThatTheRoleMayNotUse) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE SCHEMA s3");
  sql("CREATE TABLE s3.notes (id int PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "s3.notes", "--text", "{body}",
                        "--column", "embedding"})
                .code,
            0);
  apply(grants());
  sql("REVOKE USAGE ON SCHEMA s3 FROM " + role);
  const Environment as_worker{
      {"DATABASE_URL", with_parameters(database.url(), {{"user", role}, {"password", "least"}})}};
  const Finished checked = run_embedd({"check"}, as_worker);
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output, HasSubstr("GRANT USAGE ON SCHEMA s3 TO " + role));
  EXPECT_THAT(checked.output, Not(HasSubstr("permission denied")));
}

/// The SQL block of docs/schema.md that grants.
std::string documented() {
  std::ifstream file(source_file("docs/schema.md"));
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str(), fence = "```";
  for (std::size_t at = text.find("```sql\n"); at != std::string::npos; at = text.find("```sql\n", at + 1)) {
    const std::size_t start = at + 7, end = text.find(fence, start);
    if (text.compare(start, 6, "GRANT ") == 0) return text.substr(start, end - start);
  }
  return "";
}

TEST_F(Grants, AreAsDocumented) {
  ASSERT_EQ(run_embedd({"traces", "init"}).code, 0);
  std::string printed = grants();
  for (std::size_t at; (at = printed.find(role)) != std::string::npos;)
    printed.replace(at, role.size(), "embedd_worker");
  EXPECT_EQ(printed, documented());
}

TEST_F(Grants, FollowEveryVectorizerIntoItsSchema) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql(R"(CREATE SCHEMA "My App")");
  sql(R"(CREATE TABLE "My App".notes (id int PRIMARY KEY, body text, "The Vector" vector(8)))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "\"My App\".notes", "--text", "{body}",
                        "--column", "The Vector"})
                .code,
            0);
  apply(grants());
  EXPECT_EQ(grants(), "");
  sql("CREATE TABLE more (id int PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "more", "--table", "more", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  EXPECT_EQ(grants(), fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.queue_2 TO {0};\n"
                                  "GRANT SELECT, INSERT, UPDATE, DELETE ON embedd.ledger_2 TO {0};\n"
                                  "GRANT SELECT, UPDATE (embedding) ON public.more TO {0};\n",
                                  role));
}

}  // namespace
}  // namespace embedd::test
