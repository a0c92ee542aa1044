// Vector indexes around a backlog: declared with the vectorizer, built when it is done, put aside for a
// large one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>

#include "schema/sql_text.h"
#include "schema/vector_index.h"
#include "search/search.h"
#include "support/sample_tables.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

constexpr const char* kIndexes =
    "SELECT coalesce(string_agg(c.relname || ' ' || am.amname || CASE WHEN i.indisvalid THEN '' ELSE ' "
    "invalid' "
    "END, ', ' ORDER BY c.relname), '') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am "
    "am ON "
    "am.oid = c.relam WHERE am.amname IN ('hnsw', 'ivfflat')";

/// The table notes with rows that have their vectors, and nothing left to embed.
class VectorIndexes : public testing::Test {
 protected:
  schema::VectorizerInfo declare(const std::string& kind, const std::string& type = "vector(3)") {
    run(db, "ALTER TABLE notes ALTER COLUMN embedding TYPE " + type);
    schema::VectorizerSpec spec = notes_spec();
    spec.index = kind;
    schema::VectorizerInfo created = create(notes.embedd_db, spec);
    run(db,
        "INSERT INTO notes (id, title, embedding) SELECT i, 't', ('[' || cos(i / 1000.0) || ',' || sin(i / "
        "1000.0) || ',0]')::vector FROM generate_series(1, 2000) i");
    run(db, "DELETE FROM " + schema::queue_table(created.id));
    run(db, "ANALYZE notes");
    return created;
  }
  Result<std::vector<schema::BuiltIndex>> build(const std::string& name = "notes") {
    pg::Connection builder = notes.database.connect_embedd();
    return schema::build_indexes(notes.embedd_db, builder, *schema::find_vectorizer(notes.embedd_db, name),
                                 {}, [](const schema::BuildProgress&) {});
  }
  /// Builds, and says which indexes there were to show, and whether each was built now.
  std::string built() {
    auto done = build();
    if (!done) return done.error().message;
    std::string out;
    for (const schema::BuiltIndex& index : *done)
      out += fmt::format("{}{} ", index.name, index.built ? " built" : "");
    return out;
  }
  std::string indexes() { return value_of(db, kIndexes); }
  std::string definition(const std::string& name) {
    return value_of(db, "SELECT indexdef FROM pg_indexes WHERE indexname = '" + name + "'");
  }
  /// The key of the row that a search finds first, near the 500th.
  std::string nearest() {
    auto v = schema::find_vectorizer(db, "notes");
    auto hits = search::search(db, *v, std::vector<float>{std::cos(0.5f), std::sin(0.5f), 0}, 5);
    return hits ? hits->at(0).key : hits.error().message;
  }
  /// Whether a search reads that index, if the planner is asked to avoid the table.
  void expect_search_uses(const std::string& index) {
    run(db, "SET enable_seqscan = off");
    EXPECT_EQ(nearest(), "{\"id\": 500}");
    run(db, "RESET enable_seqscan");
    if (db.server_version() < 150000) return;  // older servers report their statistics later
    run(db, "SELECT pg_stat_force_next_flush()");
    EXPECT_EQ(value_of(db, "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '" + index + "'"),
              "1");
  }

  NotesDatabase notes;
  pg::Connection& db = notes.db;
};

TEST_F(VectorIndexes, AreBuiltOnceAndUsedBySearch) {
  declare("hnsw");
  EXPECT_EQ(indexes(), "") << "declaring builds nothing";
  EXPECT_EQ(schema::index_wanted(db, *schema::find_vectorizer(db, "notes")), true);
  EXPECT_EQ(built(), "embedd_1_hnsw built ");
  EXPECT_EQ(indexes(), "embedd_1_hnsw hnsw");
  EXPECT_THAT(definition("embedd_1_hnsw"),
              HasSubstr("hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')"));
  EXPECT_EQ(schema::index_wanted(db, *schema::find_vectorizer(db, "notes")), false);
  EXPECT_EQ(built(), "embedd_1_hnsw ") << "a second time there is nothing to do";
  EXPECT_EQ(indexes(), "embedd_1_hnsw hnsw");
  expect_search_uses("embedd_1_hnsw");
}

