// `embedd search`: each flag, what it prints, and what it says of what a search lacks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "support/process.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ShellSearch : public ServeTest {
 protected:
  void prepare_notes(int count = 30) {
    declare_notes();
    add_notes(count);
    embed_all();
  }
  /// What `embedd search` prints, if it ends well.
  std::string search(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "search");
    const Finished finished = run_embedd(arguments);
    EXPECT_EQ(finished.code, 0) << finished.error_output;
    return finished.output;
  }
  std::string json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return search(std::move(arguments));
  }
  /// What it says on stderr, if it ends with `code` and prints nothing.
  std::string refused(std::vector<std::string> arguments, int code = 2) {
    arguments.insert(arguments.begin(), "search");
    const Finished finished = run_embedd(arguments);
    EXPECT_EQ(finished.code, code) << finished.error_output;
    EXPECT_EQ(finished.output, "");
    return finished.error_output;
  }
};

/// The same without the times.
std::string timeless(const std::string& answer) {
  return std::regex_replace(answer, std::regex(R"(_ms":[0-9.]+)"), "");
}

TEST_F(ShellSearch, AnswersAsTheHttpServiceDoes) {
  prepare_notes();
  serve();
  const std::string request =
      R"({"query": "slow container", "k": 3, "offset": 1, "candidates": 20, "rrf_k": 30, "weights": {"vector": 1, "text": 2.5},)"
      R"( "filter": {"column": "id", "op": "<", "value": 20}, "columns": ["id", "stars"], "facets": {"stars": 3, "open": 2},)"
      R"( "min_similarity": -0.5, "exact": true, "highlight": true})";
  const std::string http = ServeTest::search(request).body;
  EXPECT_EQ(each_hit(http, "/row/stars").size(), 5u) << http;
  const std::vector<std::string> flags = {"--columns",
                                          "id,stars",
                                          "--weights",
                                          "vector=1,text=2.5",
                                          "--facets",
                                          "stars=3",
                                          "--facets",
                                          "open=2",
                                          "notes",
                                          "--filter",
                                          R"({"column": "id", "op": "<", "value": 20})",
                                          "--min-similarity",
                                          "-0.5",
                                          "slow container",
                                          "-k",
                                          "3",
                                          "--offset",
                                          "1",
                                          "--candidates",
                                          "20",
                                          "--rrf-k",
                                          "30",
                                          "--exact",
                                          "--highlight"};
  EXPECT_EQ(timeless(json(flags)), timeless(http));
  files.write("request", request);
  EXPECT_EQ(timeless(json({"notes", "--request", files.file("request")})), timeless(http));
}

TEST_F(ShellSearch, ReadsARequestToWhichFlagsAdd) {
  prepare_notes(6);
  files.write("request", R"({"query": "river", "mode": "text"})");
  Process process({.arguments = {"search", "notes", "--request", "-", "--limit", "1", "--json"},
                   .environment = environment,
                   .input = files.file("request")});
  EXPECT_EQ(process.wait(), 0) << process.error_output();
  EXPECT_EQ(at(process.output(), "/returned"), "1");
  EXPECT_EQ(at(process.output(), "/mode"), R"("text")");
  EXPECT_THAT(refused({"notes", "--request", files.file("request"), "--mode", "text"}),
              HasSubstr("mode: is there twice"));
  EXPECT_THAT(refused({"notes", "--request", files.file("nothing")}), HasSubstr("no request can be read"));
  files.write("request", std::string(600 << 10, ' '));
  EXPECT_THAT(refused({"notes", "--request", files.file("request")}), HasSubstr("more than 512 KiB"));
}

TEST_F(ShellSearch, PrintsWhatAPersonReads) {
  prepare_notes(9);
  const std::string near = search({"notes", "slow container", "--mode", "vector", "-k", "1"});
  EXPECT_TRUE(std::regex_match(
      near, std::regex(R"(1\. 0\.\d\d\d \{"id": [369]\}\n   note \d the slow start of a container\n)")))
      << near;
  const std::string both = search({"notes", "slow container", "-k", "2", "--offset", "1", "--highlight",
                                   "--facets", "open=2", "--columns", "id", "--explain"});
  EXPECT_THAT(both,
              AllOf(StartsWith("2. 0.03"), HasSubstr("\n3. 0.03"), HasSubstr(", vector rank "),
                    HasSubstr(", text rank "), HasSubstr("the **slow** start of a **container**"),
                    HasSubstr(R"(   {"id" : )"), HasSubstr("of 9 candidates:\n   open: false 5, true 4\n"),
                    HasSubstr("took "), HasSubstr(" on notes")));
  EXPECT_THAT(search({"notes", "container -slow", "--mode", "text"}), "");
}

TEST_F(ShellSearch, FindsRowsLikeARow) {
  prepare_notes(9);
  const std::string found = json({"notes", "--similar-to", R"({"id": 3})", "-k", "2"});
  EXPECT_EQ(each_hit(found, "/key/id"), "6 9") << found;
  EXPECT_THAT(refused({"notes", "--similar-to", R"({"id": 99})"}), HasSubstr("there is no such row"));
  sql("INSERT INTO notes (id, title) VALUES (50, 'later')");
  EXPECT_THAT(refused({"notes", "--similar-to", R"({"id": 50})"}, 1), HasSubstr("the row has no vector"));
}

TEST_F(ShellSearch, FindsChunks) {
  declare_articles();
  EXPECT_THAT(search({"articles", "rivers"}), HasSubstr("[not all rows were searched by their words: "));
  embed_all();
  const std::string rows = search({"articles", "rivers water", "-k", "2", "--neighbours", "1"});
  EXPECT_THAT(rows, AllOf(HasSubstr("}, chunk "), HasSubstr("\n   chunk "), HasSubstr("rivers"),
                          Not(HasSubstr("["))));
  EXPECT_EQ(at(json({"articles", "rivers", "-k", "50"}), "/returned"), "12");
  EXPECT_EQ(at(json({"articles", "rivers", "-k", "50", "--every-chunk"}), "/returned"), "50");
}

TEST_F(ShellSearch, SaysWhatItLacks) {
  declare_notes("english", "openai");
  add_notes(6);
  EXPECT_THAT(search({"notes", "container"}), HasSubstr("no walk has found all rows yet"));
  embed_all();
  EXPECT_THAT(search({"notes", "container"}), Not(HasSubstr("[")));
  sql("UPDATE notes SET title = 'new' WHERE id < 3");
  const std::string waiting = "[2 rows wait to be embedded: ";
  EXPECT_THAT(search({"notes", "container", "--mode", "vector"}), HasSubstr(waiting));
  EXPECT_THAT(search({"notes", "container"}), HasSubstr(waiting));
  EXPECT_THAT(search({"notes", "container", "--mode", "text"}), Not(HasSubstr("[")));

  const Environment no_key = {{"OPENAI_API_KEY", ""}};
  const Finished words = run_embedd({"search", "notes", "container", "-k", "1"}, no_key);
  EXPECT_EQ(words.code, 0) << words.error_output;
  EXPECT_THAT(words.error_output, HasSubstr("to search by meaning too: set OPENAI_API_KEY"));
  EXPECT_THAT(words.output, AllOf(HasSubstr("[vector search unavailable: "), HasSubstr("only the words"),
                                  HasSubstr("there is no key"), HasSubstr("slow start of a container")));
  const Finished none = run_embedd({"search", "notes", "container", "--mode", "vector"}, no_key);
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.output, "");
  EXPECT_THAT(none.error_output, HasSubstr("there is no key for it: set OPENAI_API_KEY"));
  const std::string fewer = search({"notes", "note", "--candidates", "2", "--mode", "vector"});
  EXPECT_THAT(fewer, HasSubstr("[rows may be missing: candidates: "));
}

