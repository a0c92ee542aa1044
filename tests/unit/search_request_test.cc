// What a search may say, and what is said of a wrong one; the SQL of filters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/source_table.h"
#include "search/embed_request.h"
#include "search/extras.h"
#include "search/filter_sql.h"
#include "search/request.h"

namespace embedd {
namespace {

using testing::ElementsAre;

TEST(SearchRequest, HasDefaults) {
  const auto request = search::parse_request(R"({"query": "slow start"})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->query, "slow start");
  EXPECT_FALSE(request->mode);
  EXPECT_EQ(request->k, 10);
  EXPECT_EQ(request->offset, 0);
  EXPECT_EQ(request->candidates, 200);
  EXPECT_EQ(request->rrf_k, 60);
  EXPECT_TRUE(request->group_by_row);
  EXPECT_EQ(request->deadline, seconds(5));
}

TEST(SearchRequest, TwiceKCandidatesUnlessTheyAreNamed) {
  EXPECT_EQ(search::parse_request(R"({"query": "a", "k": 500})")->candidates, 1000);
  EXPECT_EQ(search::parse_request(R"({"query": "a", "candidates": 7, "k": 500})")->candidates, 7);
}

TEST(SearchRequest, NamesTheWrongField) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "the body is empty"},
      {"5", "the body must be an object"},
      {R"({"query": ""})", "query: must not be empty"},
      {R"({"query": 5})", "query: must be a string"},
      {R"({"vector": []})", "vector: must have a number other than 0"},
      {R"({"vector": [0, 0]})", "vector: must have a number other than 0"},
      {R"({"vector": [1, "a"]})", "vector[1]: must be a number"},
      {R"({"vector": [1], "mode": "text"})", "mode: text needs a query"},
      {R"({"query": "a", "weights": {"words": 1}})", "weights.words: is not known"},
      {R"({"query": "a", "weights": {"text": -1}})", "weights.text: must be a number from 0 to 10"},
      {R"({"query": "a", "deadline_ms": 49})", "deadline_ms: must be a whole number from 50 to 30000"},
      {R"({"query": "a", "filter": {"and": [{"column": "b", "op": "in", "value": 1}]}})",
       "filter.and[0].value: must be an array"},
  };
  for (const auto& [body, says] : cases) {
    const auto request = search::parse_request(body);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(request.error().message, testing::StartsWith(says)) << body;
  }
}

TEST(SearchFilter, IsSqlWithParameters) {
  schema::SourceTable table;
  table.columns = {
      {.name = "stars", .type = "integer", .type_name = "int4", .base_type = "integer", .category = 'N'},
      {.name = "a\"b", .type = "text", .type_name = "text", .base_type = "text", .category = 'S'}};
  const auto request = search::parse_request(
      R"({"query": "q", "filter": {"and": [{"column": "stars", "op": "in", "value": [1, 2]},
          {"not": {"column": "a\"b", "op": "=", "value": "x'; --"}}]}})");
  ASSERT_TRUE(request) << request.error().message;
  search::Binder binder;
  const auto sql = search::filter_sql(*request->filter, table, binder);
  ASSERT_TRUE(sql) << sql.error().message;
  EXPECT_EQ(*sql,
            R"(((t."stars" OPERATOR(pg_catalog.=) ANY($1::integer[])) AND ((t."a""b" OPERATOR(pg_catalog.=) )"
            R"($2::text) IS NOT TRUE)))");
  EXPECT_THAT(std::move(binder).take(), ElementsAre(R"({"1","2"})", "x'; --"));
}

TEST(SearchRequest, BySimilarityNeedsNoQuery) {
  const auto request = search::parse_request(R"({"similar_to": {"id": 7, "shop": "a"}})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->mode, search::Mode::vector);
  ASSERT_EQ(request->similar_to->parts.size(), 2U);
  EXPECT_EQ(request->similar_to->parts[0].column, "id");
  EXPECT_EQ(request->similar_to->parts[0].field, "similar_to.id");
  EXPECT_EQ(request->similar_to->parts[1].values, (std::vector{search::Value{.text = "a"}}));
}

TEST(SearchRequest, ExtrasHaveDefaults) {
  const auto request =
      search::parse_request(R"({"query": "a", "highlight": true, "facets": {"b": 3}, "neighbours": 2})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->highlight->start, "<mark>");
  EXPECT_TRUE(request->highlight->escape);
  EXPECT_EQ(request->facets.front().column, "b");
  EXPECT_EQ(request->facets.front().most, 3);
  EXPECT_EQ(request->neighbours, 2);
  EXPECT_FALSE(search::parse_request(R"({"query": "a", "highlight": false})")->highlight);
}

TEST(Highlight, EscapesTheTextAndNotTheMarkers) {
  EXPECT_EQ(search::with_markers("a<b & \x01\"c\"\x02 'd'", {}),
            "a&lt;b &amp; <mark>&quot;c&quot;</mark> &#39;d&#39;");
  EXPECT_EQ(search::with_markers("<\x01x\x02>", {.start = "[", .end = "]", .escape = false}), "<[x]>");
}

TEST(EmbedRequest, TakesOneTextOrSeveral) {
  EXPECT_THAT(search::parse_embeddings_request(R"({"input": "a", "model": "m"})")->texts, ElementsAre("a"));
  const auto several = search::parse_embeddings_request(
      R"({"input": ["a", "b"], "model": "m", "encoding_format": "base64", "dimensions": 8})");
  EXPECT_THAT(several->texts, ElementsAre("a", "b"));
  EXPECT_TRUE(several->base64);
  EXPECT_EQ(several->dimensions, 8);
  EXPECT_EQ(search::parse_embed_request(R"({"query": "a", "deadline_ms": 50})")->deadline, milliseconds(50));
  EXPECT_FALSE(search::parse_embed_request(R"({"query": "a", "query": "b"})"));
}

}  // namespace
}  // namespace embedd
