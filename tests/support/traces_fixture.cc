#include "support/traces_fixture.h"

#include <fmt/format.h>

namespace embedd::test {

void TracesTest::create_their_tables() {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE users (id uuid PRIMARY KEY, email varchar(255), display_name varchar(100))");
  sql(fmt::format("INSERT INTO users VALUES ('{}', 'ada@example.org', 'Ada')", uuid("99")));
  sql(R"(CREATE TABLE traces (
    id uuid PRIMARY KEY, title text NOT NULL, context_text text NOT NULL, solution_text text NOT NULL,
    embedding vector(1536), embedding_model_id varchar(100), embedding_model_version varchar(100),
    status varchar(20) NOT NULL, trust_score double precision NOT NULL, confirmation_count integer NOT NULL,
    contributor_id uuid NOT NULL REFERENCES users, agent_model varchar(100), agent_version varchar(50),
    metadata_json json, is_seed boolean NOT NULL, is_stale boolean NOT NULL, is_flagged boolean NOT NULL,
    flagged_at timestamptz, retrieval_count integer NOT NULL DEFAULT 0, last_retrieved_at timestamptz,
    depth_score integer NOT NULL DEFAULT 0, half_life_days integer,
    trace_type varchar(20) NOT NULL DEFAULT 'episodic', review_after timestamptz, watch_condition varchar(500),
    context_fingerprint json, context_embedding vector(1536), convergence_level integer,
    convergence_cluster_id uuid, memory_temperature varchar(10), valid_from timestamptz, valid_until timestamptz,
    somatic_intensity double precision NOT NULL DEFAULT 0, impact_level varchar(20) NOT NULL DEFAULT 'normal',
    solution_embedding vector(1536), created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()))");
  sql("CREATE INDEX ON traces USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)");
  sql(R"(CREATE TABLE tags (
    id uuid PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, is_curated boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()))");
  sql("CREATE TABLE trace_tags (trace_id uuid REFERENCES traces, tag_id uuid REFERENCES tags, PRIMARY KEY "
      "(trace_id, tag_id))");
  sql(R"(CREATE TABLE trace_relationships (
    id uuid PRIMARY KEY, source_trace_id uuid NOT NULL REFERENCES traces,
    target_trace_id uuid NOT NULL REFERENCES traces, relationship_type varchar(30) NOT NULL,
    strength double precision NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_trace_id, target_trace_id, relationship_type)))");
}

void TracesTest::init_full() {
  const Finished made = run_embedd({"traces", "init", "--full", "--endpoint", "local"});
  ASSERT_EQ(made.code, 0) << made.error_output;
}

void TracesTest::tag(const std::string& id, const std::string& name) {
  sql(fmt::format(
      "INSERT INTO tags (id, name, is_curated) VALUES (gen_random_uuid(), '{}', false) ON CONFLICT "
      "DO NOTHING",
      name));
  sql(fmt::format("INSERT INTO trace_tags SELECT '{}', id FROM tags WHERE name = '{}'", uuid(id), name));
}

void TracesTest::grant_tables() {
  if (const std::string& role = database.worker_role(); !role.empty())
    sql("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO " + role);
}

void TracesTest::serve(const Environment& changes, const std::string& token) {
  grant_tables();
  ServeTest::serve(changes, token);
}

void TracesTest::add_trace(const std::string& id, const std::string& title, const std::string& solution,
                           const std::string& fingerprint) {
  sql(fmt::format(
      "INSERT INTO traces (id, title, context_text, solution_text, status, trust_score, confirmation_count, "
      "contributor_id, is_seed, is_stale, is_flagged, context_fingerprint) VALUES ('{}', '{}', 'context', "
      "'{}', 'validated', 0, 0, '{}', false, false, false, {})",
      uuid(id), title, solution, uuid("99"), fingerprint == "NULL" ? fingerprint : "'" + fingerprint + "'"));
}

std::int64_t TracesTest::all_jobs() {
  std::int64_t out = 0;
  for (int id = 1; id <= 3; ++id) out += number(fmt::format("SELECT count(*) FROM embedd.queue_{}", id));
  return out;
}

}  // namespace embedd::test
