// embedd export and embedd apply: vectorizers as a file, and the file as vectorizers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Apply : public WorkerTest {
 protected:
  void SetUp() override {
    create_docs();
    sql("CREATE TABLE pages (id int PRIMARY KEY, title text, body text)");
    sql("CREATE SCHEMA app");
    sql("CREATE TABLE app.\"Parts\" (part text, number int, body text, votes int, embedding vector(8), "
        "half halfvec(8), PRIMARY KEY (part, number))");
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  }

  Finished apply(const std::string& toml, const std::vector<std::string>& more = {}) {
    files.write("vectorizers.toml", toml);
    std::vector<std::string> arguments = {"apply", "-f", files.file("vectorizers.toml")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments);
  }
  std::string exported() {
    const Finished finished = run_embedd({"export"});
    EXPECT_EQ(finished.code, 0) << finished.error_output;
    return finished.output;
  }

  static constexpr const char* kDocs =
      "[[vectorizer]]\nname = 'docs'\ntable = 'docs'\ntext = '{title}\\n{body}'\ncolumn = 'embedding'\n"
      "model_id_column = 'embedding_model_id'\nmodel_version_column = 'embedding_model_version'\n";
  /// Every shape: a store with view, chunks and words; composite keys, a filter, a score, row triggers.
  static constexpr const char* kShapes =
      "[[vectorizer]]\nname = 'passages'\ntable = 'pages'\ntext = '{body}'\nstore = 'passages'\n"
      "view = 'passages_of_pages'\nchunk = 'recursive:40,8'\nchunk_template = '{title}\\n{chunk}'\n"
      "halfvec = true\ndimensions = 8\ntext_search = 'english'\nlong_texts = 'average'\n"
      "[[vectorizer]]\nname = 'parts'\ntable = 'app.\"Parts\"'\ntext = '{body}'\ncolumn = 'embedding'\n"
      "where = \"votes > 0 AND body <> 'it''s'\"\nscore = 'similarity * ln(greatest(votes, 0) + 2)'\n"
      "text_search = 'english'\nindex = 'hnsw'\ncapture = 'rows'\n"
      "[[vectorizer]]\nname = 'halves'\ntable = 'app.\"Parts\"'\ntext = '{?body}Part: {part}{/}{body}'\n"
      "column = 'half'\nendpoint = 'local'\npaused = true\nlong_texts = 'discard'\nbudget_tokens_per_day = "
      "5000\n";
};

TEST_F(Apply, CreatesThenFindsNothingToDo) {
  add_docs(3);
  const Finished planned = apply(kDocs, {"--dry-run"});
  EXPECT_EQ(planned.code, 0) << planned.error_output;
  EXPECT_EQ(planned.output, "create docs\n");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "0");

  const Finished made = apply(kDocs);
  EXPECT_EQ(made.code, 0) << made.error_output;
  EXPECT_EQ(made.output, "create docs\n");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");

  const Finished again = apply(kDocs);
  EXPECT_EQ(again.code, 0) << again.error_output;
  EXPECT_EQ(again.output, "nothing is to be done\n");
}

TEST_F(Apply, AnEmptyDatabaseGetsWhatAnotherHasExported) {
  const Finished made = apply(kDocs + std::string(kShapes));
  ASSERT_EQ(made.code, 0) << made.error_output;
  const std::string before = exported();
  for (const char* line : {"key = [\"part\", \"number\"]\n", "view = \"public.passages_of_pages\"\n",
                           "paused = true\n", "capture = \"rows\"\n", "budget_tokens_per_day = 5000\n",
                           "text_search = \"pg_catalog.english\"\n", "halfvec = true\n"})
    EXPECT_THAT(before, HasSubstr(line));
  const Finished nothing = apply(before);
  EXPECT_EQ(nothing.code, 0) << nothing.error_output;
  EXPECT_EQ(nothing.output, "nothing is to be done\n");

  ASSERT_EQ(run_embedd({"uninstall", "--yes"}).code, 0);
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  EXPECT_EQ(exported(), "");
  const Finished restored = apply(before);
  ASSERT_EQ(restored.code, 0) << restored.error_output;
  EXPECT_EQ(exported(), before);
}

TEST_F(Apply, ChangesInPlaceWhatCanBeChangedInPlace) {
  ASSERT_EQ(apply(kDocs).code, 0);
  const std::string more =
      kDocs + std::string(
                  "score = 'similarity + views'\ntext_search = 'english'\nindex = 'hnsw'\n"
                  "paused = true\n");
  const Finished set = apply(more);
  EXPECT_EQ(set.code, 0) << set.error_output;
  EXPECT_EQ(set.output, "set paused, index, score, text_search of docs\n");
  EXPECT_EQ(value("SELECT concat_ws(' ', index_kind, score, text_search, state) FROM embedd.vectorizers"),
            "hnsw similarity + views pg_catalog.english paused");
  EXPECT_EQ(apply(more).output, "nothing is to be done\n");
  EXPECT_EQ(apply(kDocs).code, 0);
  EXPECT_EQ(value("SELECT concat_ws(' ', index_kind, score, text_search, state) FROM embedd.vectorizers"),
            "none active");
}

