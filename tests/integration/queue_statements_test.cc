// PostgreSQL parses and plans every statement of the queue, for two keys, a condition, and columns for the
// model.
#include "queue/statements.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "queue/messages.h"
#include "schema/vectorizers.h"
#include "support/queue_fixture.h"
#include "support/sample_tables.h"

namespace embedd::queue {
namespace {

Definition definition_of(const schema::VectorizerInfo& info) {
  Definition d;
  d.vectorizer.id = info.id;
  d.source = "public.notes";
  d.key_columns = info.key_columns;
  d.key_types = info.key_types;
  d.key_json_sql = info.key_json_sql;
  d.text_sql = info.text_sql;
  d.types_sql = info.types_sql;
  d.filter_sql = info.filter_sql;
  d.destination_column = info.destination_column;
  d.destination_type = info.vector_schema + "." + info.destination_type;
  d.vector_type = info.vector_schema + ".vector";
  d.model_id_column = info.model_id_column;
  d.model_version_column = info.model_version_column;
  return d;
}

/// Empty, or why PostgreSQL does not plan it.
std::string why_not(pg::Connection& db, const pg::Statement& statement) {
  if (auto prepared = db.exec("PREPARE explained AS " + statement.sql()); !prepared)
    return prepared.error().message;
  const std::string parameters = test::value_of(
      db,
      "SELECT pg_catalog.array_to_string(pg_catalog.array_fill('NULL'::text, "
      "ARRAY[cardinality(parameter_types)]), ', ') FROM pg_prepared_statements WHERE name = 'explained'");
  const auto plan =
      db.exec("EXPLAIN EXECUTE explained" + (parameters.empty() ? std::string() : "(" + parameters + ")"));
  test::run(db, "DEALLOCATE explained");
  return plan ? "" : plan.error().message;
}

TEST(QueueSql, IsPlannedByPostgres) {
  test::QueueFixture fixture(
      "CREATE TABLE notes (slug varchar(20), part int, title text, body text, kind text, "
      "embedding halfvec(3), model text, version text, PRIMARY KEY (slug, part))",
      {.name = "notes",
       .table = "notes",
       .text = "{title}: {body}",
       .column = "embedding",
       .where = "kind <> 'draft'",
       .model_id_column = "model",
       .model_version_column = "version"});
  auto info = schema::find_vectorizer(fixture.db(), "notes");
  ASSERT_TRUE(info) << info.error().message;
  test::run(fixture.db(), "SET plan_cache_mode = force_generic_plan");
  for (const char* encoding : {"UTF8", "LATIN1"})
    for (const bool guarded : {false, true}) {
      Definition definition = definition_of(*info);
      definition.encoding = encoding;
      const QueueStatements sql(definition, guarded);
      const std::vector<std::pair<std::string, const pg::Statement*>> all = {
          {"claim", &sql.claim},
          {"complete", &sql.complete},
          {"keep", &sql.keep},
          {"clear", &sql.clear},
          {"drop", &sql.drop},
          {"reschedule", &sql.reschedule},
          {"extend", &sql.extend},
          {"discard", &sql.discard},
          {"walk_begin", &sql.begin_walk},
          {"a walk's first page", &sql.walk_page_first},
          {"a walk's page", &sql.walk_page},
          {"poll", &poll_statement(guarded)},
          {"walk_release", &walk_release_statement()},
          {"remember_limits", &limits_statement()},
          {"book_usage", &usage_statement()},
          {"record_history", &history_statement()},
          {"spend", &budget_statement()},
          {"charge", &charge_statement()},
          {"look_up_waste", &look_up_waste_statement()},
          {"reserve", &reservation_statement()},
          {"goodbye", &goodbye_statement()},
      };
      for (const auto& [name, statement] : all)
        EXPECT_EQ(why_not(fixture.db(), *statement), "")
            << "src/queue/sql/" << name << ".sql, " << encoding << (guarded ? ", guarded" : "");
    }
}

}  // namespace
}  // namespace embedd::queue
