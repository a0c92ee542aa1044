#include "cli/toml_vectorizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/toml_file.h"

namespace embedd::cli {
namespace {

using testing::HasSubstr;

std::vector<schema::DeclaredVectorizer> parse(std::string_view text) {
  auto parsed = parse_toml_vectorizers(text, "embedd.toml");
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : std::vector<schema::DeclaredVectorizer>();
}

std::string error_of(std::string_view text) {
  const auto parsed = parse_toml_vectorizers(text, "embedd.toml");
  return parsed ? "" : parsed.error().message;
}

TEST(TomlVectorizers, HaveTheDefaultsOfCreate) {
  const auto all = parse("[[vectorizer]]\nname = 'a'\ntable = 'docs'\ntext = '{t}\\n{b}'\ncolumn = 'v'\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].spec.name, "a");
  EXPECT_EQ(all[0].spec.text, "{t}\\n{b}");
  EXPECT_EQ(all[0].spec.model, "") << "the endpoint's";
  EXPECT_EQ(all[0].spec.endpoint, "openai");
  EXPECT_EQ(all[0].spec.long_texts, "truncate");
  EXPECT_FALSE(all[0].spec.store);
  EXPECT_FALSE(all[0].spec.send_dimensions);
}

TEST(TomlVectorizers, SayWhatIsWrongAndWhere) {
  const std::string good = "[[vectorizer]]\nname = 'a'\ntable = 'docs'\ntext = 'x'\n";
  EXPECT_EQ(error_of(good + "colum = 'v'\n"),
            "embedd.toml:5: vectorizer a: colum: is not a key of a vectorizer. Did you mean 'column'?");
  EXPECT_EQ(error_of("[[vectorizer]]\nname = 'a'\ntext = 'x'\n"),
            "embedd.toml:1: vectorizer a: table: is missing");
  EXPECT_EQ(error_of(good + "dimensions = 0\n"),
            "embedd.toml:5: vectorizer a: dimensions: must be a whole number from 1 to 16000");
  EXPECT_EQ(error_of(good + "index = 'btree'\n"),
            "embedd.toml:5: vectorizer a: index: must be one of: none, hnsw, halfvec, ivfflat");
  EXPECT_EQ(error_of(good + "budget_usd_per_day = 0\n"),
            "embedd.toml:5: vectorizer a: budget_usd_per_day: must be a number above 0, at most 1000000000, "
            "or \"none\"");
  EXPECT_THAT(error_of(good + "budget_tokens_per_day = 1.5\n"), HasSubstr("must be a whole number above 0"));
  EXPECT_THAT(error_of(good + "key = 'id'\n"), HasSubstr("key: must be an array of columns"));
  EXPECT_THAT(error_of(good + "paused = 1\n"), HasSubstr("paused: must be true or false"));
  EXPECT_THAT(parse_toml_settings("[vectorizer]\nname = 'a'\n", "embedd.toml").error().message,
              HasSubstr("vectorizers are written [[vectorizer]]"));
  EXPECT_TRUE(parse_toml_settings(good, "embedd.toml")) << "settings and vectorizers may share a file";
}

TEST(TomlVectorizers, AreReadAsTheyAreWritten) {
  schema::DeclaredVectorizer each;
  each.spec.name = "a.b-c";
  each.spec.table = "public.\"Mixed Case\"";
  each.spec.key = {"id", "it's"};
  each.spec.text = "{t}\\n\"quoted\" 'it'\ttab\nline \xc3\xa4";
  each.spec.where = "t <> '\\'";
  each.spec.store = "public.chunks";
  each.spec.view = "public.v";
  each.spec.chunk = "recursive:400,40";
  each.spec.chunk_template = "{headings}\\n{chunk}";
  each.spec.halfvec = true;
  each.spec.endpoint = "local";
  each.spec.model = "m";
  each.spec.dimensions = 8;
  each.spec.send_dimensions = false;
  each.spec.long_texts = "average";
  each.spec.index = "hnsw";
  each.spec.score = "similarity * 2";
  each.spec.capture_rows = true;
  each.text_search = "pg_catalog.english";
  each.spec.budget = {.usd = 2.5, .tokens = 100};
  each.paused = true;
  const std::string written = to_toml({each, each});
  const auto read = parse(written);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(to_toml(read), written);
  EXPECT_EQ(read[1].spec.text, each.spec.text);
  EXPECT_EQ(read[1].spec.where, each.spec.where);
  EXPECT_EQ(read[1].spec.key, each.spec.key);
  EXPECT_EQ(read[1].spec.send_dimensions, false);
  EXPECT_EQ(read[1].spec.budget, each.spec.budget);
}

}  // namespace
}  // namespace embedd::cli