TEST_F(VectorIndexes, OfHalfPrecisionFindTheSameRows) {
  declare("halfvec");
  EXPECT_EQ(built(), "embedd_1_halfvec built ");
  EXPECT_THAT(definition("embedd_1_halfvec"), HasSubstr("((embedding)::halfvec(3)) halfvec_cosine_ops"));
  // Every row's neighbours are a thousandth away, which half precision can hardly tell.
  expect_search_uses("embedd_1_halfvec");
}

TEST_F(VectorIndexes, OfLists) {
  declare("ivfflat");
  EXPECT_EQ(built(), "embedd_1_ivfflat built ");
  EXPECT_THAT(definition("embedd_1_ivfflat"),
              HasSubstr("ivfflat (embedding vector_cosine_ops) WITH (lists='10')"));
  expect_search_uses("embedd_1_ivfflat");
}

TEST_F(VectorIndexes, OfAHalfvecColumn) {
  declare("hnsw", "halfvec(3)");
  EXPECT_EQ(built(), "embedd_1_hnsw built ");
  EXPECT_THAT(definition("embedd_1_hnsw"), HasSubstr("(embedding halfvec_cosine_ops)"));
}

TEST_F(VectorIndexes, OfTheOwnersOwnMakingServe) {
  declare("hnsw");
  run(db, "CREATE INDEX mine ON notes USING hnsw (embedding vector_cosine_ops)");
  EXPECT_EQ(built(), "mine ");
  EXPECT_EQ(indexes(), "mine hnsw");
}

TEST_F(VectorIndexes, LeftInvalidByAnInterruptedBuildAreBuiltAgain) {
  declare("hnsw");
  EXPECT_EQ(built(), "embedd_1_hnsw built ");
  run(db, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'embedd_1_hnsw'::regclass");
  EXPECT_EQ(indexes(), "embedd_1_hnsw hnsw invalid");
  EXPECT_EQ(schema::index_wanted(db, *schema::find_vectorizer(db, "notes")), true);
  EXPECT_EQ(built(), "embedd_1_hnsw built ");
  EXPECT_EQ(indexes(), "embedd_1_hnsw hnsw");
}

TEST_F(VectorIndexes, AreBuiltByOneAtATime) {
  EMBEDD_NOT_ON(pgbouncer, "needs a session's lock");
  declare("hnsw");
  run(db, "SELECT pg_advisory_lock(1701667448, 1)");
  EXPECT_THAT(built(), HasSubstr("another session is building the index of notes"));
  run(db, "SELECT pg_advisory_unlock(1701667448, 1)");
  EXPECT_EQ(built(), "embedd_1_hnsw built ");
}

TEST_F(VectorIndexes, TakeNobodysName) {
  declare("hnsw");
  run(db, "CREATE TABLE embedd_1_hnsw (id int)");
  EXPECT_THAT(built(), HasSubstr("embedd_1_hnsw is the name of something else"));
  EXPECT_EQ(value_of(db, "SELECT to_regclass('embedd_1_hnsw') IS NOT NULL"), "t");
}

TEST_F(VectorIndexes, AreDeferredByNameOnlyAndComeBackAsTheyWere) {
  declare("none");
  run(db, "CREATE INDEX mine ON notes USING hnsw (embedding vector_cosine_ops) WITH (m = 7) WHERE id > 3");
  run(db, "CREATE INDEX \"My 'Other'\" ON notes USING ivfflat (embedding vector_l2_ops) WITH (lists = 12)");
  const std::string mine = definition("mine");
  const auto defer = [this](const std::vector<std::string>& names) {
    auto done =
        schema::defer_indexes(notes.embedd_db, *schema::find_vectorizer(notes.embedd_db, "notes"), names);
    return done ? std::string("done") : done.error().message;
  };
  EXPECT_EQ(defer({}), "done") << "nothing, that is";
  EXPECT_EQ(*schema::deferrable_indexes(notes.embedd_db, *schema::find_vectorizer(notes.embedd_db, "notes")),
            (std::vector<std::string>{"My 'Other'", "mine"}));
  EXPECT_THAT(defer({"notes_pkey"}), HasSubstr("notes_pkey is no vector index"));
  EXPECT_EQ(indexes(), "My 'Other' ivfflat, mine hnsw");
  EXPECT_EQ(defer({"mine", "My 'Other'"}), "done");
  EXPECT_EQ(indexes(), "");
  EXPECT_EQ(nearest(), "{\"id\": 500}") << "searches work without it";
  EXPECT_EQ(defer({"mine"}), "done") << "a second time there is nothing to do";
  EXPECT_EQ(built(), "My 'Other' built mine built ");
  EXPECT_EQ(indexes(), "My 'Other' ivfflat, mine hnsw");
  EXPECT_EQ(definition("mine"), mine);
  EXPECT_EQ(value_of(db, "SELECT deferred_indexes FROM embedd.vectorizers"), "{}");
  EXPECT_EQ(built(), "My 'Other' mine ");
}

TEST_F(VectorIndexes, AreNobodysButTheOwners) {
  declare("hnsw");
  const std::string role = "stranger_" + notes.database.name();
  run(db, "CREATE ROLE " + role);
  run(db, fmt::format("GRANT USAGE ON SCHEMA embedd TO {0}; ", role));
  run(db, fmt::format("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA embedd TO {0}", role));
  run(db, "SET ROLE " + role);
  const schema::VectorizerInfo v = *schema::find_vectorizer(db, "notes");
  pg::Connection builder = notes.database.connect_embedd();
  auto refused = schema::build_indexes(db, builder, v, {}, [](const schema::BuildProgress&) {});
  auto kept = schema::defer_indexes(db, v, std::vector<std::string>{"embedd_1_hnsw"});
  auto chosen = schema::choose_index(db, "notes", "ivfflat");
  run(db, "RESET ROLE");
  run(db, "DROP OWNED BY " + role);
  run(db, "DROP ROLE " + role);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("does not own \"public\".\"notes\""));
  EXPECT_THAT(kept.error().message, HasSubstr("does not own"));
  EXPECT_THAT(chosen.error().message, HasSubstr("does not own"));
}