TEST_F(Apply, ABudgetThatTheFileDoesNotNameStays) {
  ASSERT_EQ(apply(kDocs + std::string("budget_usd_per_day = 2.5\nbudget_tokens_per_day = 100\n")).code, 0);
  const std::string budget =
      "SELECT concat_ws(' ', budget_usd_per_day, budget_tokens_per_day) FROM embedd.vectorizers";
  EXPECT_EQ(value(budget), "2.5 100");
  EXPECT_EQ(apply(kDocs).output, "nothing is to be done\n");
  const Finished raised = apply(kDocs + std::string("budget_usd_per_day = 3\n"));
  EXPECT_EQ(raised.output, "set budget_usd_per_day of docs\n") << raised.error_output;
  EXPECT_EQ(value(budget), "3 100");
  const Finished none = apply(kDocs + std::string("budget_usd_per_day = 'none'\n"));
  EXPECT_EQ(none.output, "set budget_usd_per_day of docs\n") << none.error_output;
  EXPECT_EQ(value(budget), "100");
}

TEST_F(Apply, LeavesWhatCostsMoneyToTheOwner) {
  ASSERT_EQ(apply(kDocs).code, 0);
  std::string other = kDocs;
  other.replace(other.find("{title}\\n{body}"), 15, "{body} it");
  const Finished needs = apply(other);
  EXPECT_EQ(needs.code, 3) << needs.error_output;
  EXPECT_EQ(
      needs.output,
      "docs needs a successor, because text differ: embedd vectorizer change docs --text '{body} it'\n");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "docs", "--text", "{body} it"}).code, 0);
  EXPECT_THAT(apply(other).output, HasSubstr("embedd vectorizer switch docs\n"));
  EXPECT_THAT(exported(), Not(HasSubstr("docs.next")));
  ASSERT_EQ(work_once().code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "switch", "docs"}).code, 0);
  const Finished done = apply(other);
  EXPECT_EQ(done.code, 0) << done.error_output;
  EXPECT_EQ(done.output, "nothing is to be done\n");

  const Finished replaced = apply(other + "key = ['title']\n");
  EXPECT_EQ(replaced.code, 3);
  EXPECT_THAT(replaced.output,
              HasSubstr("docs cannot be changed, and key differ: embedd vectorizer drop docs"));
}

TEST_F(Apply, DropsOnlyIfAskedTo) {
  const std::string pages =
      "[[vectorizer]]\nname = 'pages'\ntable = 'pages'\ntext = '{body}'\nstore = ''\ndimensions = 8\n";
  ASSERT_EQ(apply(kDocs + pages).code, 0);
  const Finished left = apply(pages);
  EXPECT_EQ(left.code, 0) << left.error_output;
  EXPECT_EQ(left.output, "nothing is to be done\n");
  EXPECT_THAT(left.error_output, HasSubstr("docs is not in the file, and stays; --prune drops it"));
  EXPECT_EQ(apply(pages, {"--prune", "--dry-run"}).output, "drop docs; its vectors stay\n");

  ASSERT_EQ(run_embedd({"vectorizer", "change", "docs", "--text", "{body} it"}).code, 0);
  const Finished changing = apply(pages, {"--prune"});
  EXPECT_EQ(changing.code, 1);
  EXPECT_THAT(changing.error_output, HasSubstr("embedd vectorizer drop docs.next"));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers WHERE name ~ '^docs'"), "2");
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs.next"}).code, 0);

  const Finished empty = apply("", {"--prune"});
  EXPECT_EQ(empty.code, 2);
  EXPECT_THAT(empty.error_output, HasSubstr("would drop all 2: is it the right file?"));
  EXPECT_EQ(apply(pages, {"--prune"}).code, 0);
  EXPECT_EQ(value("SELECT string_agg(name, ' ') FROM embedd.vectorizers WHERE rows_of IS NULL"), "pages");
}

TEST_F(Apply, APausedVectorizerNeverBegins) {
  add_docs(3);
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "0.2"}});
  ASSERT_EQ(apply(kDocs + std::string("paused = true\ntext_search = 'english'\n")).code, 0);
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(provider.stats().inputs, 0U);
}

TEST_F(Apply, ChangesNothingIfTheFileIsWrong) {
  const Finished unknown = apply(kDocs + std::string("scores = 'x'\n"));
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.error_output, HasSubstr("Did you mean 'score'?"));
  const Finished twice = apply(kDocs + std::string(kDocs));
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.error_output, HasSubstr("the vectorizer docs is declared twice"));
  const Finished top = apply("vectorisers = 1\n");
  EXPECT_EQ(top.code, 2);
  const Finished failed =
      apply(kDocs + std::string("[[vectorizer]]\nname = 'x'\ntable = 'nowhere'\ntext = '{a}'\n"
                                "column = 'b'\n"));
  EXPECT_EQ(failed.code, 2);
  EXPECT_THAT(failed.error_output, HasSubstr("x: "));
  EXPECT_EQ(apply(kDocs).output, "nothing is to be done\n") << "what came before was done, and stays done";
}

}  // namespace
}  // namespace embedd::test
