// traces init: the first user's tables, or an existing table taken as it is.
#include "schema/traces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/migrate.h"
#include "support/sample_tables.h"

namespace embedd::schema {
namespace {

using test::jobs;
using test::run;
using test::TestDatabase;
using test::value_of;
using testing::HasSubstr;

struct EmptyDatabase {
  EmptyDatabase() : db(database.connect()), embedd_db(database.connect_embedd()) {
    EXPECT_TRUE(migrate(embedd_db));
  }
  TestDatabase database;
  pg::Connection db, embedd_db;
};

TEST(Traces, InitMakesTablesIndexAndVectorizer) {
  EmptyDatabase empty;
  pg::Connection& db = empty.db;
  auto first = init_traces(empty.embedd_db);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->created_table);
  EXPECT_TRUE(first->created_index);
  EXPECT_TRUE(first->vectors.front().created);
  EXPECT_EQ(first->vectors.front().vectorizer.dimensions, 1536);
  EXPECT_EQ(first->vectors.front().vectorizer.text_template, "{title}\\n{context_text}\\n{solution_text}");
  EXPECT_THAT(value_of(db, "SELECT indexdef FROM pg_indexes WHERE indexname = 'traces_embedding_hnsw'"),
              HasSubstr("hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')"));
  run(db, "INSERT INTO traces (title, context_text, solution_text) VALUES ('t', 'c', 's')");
  run(db, "INSERT INTO tags (name) VALUES ('linux'), ('tls')");
  run(db, "INSERT INTO trace_tags SELECT traces.id, tags.id FROM traces, tags");
  EXPECT_EQ(jobs(db, first->vectors.front().vectorizer), value_of(db, "SELECT id FROM traces"));
  EXPECT_EQ(value_of(db, "SELECT " + first->vectors.front().vectorizer.text_sql + " FROM traces t"),
            "t\nc\ns");

  auto second = init_traces(empty.embedd_db);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_FALSE(second->created_table || second->created_index || second->vectors.front().created);
  EXPECT_EQ(second->vectors.front().vectorizer.id, first->vectors.front().vectorizer.id);
  run(db, "DELETE FROM traces");
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM trace_tags"), "0");
}

TEST(Traces, AnExistingTableIsAdoptedUnaltered) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  EmptyDatabase empty;
  pg::Connection& db = empty.db;
  run(db, "CREATE SCHEMA app");
  run(db, "SET search_path = app, public");
  run(db,
      "CREATE TABLE traces (number int PRIMARY KEY, title text, context_text text, solution_text text, "
      "embedding "
      "vector(1536), embedding_model_id varchar(100), embedding_model_version varchar(100), extra int)");
  const std::string columns =
      "SELECT string_agg(attname || atttypid || attnotnull, ',' ORDER BY attnum) FROM pg_attribute WHERE "
      "attrelid = "
      "'app.traces'::regclass";
  const std::string before = value_of(db, columns);
  auto report = init_traces(db);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->created_table);
  EXPECT_TRUE(report->vectors.front().created);
  EXPECT_EQ(report->vectors.front().vectorizer.source_schema, "app");
  EXPECT_EQ(value_of(db, columns), before);
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM pg_indexes WHERE tablename = 'traces'"), "1");
  EXPECT_EQ(value_of(db, "SELECT to_regclass('trace_tags') IS NULL"), "t");
}

TEST(Traces, AnotherEndpointThanTheExistingOnesIsRefused) {
  EmptyDatabase empty;
  const TracesOptions local{.endpoint = "local", .model = "local-hashing-v1"};
  ASSERT_TRUE(init_traces(empty.embedd_db, local));
  EXPECT_TRUE(init_traces(empty.embedd_db)) << "nothing was asked for";
  for (const TracesOptions& other :
       {TracesOptions{.endpoint_asked = true}, TracesOptions{.model_asked = true}}) {
    auto refused = init_traces(empty.embedd_db, other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(refused.error().message, HasSubstr("of model local-hashing-v1 at endpoint local"));
    EXPECT_THAT(refused.error().message, HasSubstr("embedd vectorizer drop traces"));
  }
  EXPECT_TRUE(init_traces(empty.embedd_db, {.endpoint = "local", .endpoint_asked = true}));
}

TEST(Traces, AdoptOnlyMakesNoTable) {
  EmptyDatabase empty;
  const TracesOptions adopt{.adopt_only = true};
  auto refused = init_traces(empty.embedd_db, adopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
  EXPECT_EQ(value_of(empty.db, "SELECT to_regclass('traces') IS NULL"), "t");
  run(empty.db,
      "CREATE TABLE traces (id uuid PRIMARY KEY, title text, context_text text, solution_text text, "
      "embedding "
      "vector(1536), embedding_model_id text, embedding_model_version text)");
  auto adopted = init_traces(empty.embedd_db, adopt);
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_TRUE(adopted->vectors.front().created);
  EXPECT_EQ(value_of(empty.db, "SELECT to_regclass('trace_tags') IS NULL"), "t");
}

TEST(Traces, AnExistingTableWithoutTheColumnsIsRefused) {
  EmptyDatabase empty;
  pg::Connection& db = empty.db;
  run(db,
      "CREATE TABLE traces (id uuid PRIMARY KEY, title text, solution_text text, embedding vector(1536))");
  auto report = init_traces(empty.embedd_db);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(report.error().message,
              HasSubstr("lacks the columns context_text, embedding_model_id, embedding_model_version. As the "
                        "owner, run: ALTER TABLE \"public\".\"traces\" ADD context_text text, ADD "
                        "embedding_model_id varchar(100), ADD embedding_model_version varchar(100); or"));
  EXPECT_EQ(value_of(db, "SELECT to_regclass('tags') IS NULL"), "t") << "a refusal leaves nothing behind";
}

TEST(Traces, ASchemaCanBeNamed) {
  EmptyDatabase empty;
  run(empty.db, "CREATE SCHEMA \"Know How\"");
  auto report = init_traces(empty.embedd_db, {.schema = "Know How"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->vectors.front().vectorizer.source_schema, "Know How");
  EXPECT_EQ(value_of(empty.db, "SELECT to_regclass('\"Know How\".trace_tags') IS NOT NULL"), "t");
}

}  // namespace
}  // namespace embedd::schema