TEST(VectorIndexKinds, AreRefusedBeyondTheirDimensions) {
  NotesDatabase notes;
  const auto declare = [&](const std::string& type, const std::string& kind, int dimensions) {
    run(notes.db, "ALTER TABLE notes ALTER COLUMN embedding TYPE " + type);
    schema::VectorizerSpec spec = notes_spec();
    spec.index = kind;
    spec.dimensions = dimensions;
    auto created = schema::create_vectorizer(notes.embedd_db, spec);
    if (!created) return created.error().message;
    EXPECT_TRUE(schema::drop_vectorizer(notes.embedd_db, "notes"));
    return std::string("fine");
  };
  EXPECT_EQ(declare("vector(2000)", "hnsw", 0), "fine");
  EXPECT_EQ(declare("vector(3072)", "none", 0), "fine");
  EXPECT_EQ(declare("vector(3072)", "halfvec", 0), "fine");
  EXPECT_EQ(declare("halfvec(3072)", "hnsw", 0), "fine");
  EXPECT_EQ(declare("vector", "halfvec", 8), "fine");
  EXPECT_THAT(declare("vector(2001)", "hnsw", 0), HasSubstr("choose --index halfvec"));
  EXPECT_THAT(declare("vector(3072)", "ivfflat", 0), HasSubstr("choose --index halfvec"));
  EXPECT_THAT(declare("vector(4001)", "hnsw", 0), HasSubstr("choose --index none"));
  EXPECT_THAT(declare("vector(4001)", "halfvec", 0), HasSubstr("choose --index none"));
  EXPECT_THAT(declare("vector", "hnsw", 8), HasSubstr("TYPE vector(8)"));
  EXPECT_THAT(declare("vector(3)", "btree", 0), HasSubstr("hnsw, halfvec, ivfflat or none"));
}

TEST(VectorIndexMemory, IsRecognisedAsSharedInAnyLanguage) {
  using schema::lacks_shared_memory;
  constexpr const char* kEnglish =
      "could not resize shared memory segment \"/PostgreSQL.2016\" to 67129920 bytes: No space left on "
      "device";
  EXPECT_TRUE(lacks_shared_memory("53100", kEnglish));
  EXPECT_TRUE(lacks_shared_memory("53200", kEnglish));
  EXPECT_TRUE(lacks_shared_memory(
      "53100",
      "konnte Groesse des Shared-Memory-Segments \"/PostgreSQL.2016\" nicht auf 67129920 Bytes aendern"));
  EXPECT_FALSE(lacks_shared_memory("53100", "could not extend file \"base/5/1\": No space left on device"));
  EXPECT_FALSE(lacks_shared_memory("XX000", kEnglish));
}

class VectorIndexCommands : public WorkerTest {
 protected:
  std::string indexes() { return value(kIndexes); }
};

