/// A table of articles, whose vectorizer has a store.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/worker_fixture.h"

namespace embedd::test {

class ChunkStores : public WorkerTest {
 protected:
  void declare(const std::vector<std::string>& more = {"--chunk", "recursive:32"}) {
    sql("CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text, views int NOT NULL DEFAULT 0)");
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    std::vector<std::string> arguments = {"vectorizer", "create", "articles",     "--table", "articles",
                                          "--text",     "{body}", "--dimensions", "8",       "--store"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished created = run_embedd(arguments);
    ASSERT_EQ(created.code, 0) << created.error_output;
    EXPECT_THAT(created.error_output, testing::Not(testing::HasSubstr("could not be counted")))
        << "a new store holds none";
  }

  /// Text of `paragraphs` different paragraphs, each of about 25 tokens.
  static std::string text(int paragraphs, const std::string& about) {
    std::string out;
    for (int i = 0; i < paragraphs; ++i)
      out += fmt::format(
          "{}Paragraph {} of the article about {} says that {} and {} are not the same thing at all.",
          i == 0 ? "" : "\n\n", i, about, about, i * 7919 % 1000);
    return out;
  }

  void write(int id, const std::string& body) {
    run(db,
        "INSERT INTO articles VALUES ($1, 'Title', $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        {std::to_string(id), body});
  }

  /// What is wrong with the store: chunks that do not make up their row's text, or have another text's
  /// vector.
  std::string wrong() {
    std::string out =
        wrong_rows("SELECT id || '/' || chunk_seq, chunk, embedding::text FROM articles_embedding_store");
    out += value(
        "SELECT coalesce(string_agg('row ' || coalesce(a.id, s.id), ', '), '') FROM (SELECT id, "
        "string_agg(chunk, '' ORDER "
        "BY chunk_seq) AS body, bool_and(chunk_seq = n - 1) AS dense FROM (SELECT *, row_number() OVER "
        "(PARTITION BY id "
        "ORDER BY chunk_seq) AS n FROM articles_embedding_store) x GROUP BY id) s FULL JOIN articles a USING "
        "(id) WHERE "
        "nullif(trim(a.body), '') IS DISTINCT FROM s.body OR NOT s.dense");
    return out;
  }

  /// Nothing that is only for the way is left over.
  std::string left_over() {
    return value(
        "SELECT format('%s jobs, %s chunk jobs, %s waiting, %s staged, %s dead', (SELECT count(*) FROM "
        "embedd.queue_1), "
        "(SELECT count(*) FROM embedd.queue_2), (SELECT count(*) FROM embedd.chunks_1), (SELECT count(*) "
        "FROM "
        "embedd.staged_1), (SELECT count(*) FROM embedd.dead_letters))");
  }
  static constexpr const char* kNothing = "0 jobs, 0 chunk jobs, 0 waiting, 0 staged, 0 dead";

  std::int64_t chunks() { return number("SELECT count(*) FROM articles_embedding_store"); }
  std::int64_t bought() { return static_cast<std::int64_t>(provider.stats().inputs); }
};

}  // namespace embedd::test
