#include "app/from_pgai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = FromPgai::Outcome;

schema::PgaiVectorizer blog() {
  return {.id = "7",
          .name = "public_blog_emb_store",
          .source_schema = "public",
          .source_table = "blog",
          .key = {"id"},
          .destination = "table",
          .target_schema = "public",
          .target_table = "blog_emb_store",
          .loading = "column",
          .loading_column = "body",
          .loading_type = "text",
          .parsing = "auto",
          .chunking = "recursive_character_text_splitter",
          .chunk_size = "800",
          .chunk_overlap = "400",
          .formatting = "python_template",
          .format = "$chunk",
          .embedding = "openai",
          .model = "text-embedding-3-small",
          .dimensions = "768",
          .api_key_name = "OPENAI_API_KEY",
          .indexing = "none"};
}

Settings settings() {
  Settings out;
  out.endpoints.push_back({.name = "openai", .base_url = "https://api.openai.com/v1"});
  out.endpoints.push_back({.name = "mine", .base_url = "http://10.0.0.1:8080/v1/"});
  return out;
}

FromPgai plan(const schema::PgaiVectorizer& pgai) { return plan_for(settings(), pgai); }

TEST(FromPgaiPlans, SayWhatIsDeclared) {
  const FromPgai made = plan(blog());
  EXPECT_EQ(made.outcome, Outcome::planned) << made.obstacle;
  EXPECT_EQ(made.spec.name, "public_blog_emb_store");
  EXPECT_EQ(made.spec.table, "\"public\".\"blog\"");
  EXPECT_EQ(made.spec.store, "\"public\".\"blog_emb_store\"");
  EXPECT_EQ(made.spec.text, "{body}");
  EXPECT_EQ(made.spec.chunk, "recursive:200,100");
  EXPECT_EQ(made.spec.chunk_template, "");
  EXPECT_EQ(made.spec.endpoint, "openai");
  EXPECT_TRUE(made.spec.adopt_existing);
}

TEST(FromPgaiPlans, CountChunksInTokens) {
  const auto rule = [](const char* size, const char* overlap) {
    auto pgai = blog();
    pgai.chunk_size = size;
    pgai.chunk_overlap = overlap;
    return plan(pgai).spec.chunk;
  };
  EXPECT_EQ(rule("512", "0"), "recursive:128");
  EXPECT_EQ(rule("20", "3"), "recursive:16");
  EXPECT_EQ(rule("40", "36"), "recursive:16,8") << "at most half of the size";
  EXPECT_EQ(rule("100000", "100"), "recursive:8191,25");
  auto one = blog();
  one.chunking = "none";
  one.format = "$title\n$chunk";
  EXPECT_EQ(plan(one).spec.chunk, "none");
  EXPECT_EQ(plan(one).spec.text, "{title}\\n{body}") << "as pgai stores it";
  EXPECT_EQ(plan(one).spec.chunk_template, "");
}

TEST(FromPgaiPlans, WriteTemplatesAnew) {
  const auto written = [](const char* format) {
    auto pgai = blog();
    pgai.format = format;
    const FromPgai made = plan(pgai);
    return made.outcome == Outcome::planned ? made.spec.chunk_template : "no counterpart";
  };
  EXPECT_EQ(written("$title: $chunk"), "{title}: {chunk}");
  EXPECT_EQ(written("${title}s: ${chunk}"), "{title}s: {chunk}");
  EXPECT_EQ(written("$title2\n$chunk"), "{title2}\\n{chunk}");
  EXPECT_EQ(written("{$title} costs 5 $$, \\n $chunk"), "{{{title}}} costs 5 $, \\\\n {chunk}");
  EXPECT_EQ(written("$title"), "no counterpart");
  EXPECT_EQ(written("$chunk $chunk"), "no counterpart");
  EXPECT_EQ(written("5 $ $chunk"), "no counterpart");
  EXPECT_EQ(written("${title $chunk"), "no counterpart");
  EXPECT_EQ(written("$chunk $"), "no counterpart");
  EXPECT_EQ(written("$headings $chunk"), "no counterpart");
}

TEST(FromPgaiPlans, ReadColumnsOfAnyName) {
  auto pgai = blog();
  pgai.loading_column = "My \"text\"";
  EXPECT_EQ(plan(pgai).spec.text, R"({"My ""text"""})");
}

TEST(FromPgaiPlans, NeverSendTextsElsewhere) {
  auto pgai = blog();
  pgai.base_url = "http://10.0.0.1:8080/v1";
  EXPECT_EQ(plan(pgai).spec.endpoint, "mine") << "the endpoint of this address";
  pgai.base_url = "https://models.example.com/v1";
  EXPECT_EQ(plan(pgai).spec.endpoint, "models-example-com");
  EXPECT_THAT(plan(pgai).notes, Contains(HasSubstr("base_url = \"https://models.example.com/v1\"")));
  pgai.base_url = "";
  pgai.embedding = "ollama";
  pgai.model = "nomic-embed-text";
  EXPECT_EQ(plan(pgai).spec.endpoint, "ollama");
  EXPECT_THAT(
      plan(pgai).notes,
      Contains(HasSubstr("[endpoint.ollama] in embedd.toml: base_url = \"http://127.0.0.1:11434/v1\"")));
  pgai.embedding = "litellm";
  EXPECT_THAT(plan(pgai).notes, Contains(HasSubstr("configure [endpoint.litellm]")));
}

TEST(FromPgaiPlans, SayWhatHasNoCounterpart) {
  const auto obstacle = [](auto change) {
    auto pgai = blog();
    change(pgai);
    const FromPgai made = plan(pgai);
    EXPECT_EQ(made.outcome, Outcome::no_match);
    EXPECT_THAT(made.notes, IsEmpty());
    return made.obstacle;
  };
  using Pgai = schema::PgaiVectorizer;
  EXPECT_THAT(obstacle([](Pgai& p) { p.loading = "uri"; }), HasSubstr("loading 'uri'"));
  EXPECT_THAT(obstacle([](Pgai& p) { p.loading_type = "bytea"; }), HasSubstr("bytea"));
  EXPECT_THAT(obstacle([](Pgai& p) { p.parsing = "docling"; }), HasSubstr("parsing 'docling'"));
  EXPECT_THAT(obstacle([](Pgai& p) { p.chunking = "semantic"; }), HasSubstr("chunker 'semantic'"));
  EXPECT_THAT(obstacle([](Pgai& p) { p.destination = "file"; }), HasSubstr("destination 'file'"));
  EXPECT_THAT(obstacle([](Pgai& p) { p.queue_problem = "its queue ai.q is gone"; }),
              HasSubstr("its queue ai.q is gone"));
}

TEST(FromPgaiPlans, NoteWhatIsDifferent) {
  auto pgai = blog();
  pgai.chunking = "character_text_splitter";
  pgai.format = "$title: $chunk";
  pgai.indexing = "diskann";
  pgai.scheduled_job = "1001";
  pgai.api_key_name = "TEAM_KEY";
  const auto notes = plan(pgai).notes;
  for (const char* part : {"chunks of 800 characters", "separators", "the chunk alone", "indexing 'diskann'",
                           "delete_job(1001)", "TEAM_KEY"})
    EXPECT_THAT(notes, Contains(HasSubstr(part)));
}

TEST(FromPgaiPlans, SayWhatWasTakenOverBefore) {
  auto pgai = blog();
  pgai.taken_over_by = "passages";
  EXPECT_EQ(plan(pgai).outcome, Outcome::there);
}

}  // namespace
}  // namespace embedd::app
