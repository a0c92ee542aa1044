// What captures changes, as PostgreSQL sees it: tests/golden/capture holds each statement. A change of a
// trigger's function shows there, in full. EMBEDD_UPDATE_GOLDEN=1 writes the files anew.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schema/triggers.h"
#include "support/golden.h"

namespace embedd::schema {
namespace {

CapturePlan plan() {
  CapturePlan p;
  p.id = 7;
  p.source = "public.notes";
  p.key_columns = {"slug", "Part"};
  p.key_types = {"text", "integer"};
  p.key_own_types = {"public.slug", "pg_catalog.int4"};
  p.key_collations = {"pg_catalog.\"C\"", ""};
  p.read = {"title", "body", "slug", "Part"};
  p.key_json_sql = "pg_catalog.jsonb_build_object('slug', q.k1, 'Part', q.k2)";
  p.destination = "embedding";
  p.destination_type = "public.vector";
  p.destination_base_type = "public.vector";
  p.stored_bytes = 6148;
  p.vector_type = "public.vector";
  return p;
}

std::string script(const std::vector<std::string>& statements) {
  std::string out;
  for (const std::string& each : statements) out += (out.empty() ? "" : "\n\n") + each + ";";
  return out;
}

TEST(Golden, QueueOfAVectorizer) { test::expect_golden("capture/queue.sql", script(queue_ddl(plan()))); }

TEST(Golden, CaptureOfATable) { test::expect_golden("capture/table.sql", script(capture_ddl(plan()))); }

TEST(Golden, CaptureOfAPartitionedTableByARole) {
  CapturePlan p = plan();
  p.by_row = p.by_role = true;
  p.tells_toast_apart = true;
  test::expect_golden("capture/partitioned.sql", script(capture_ddl(p)));
}

TEST(Golden, CaptureOfVectorsOfAnyLength) {
  CapturePlan p = plan();
  p.stored_bytes = 0;
  test::expect_golden("capture/any_length.sql", script(capture_ddl(p)));
}

CapturePlan plan_of_a_store() {
  CapturePlan p = plan();
  p.destination = p.destination_type = p.destination_base_type = "";
  p.store = CapturePlan::Store{.schema = "public",
                               .table = "public.notes_embedding_store",
                               .type = "public.vector(1536)",
                               .key_types = {"text COLLATE pg_catalog.\"C\"", "integer"}};
  return p;
}

TEST(Golden, TablesOfAStore) {
  test::expect_golden("capture/store_tables.sql", script(queue_ddl(plan_of_a_store())));
}

TEST(Golden, CaptureOfAStore) {
  test::expect_golden("capture/store.sql", script(capture_ddl(plan_of_a_store())));
}

TEST(Golden, NoLongerCaptured) {
  test::expect_golden("capture/drop.sql", script(drop_ddl(7, /*keep_ledger=*/false)));
}

}  // namespace
}  // namespace embedd::schema