TEST_F(ShellSearch, RefusesWhatTheServiceRefuses) {
  prepare_notes(3);
  const auto filter = [this](const std::string& text) { return refused({"notes", "x", "--filter", text}); };
  EXPECT_THAT(filter(R"({"column": "stars", "op": "~", "value": 3})"), HasSubstr("filter.op: "));
  EXPECT_THAT(filter(R"({"column": "colour", "op": "=", "value": 3})"), HasSubstr("no column 'colour'"));
  EXPECT_THAT(filter(R"({"column": "stars", "op": "=", "value": "many"})"), HasSubstr("filter: a value"));
  EXPECT_THAT(filter(R"({}, "k": 5)"), HasSubstr("--filter: '{}, \"k\": 5' is not JSON"));
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"x", "--columns", "colour"}, "columns: there is no column 'colour'"},
      {{"x", "--weights", "vector=11"}, "weights.vector: must be a number from 0 to 10"},
      {{"x", "--weights", "words=1"}, "weights.words: is not known"},
      {{"x", "--weights", "vector"}, "--weights: 'vector' is not NAME=NUMBER"},
      {{"x", "--facets", "stars=0.5"}, "facets.stars: must be a whole number"},
      {{"x", "--facets", "stars=1", "--facets", "stars=2"}, "facets.stars: is there twice"},
      {{"x", "--min-similarity", "2"}, "min_similarity: must be a number from -1 to 1"},
      {{"x", "--neighbours", "6"}, "--neighbours: '6' is not a whole number from 0 to 5"},
      {{"x", "--neighbours", "1"}, "neighbours: notes has no chunks"},
      {{"x", "--deadline-ms", "10"}, "--deadline-ms: '10' is not a whole number from 50 to 30000"},
      {{"x", "--mode", "magic"}, "--mode: "},
      {{"--similar-to", R"({"id": 1})", "--mode", "text"}, "similar_to: mode text compares no vectors"},
      {{""}, "query: must not be empty"},
      {{}, "QUERY is required: write what to search for, or give --similar-to or --request"},
      {{std::string(9000, 'x')}, "query: must have at most 8192 bytes"},
  };
  for (const auto& [more, message] : cases) {
    std::vector<std::string> arguments = {"notes"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_THAT(refused(arguments), HasSubstr(message));
  }
  EXPECT_THAT(refused({"note", "x"}), HasSubstr("there is no vectorizer note"));
}

TEST_F(ShellSearch, IndexOfADroppedVectorizerIsNamed) {
  prepare_notes(3);
  const Finished dropped = run_embedd({"vectorizer", "drop", "notes"});
  EXPECT_EQ(dropped.code, 0);
  EXPECT_THAT(dropped.error_output, HasSubstr("to remove it: DROP INDEX \"public\".\"embedd_text_1\""));
}

TEST_F(ShellSearch, GivesUpAtItsDeadline) {
  prepare_notes(3);
  pg::Connection user = database.connect();
  run(user, "BEGIN");
  run(user, "LOCK notes");
  EXPECT_THAT(refused({"notes", "x", "--mode", "text", "--deadline-ms", "1000"}, 1), HasSubstr("1000 ms"));
  run(user, "ROLLBACK");
}

}  // namespace
}  // namespace embedd::test
