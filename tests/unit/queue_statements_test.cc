// The worker's statements as PostgreSQL sees them: tests/golden/queue holds each, for a vectorizer with two
// keys, a condition, and columns for the model. A change of a statement shows there, in full.
// EMBEDD_UPDATE_GOLDEN=1 writes the files anew.
#include "queue/statements.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "embedded/queue_sql.h"
#include "queue/messages.h"
#include "support/golden.h"
#include "support/paths.h"

namespace embedd::queue {
namespace {

Definition definition(std::string encoding) {
  Definition d;
  d.vectorizer.id = 7;
  d.source = "public.notes";
  d.key_columns = {"slug", "part"};
  d.key_types = {"character varying(20)", "integer"};
  d.key_type_ids = {1043, 23};
  d.key_json_sql = "pg_catalog.jsonb_build_object('slug', q.k1, 'part', q.k2)";
  d.text_sql = "(t.title || t.body)";
  d.types_sql = "embedd.exactly(t.title, NULL::text)";
  d.filter_sql = "embedd.covers_7(t.kind)";
  d.destination_column = "embedding";
  d.destination_type = "public.halfvec";
  d.vector_type = "public.vector";
  d.vector_type_id = 16385;
  d.model_id_column = "model";
  d.model_version_column = "version";
  d.encoding = std::move(encoding);
  return d;
}

struct Named {
  std::string name;
  const pg::Statement& statement;
};

std::vector<Named> all_of(const QueueStatements& s) {
  return {{"claim", s.claim},
          {"complete", s.complete},
          {"keep", s.keep},
          {"clear", s.clear},
          {"drop", s.drop},
          {"reschedule", s.reschedule},
          {"extend", s.extend},
          {"discard", s.discard},
          {"walk_begin", s.begin_walk},
          {"walk_page_first", s.walk_page_first},
          {"walk_page", s.walk_page}};
}

void compare(const std::string& name, const std::string& sql) {
  test::expect_golden("queue/" + name + ".sql", sql);
}

TEST(Golden, StatementsOfAVectorizer) {
  const QueueStatements statements(definition("UTF8"));
  for (const Named& each : all_of(statements)) compare(each.name, each.statement.sql());
}

TEST(Golden, StatementsInADatabaseOfAnotherEncodingThatAskRowByRow) {
  const QueueStatements statements(definition("LATIN1"), /*guarded=*/true);
  for (const Named& each : all_of(statements)) compare("guarded/" + each.name, each.statement.sql());
}

TEST(Golden, StatementsOfAStore) {
  Definition d = definition("UTF8");
  d.destination_column = "embedding";
  d.destination_type = "public.vector";
  d.model_id_column = d.model_version_column = std::nullopt;
  d.vectorizer.chunk_rule = "recursive:400";
  d.store = Definition::Store{.table = "public.notes_embedding_store", .chunks = 8};
  const QueueStatements statements(d);
  for (const Named& each : all_of(statements)) compare("store/" + each.name, each.statement.sql());
  compare("store/stage", statements.stage.sql());
}

TEST(Golden, StatementsOfAWorker) {
  compare("poll", poll_statement().sql());
  compare("record_history", history_statement().sql());
  compare("guarded/poll", poll_statement(/*guarded=*/true).sql());
  compare("walk_release", walk_release_statement().sql());
  compare("remember_limits", limits_statement().sql());
  compare("book_usage", usage_statement().sql());
  compare("look_up_waste", look_up_waste_statement().sql());
  compare("reserve", reservation_statement().sql());
  compare("spend", budget_statement().sql());
  compare("charge", charge_statement().sql());
  compare("goodbye", goodbye_statement().sql());
}

TEST(Golden, ShowsEveryFile) {
  for (const embedded::File& file : embedded::queue_sql()) {
    const std::string name(file.name.substr(0, file.name.rfind('.')));
    const bool is_part = std::ranges::any_of(embedded::queue_sql(), [&](const embedded::File& other) {
      return other.content.find("{>" + name + "}") != std::string_view::npos;
    });
    const auto shown = [&](const std::string& as) {
      return std::filesystem::exists(test::source_file("tests/golden/queue/" + as + ".sql"));
    };
    // What is sent in place of complete, clear and discard stands under their names, and a part of spend in
    // it.
    static const std::set<std::string> in_place = {"swap", "empty", "bury", "budget_part"};
    EXPECT_TRUE(is_part || name.starts_with("store_") || in_place.contains(name) || shown(name) ||
                shown("store/" + name))
        << file.name << " is shown by no test here";
  }
}

}  // namespace
}  // namespace embedd::queue
