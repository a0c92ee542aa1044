#include "support/serve_fixture.h"

#include <fmt/format.h>

namespace embedd::test {

void ServeTest::declare_notes(const std::string& text_search, const std::string& endpoint) {
  const int dimensions = endpoint == "local" ? 64 : kDimensions;
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql(fmt::format(
      "CREATE TABLE notes (id bigint PRIMARY KEY, title text, body text, stars int, open boolean, tags "
      "text[], meta jsonb, embedding vector({}))",
      dimensions));
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  const Finished created = run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text",
                                       "{title}\\n{body}", "--column", "embedding", "--endpoint", endpoint});
  ASSERT_EQ(created.code, 0) << created.error_output;
  if (!text_search.empty()) find_words("notes", text_search);
}

void ServeTest::find_words(const std::string& name, const std::string& configuration) {
  const Finished set = run_embedd({"vectorizer", "text-search", name, configuration});
  ASSERT_EQ(set.code, 0) << set.error_output;
}

void ServeTest::add_notes(int count) {
  sql(fmt::format(
      "INSERT INTO notes (id, title, body, stars, open, tags, meta) SELECT i, 'note ' || i, "
      "CASE WHEN i % 3 = 0 THEN 'the slow start of a container' ELSE 'a fast river in spring ' || i END, "
      "i % 10, i % 2 = 0, ARRAY['t' || i % 4, 'all'], jsonb_build_object('n', i % 5) "
      "FROM generate_series(1, {}) i",
      count));
}

void ServeTest::declare_articles() {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text, kind text)");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  const Finished created =
      run_embedd({"vectorizer", "create", "articles", "--table", "articles", "--text", "{body}",
                  "--dimensions", "64", "--store", "--chunk", "recursive:32", "--endpoint", "local"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  find_words("articles", "english");
  for (int i = 1; i <= 12; ++i) {
    std::string body;
    for (int p = 0; p < 6; ++p)
      body += fmt::format("{}Paragraph {} of article {} is about {}, which has {} and {} in it, as all know.",
                          p == 0 ? "" : "\n\n", p, i, i % 2 == 0 ? "rivers" : "mountains", p * i, "water");
    run(db, "INSERT INTO articles VALUES ($1::bigint, 'Article ' || $1::bigint, $2, $3)",
        {std::to_string(i), body, i % 2 == 0 ? "wet" : "dry"});
  }
}

void ServeTest::embed_all() {
  const Finished worked = work_once();
  ASSERT_EQ(worked.code, 0) << worked.error_output;
}

void ServeTest::serve(const Environment& changes, const std::string& token) {
  server = std::make_unique<Embedd>(start({"serve", "--http", "127.0.0.1:0"}, changes));
  client = std::make_unique<SearchClient>(port_of(*server), token);
}

void ServeTest::serve_with(const std::string& rights) {
  files.write("embedd.toml", fmt::format("[token.some]\nsecret = {{ env = \"SOME_TOKEN\" }}\n{}\n"
                                         "[token.other]\nsecret = {{ file = \"{}\" }}\n",
                                         rights, files.file("other")));
  files.write("other", std::string(kOther) + "\n");
  serve({{"EMBEDD_CONFIG", files.file("embedd.toml")}, {"SOME_TOKEN", kSome}, {"EMBEDD_API_TOKEN", kAll}},
        kSome);
}

void ServeTest::expect_logged(const std::string& part) {
  EXPECT_TRUE(eventually([&] { return server->logged(part) > 0; })) << part << server->log();
}

SearchReply ServeTest::search(const std::string& body, const std::string& name) {
  return client->post("/v1/vectorizers/" + name + "/search", body);
}

}  // namespace embedd::test