TEST_F(VectorIndexCommands, BuildOnceTheBacklogIsDone) {
  create_docs();
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  add_docs(300);
  const Finished created =
      run_embedd({"vectorizer", "create", "docs", "--table", "docs", "--text", "{title}\\n{body}", "--column",
                  "embedding", "--model-id-column", "embedding_model_id", "--model-version-column",
                  "embedding_model_version", "--index", "hnsw"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr("embedd vectorizer reindex docs"));

  const Finished early = run_embedd({"vectorizer", "reindex", "docs", "--wait", "0"});
  EXPECT_EQ(early.code, 3);
  EXPECT_THAT(early.error_output, HasSubstr("not all rows have been looked at yet; no worker is running"));
  EXPECT_EQ(indexes(), "");

  Embedd waiting = start({"vectorizer", "reindex", "docs"});
  ASSERT_TRUE(waiting.wait_for_log("waiting"));
  EXPECT_EQ(indexes(), "");
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 0) << worked.error_output;
  const Finished built = waiting.finish();
  EXPECT_EQ(built.code, 0) << built.error_output;
  EXPECT_THAT(built.output, HasSubstr("embedd_1_hnsw built in"));
  EXPECT_EQ(indexes(), "embedd_1_hnsw hnsw");
  EXPECT_THAT(run_embedd({"vectorizer", "reindex", "docs"}).output,
              HasSubstr("embedd_1_hnsw exists already"));
}

/// A server whose files, and segments of shared memory, may have 100 MB at most.
class LittleServer {
  /// Returns what held before.
  static rlimit limit_files(rlim_t bytes) {
    rlimit before{};
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit after{.rlim_cur = bytes, .rlim_max = before.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &after), 0);
    return before;
  }

 protected:
  /// The server inherits the limit; this process gets rid of it again.
  LittleServer() { limit_files(ours_.rlim_cur); }

  const rlimit ours_ = limit_files(100'000'000);
  PrivatePostgres server{{"min_parallel_table_scan_size=0"}};
};

class LittleSharedMemory : public LittleServer, public WorkerTest {
 protected:
  LittleSharedMemory() : WorkerTest(&server) {}
};

TEST_F(LittleSharedMemory, IsEnoughToBuildWithOneProcessAndThatIsSaid) {
  EMBEDD_NOT_ON(pgbouncer, "the build's settings need a session");
  declare_docs();
  run(db,
      "INSERT INTO docs (slug, embedding) SELECT i::text, ('[' || i || ',1,0,0,0,0,0,0]')::vector FROM "
      "generate_series(1, 500) i");
  run(db, "ANALYZE docs");
  const Finished built = run_embedd({"vectorizer", "reindex", "docs", "--now", "--index", "hnsw"});
  EXPECT_EQ(built.code, 0) << built.error_output << server.log();
  EXPECT_THAT(server.log(), HasSubstr("could not resize shared memory segment"));
  EXPECT_THAT(built.error_output, HasSubstr("built by one process"));
  EXPECT_EQ(value(kIndexes), "embedd_1_hnsw hnsw");
}

TEST_F(VectorIndexCommands, DeferAnIndexAndStatusAsksForItBack) {
  declare_docs();
  add_docs(20);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(run_embedd({"vectorizer", "reindex", "docs"}).code, 2) << "no kind was ever asked for";
  EXPECT_EQ(run_embedd({"vectorizer", "reindex", "docs", "--index", "ivfflat"}).code, 0);
  const Finished asked = run_embedd({"vectorizer", "defer-index", "docs"});
  EXPECT_EQ(asked.code, 0);
  EXPECT_THAT(asked.output, HasSubstr("--drop embedd_1_ivfflat"));
  EXPECT_EQ(indexes(), "embedd_1_ivfflat ivfflat");
  EXPECT_EQ(run_embedd({"vectorizer", "defer-index", "docs", "--drop", "embedd_1_ivfflat"}).code, 0);
  EXPECT_EQ(indexes(), "");
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("index_wanted: run embedd vectorizer reindex docs"));
  EXPECT_EQ(run_embedd({"vectorizer", "reindex", "docs", "--json"}).code, 0);
  EXPECT_EQ(indexes(), "embedd_1_ivfflat ivfflat");
  EXPECT_THAT(run_embedd({"status"}).output, testing::Not(HasSubstr("index_wanted")));
}

}  // namespace
}  // namespace embedd::test
