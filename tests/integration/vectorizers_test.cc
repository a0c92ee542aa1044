// vectorizer create, list, pause, resume, drop: what is accepted, and what a person is told otherwise.
#include "schema/vectorizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "schema/adoption.h"
#include "support/sample_tables.h"

namespace embedd::schema {
namespace {

using test::create;
using test::jobs;
using test::notes_spec;
using test::NotesDatabase;
using test::run;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;

/// The message that creating `spec` is refused with; "created" if it is not.
std::string refusal(pg::Connection& db, const VectorizerSpec& spec,
                    ErrorKind kind = ErrorKind::invalid_argument) {
  auto created = create_vectorizer(db, spec);
  if (created) return "created";
  EXPECT_EQ(name_of(created.error().kind), name_of(kind)) << created.error().message;
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM embedd.vectorizers"), "0")
      << "a refusal leaves nothing behind";
  return created.error().message;
}

std::string refusal(pg::Connection& db, void (*change)(VectorizerSpec&)) {
  VectorizerSpec spec = notes_spec();
  change(spec);
  return refusal(db, spec);
}

TEST(Vectorizers, CreateFillsInWhatTheTableKnows) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize([](VectorizerSpec& spec) {
    spec.model_id_column = "model_id";
    spec.model_version_column = "model_version";
    spec.where = "other > 0";
  });
  EXPECT_EQ(v.source_schema, "public");
  EXPECT_THAT(v.key_columns, ElementsAre("id"));
  EXPECT_THAT(v.key_types, ElementsAre("bigint"));
  EXPECT_EQ(v.dimensions, 3);
  EXPECT_EQ(v.destination_type, "vector");
  EXPECT_EQ(v.filter, "other > 0");
  EXPECT_EQ(v.filter_sql, R"(embedd.covers_1(t."other"))");
  EXPECT_FALSE(v.send_dimensions);
  EXPECT_FALSE(v.paused);
  auto listed = list_vectorizers(notes.embedd_db);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->size(), 1u);
}

TEST(Vectorizers, RefusalsSayWhatToDo) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE VIEW a_view AS SELECT * FROM notes");
  run(db, "CREATE TABLE no_key (title text, embedding vector(3))");
  run(db, "CREATE TABLE \"Upper\" (id int PRIMARY KEY, title text, embedding vector(3))");
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.name = "no spaces"; }),
              HasSubstr("cannot name a vectorizer"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.table = "note"; }),
              HasSubstr("Did you mean 'notes'?"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.table = "Upper"; }),
              HasSubstr(R"(Did you mean '"Upper"')"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.table = "a_view"; }),
              HasSubstr("a_view is a view, whose changes no trigger sees"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.text = "{titel}"; }),
              HasSubstr("Did you mean 'title'?"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.text = "nothing"; }),
              HasSubstr("names no column"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.column = ""; }), HasSubstr("--column"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.column = "vec"; }),
              HasSubstr("ADD COLUMN \"vec\" vector("));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.column = "body"; }),
              HasSubstr("of type text"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.dimensions = 4; }),
              HasSubstr("vector(3), but --dimensions is 4"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.dimensions = 99999; }),
              HasSubstr("out of range"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.model = "text-embedding-ada-002"; }),
              HasSubstr("answers with 1536 dimensions"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.table = "no_key", s.text = "{title}"; }),
              HasSubstr("has no primary key"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.key = {"title"}; }),
              HasSubstr("SET NOT NULL"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.key = {"ids"}; }),
              HasSubstr("Did you mean 'id'?"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.model_id_column = "other"; }),
              HasSubstr("must be text"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.model_id_column = "nope"; }),
              HasSubstr("no column 'nope'"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.store = "notes_embeddings"; }),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.text = "{title} {embedding}"; }),
              HasSubstr("reads 'embedding'"));
  EXPECT_THAT(refusal(notes.embedd_db, [](VectorizerSpec& s) { s.where = "embedding IS NULL"; }),
              HasSubstr("reads 'embedding'"));
}

TEST(Vectorizers, NamesAndDestinationsAreTakenOnce) {
  NotesDatabase notes;
  notes.vectorize();
  auto again = create_vectorizer(notes.embedd_db, notes_spec());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("embedd vectorizer drop notes"));
  VectorizerSpec other = notes_spec();
  other.name = "other";
  again = create_vectorizer(notes.embedd_db, other);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("fills notes.embedding already"));
}

TEST(Vectorizers, AFilterIsOneConditionOnTheRow) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const char* const refused[] = {
      "other >",
      "other",
      "othr > 1",
      "true",
      "other > 1; DROP TABLE notes",
      "other > 1); DROP TABLE notes; --",
      "other > (SELECT 1)",
      "count(*) > 1",
      "other > $1",
      "notes IS NOT NULL",
  };
  for (const char* where : refused) {
    VectorizerSpec spec = notes_spec();
    spec.where = where;
    EXPECT_THAT(refusal(notes.embedd_db, spec), HasSubstr("--where")) << where;
  }
  EXPECT_EQ(value_of(db, "SELECT to_regclass('notes') IS NOT NULL"), "t");
}

TEST(Vectorizers, AFilterMeansTheSameUnderAnySearchPath) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  NotesDatabase notes;
  run(notes.db, "CREATE SCHEMA app");
  run(notes.db, "CREATE TYPE app.mood AS ENUM ('sad', 'happy')");
  run(notes.db, "CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'");
  run(notes.db, "ALTER TABLE notes ADD COLUMN \"The Mood\" app.mood");
  run(notes.db, "SET search_path = app, public");
  VectorizerSpec spec = notes_spec();
  spec.where = "twice(other) > 2 AND \"The Mood\" = 'happy' -- only these";
  const VectorizerInfo v = create(notes.db, spec);
  run(notes.db, "SET search_path = ''");
  run(notes.db,
      "INSERT INTO public.notes (id, title, other, \"The Mood\") VALUES (1, 'x', 1, 'happy'), "
      "(2, 'x', 2, 'happy'), (3, 'x', 2, 'sad'), (4, 'x', NULL, NULL)");
  EXPECT_EQ(jobs(notes.db, v), "1 2 3 4");
  EXPECT_EQ(value_of(notes.db, "SELECT string_agg(id::text, ' ') FROM public.notes t WHERE " + *v.filter_sql),
            "2");
  EXPECT_EQ(value_of(notes.db, "SHOW search_path"), "\"\"");
}

TEST(Vectorizers, OnlyOtherDimensionsThanTheModelsOwnAreAskedFor) {
  NotesDatabase notes;
  run(notes.db,
      "CREATE TABLE own (id int PRIMARY KEY, title text, embedding vector(1536), small halfvec(256), free "
      "vector)");
  VectorizerSpec spec = notes_spec();
  spec.table = "own";
  spec.text = "{title}";
  spec.model = "text-embedding-3-small";
  EXPECT_FALSE(create(notes.embedd_db, spec).send_dimensions);
  spec.name = "small";
  spec.column = "small";
  const VectorizerInfo small = create(notes.embedd_db, spec);
  EXPECT_TRUE(small.send_dimensions);
  EXPECT_EQ(small.dimensions, 256);
  EXPECT_EQ(small.destination_type, "halfvec");
  spec.name = "free";
  spec.column = "free";
  EXPECT_EQ(create(notes.embedd_db, spec).dimensions, 1536);
}

TEST(Vectorizers, AColumnOfAnyLengthHasTheDimensionsOfItsVectors) {
  NotesDatabase notes;
  run(notes.db, "CREATE TABLE free (id int PRIMARY KEY, title text, v vector, half halfvec)");
  VectorizerSpec spec = notes_spec();
  spec.table = "free";
  spec.text = "{title}";
  spec.column = "v";
  spec.model = "minilm";
  EXPECT_THAT(refusal(notes.embedd_db, spec), HasSubstr("say it with --dimensions"));
  run(notes.db, "INSERT INTO free VALUES (1, 'a', '[1,2,3,4]', '[1,2]'), (2, 'b', NULL, NULL)");
  EXPECT_EQ(create(notes.embedd_db, spec).dimensions, 4);
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, "notes"));
  run(notes.db, "INSERT INTO free VALUES (3, 'c', '[1,2,3]', '[1,2]')");
  EXPECT_THAT(refusal(notes.embedd_db, spec), HasSubstr("vectors of 3 and of 4 dimensions"));
  spec.dimensions = 3;
  EXPECT_EQ(create(notes.embedd_db, spec).dimensions, 3);
  spec.name = "half";
  spec.column = "half";
  spec.dimensions = 0;
  EXPECT_EQ(create(notes.embedd_db, spec).dimensions, 2);
}

TEST(Vectorizers, OnlyVectorsOfItsLengthAreAdopted) {
  NotesDatabase notes;
  run(notes.db, "CREATE TABLE free (id int PRIMARY KEY, title text, v vector)");
  run(notes.db, "INSERT INTO free VALUES (1, 'a', '[1,2,3,4]'), (2, 'b', '[1,2,3]')");
  VectorizerSpec spec = notes_spec();
  spec.table = "free";
  spec.text = "{title}";
  spec.column = "v";
  spec.dimensions = 3;
  spec.adopt_existing = spec.trust_all = true;
  auto declared = declare_vectorizer(notes.embedd_db, spec);
  ASSERT_TRUE(declared) << declared.error().message;
  EXPECT_EQ(declared->existing.rows, 2);
  EXPECT_EQ(declared->existing.adopted, 1);
  EXPECT_EQ(declared->existing.proven, 1);
}

TEST(Vectorizers, DimensionsOfAnUnknownModelAreAskedForIfThatIsAskedFor) {
  NotesDatabase notes;
  VectorizerSpec spec = notes_spec();
  spec.model = "minilm";
  spec.dimensions = 3;
  auto silent = declare_vectorizer(notes.embedd_db, spec);
  ASSERT_TRUE(silent) << silent.error().message;
  EXPECT_FALSE(silent->info.send_dimensions);
  EXPECT_THAT(silent->notes, ElementsAre(HasSubstr("--send-dimensions asks")));
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, "notes"));
  spec.send_dimensions = true;
  auto asked = declare_vectorizer(notes.embedd_db, spec);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_TRUE(asked->info.send_dimensions);
  EXPECT_THAT(asked->notes, ElementsAre());
}

TEST(Vectorizers, ADestinationThatCannotBeEmptiedIsPointedOut) {
  NotesDatabase notes;
  run(notes.db, "ALTER TABLE notes ALTER COLUMN embedding SET NOT NULL");
  auto declared = declare_vectorizer(notes.embedd_db, notes_spec());
  ASSERT_TRUE(declared) << declared.error().message;
  EXPECT_THAT(declared->notes, ElementsAre(HasSubstr("ALTER COLUMN \"embedding\" DROP NOT NULL")));
}

/// The columns of pgai's that matter, as it has had them at different times.
TEST(Vectorizers, AColumnThatPgaiWritesIsRefused) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE SCHEMA ai");
  run(db,
      "CREATE TABLE ai.vectorizer (id int, source_schema text, source_table text, target_schema text, "
      "target_table text, config jsonb, disabled boolean NOT NULL DEFAULT false)");
  run(db, "GRANT USAGE ON SCHEMA ai TO PUBLIC");
  run(db, "GRANT SELECT ON ai.vectorizer TO PUBLIC");
  run(db,
      "INSERT INTO ai.vectorizer VALUES (7, 'public', 'notes', NULL, NULL, '{\"destination\": "
      "{\"implementation\": \"column\", \"embedding_column\": \"embedding\"}}')");
  EXPECT_THAT(refusal(notes.embedd_db, notes_spec()),
              HasSubstr("pgai's vectorizer #7 writes notes.embedding"));
  run(db,
      "UPDATE ai.vectorizer SET source_table = 'pages', target_schema = 'public', target_table = 'notes'");
  EXPECT_THAT(refusal(notes.embedd_db, notes_spec()), HasSubstr("pgai's vectorizer #7"));
  run(db,
      "UPDATE ai.vectorizer SET target_table = NULL, target_schema = NULL, config = '{\"destination\": "
      "{\"target_schema\": \"public\", \"target_table\": \"notes\"}}'");
  EXPECT_THAT(refusal(notes.embedd_db, notes_spec()), HasSubstr("pgai's vectorizer #7"));
  run(db, "UPDATE ai.vectorizer SET disabled = true");
  create(notes.embedd_db, notes_spec());
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, "notes"));
  // It reads the table, and writes elsewhere.
  run(db,
      "UPDATE ai.vectorizer SET disabled = false, source_table = 'notes', config = '{\"destination\": "
      "{\"target_schema\": \"public\", \"target_table\": \"notes_store\"}}'");
  create(notes.embedd_db, notes_spec());
}

TEST(Vectorizers, PauseAndResume) {
  NotesDatabase notes;
  notes.vectorize();
  ASSERT_TRUE(pause_vectorizer(notes.embedd_db, "notes"));
  EXPECT_TRUE(find_vectorizer(notes.embedd_db, "notes")->paused);
  ASSERT_TRUE(resume_vectorizer(notes.embedd_db, "notes"));
  EXPECT_FALSE(find_vectorizer(notes.embedd_db, "notes")->paused);
  auto missing = pause_vectorizer(notes.embedd_db, "nots");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("Did you mean 'notes'?"));
}

TEST(Vectorizers, DropLeavesNothingBehind) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (title) VALUES ('a')");
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, v.name));
  EXPECT_EQ(value_of(notes.db, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'notes'::regclass"), "0");
  EXPECT_EQ(value_of(notes.db,
                     "SELECT count(*) FROM pg_proc WHERE pronamespace = 'embedd'::regnamespace AND proname ~ "
                     "'_[0-9]+$'"),
            "0");
  EXPECT_EQ(value_of(notes.db,
                     "SELECT count(*) FROM pg_class WHERE relnamespace = 'embedd'::regnamespace AND relname "
                     "~ '_[0-9]+$'"),
            "0");
  run(notes.db, "INSERT INTO notes (title) VALUES ('b')");
}

TEST(Vectorizers, ARenamedTableIsFollowed) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "CREATE SCHEMA app");
  run(notes.db, "ALTER TABLE notes RENAME TO papers");
  run(notes.db, "ALTER TABLE papers SET SCHEMA app");
  run(notes.db, "INSERT INTO app.papers (id, title) VALUES (1, 'a')");
  EXPECT_EQ(jobs(notes.db, v), "1");
  auto found = find_vectorizer(notes.embedd_db, "notes");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source_schema + "." + found->source_table, "app.papers");
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, "notes"));
  EXPECT_EQ(value_of(notes.db, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.papers'::regclass"),
            "0");
}

TEST(Vectorizers, CreateWaitsForABusyTableInShortTries) {
  NotesDatabase notes;
  pg::Connection user = notes.database.connect();
  run(user, "BEGIN");
  run(user, "INSERT INTO notes (id, title) VALUES (1, 'open')");
  std::string failure;
  std::thread creating([&] {
    pg::Connection db = notes.database.connect_embedd();
    if (auto created = create_vectorizer(db, notes_spec()); !created) failure = created.error().message;
  });
  while (value_of(notes.db,
                  "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'notes'::regclass") == "0")
    std::this_thread::yield();
  // Others who write meanwhile get their turn.
  run(notes.db, "INSERT INTO notes (id, title) VALUES (2, 'meanwhile')");
  run(user, "COMMIT");
  creating.join();
  EXPECT_EQ(failure, "");
  run(user, "INSERT INTO notes (id, title) VALUES (3, 'after')");
  EXPECT_EQ(jobs(notes.db, *find_vectorizer(notes.embedd_db, "notes")), "3");
}

TEST(Vectorizers, OfTwoOfOneNameOneIsCreated) {
  NotesDatabase notes;
  run(notes.db, "CREATE TABLE other (id int PRIMARY KEY, title text, body text, embedding vector(3))");
  std::string failures[2];
  std::vector<std::thread> creators;
  for (int i = 0; i < 2; ++i)
    creators.emplace_back([&, i] {
      pg::Connection db = notes.database.connect_embedd();
      VectorizerSpec spec = notes_spec();
      if (i == 1) spec.table = "other";
      if (auto created = create_vectorizer(db, spec); !created) failures[i] = created.error().message;
    });
  for (std::thread& creator : creators) creator.join();
  EXPECT_THAT(failures[0] + failures[1], HasSubstr("there is a vectorizer notes already"));
  EXPECT_TRUE(failures[0].empty() || failures[1].empty());
}

TEST(Vectorizers, DropWorksWhenTheTableIsGone) {
  NotesDatabase notes;
  notes.vectorize();
  run(notes.db, "DROP TABLE notes");
  auto dropped = drop_vectorizer(notes.embedd_db, "notes");
  EXPECT_TRUE(dropped) << dropped.error().message;
  EXPECT_TRUE(list_vectorizers(notes.embedd_db)->empty());
}

TEST(Vectorizers, AKeyOfAnExtensionsTypeIsRefused) {
  NotesDatabase notes;
  run(notes.db, "CREATE TYPE mood AS ENUM ('fine', 'so-so')");
  run(notes.db, "CREATE DOMAIN short AS varchar(10)");
  run(notes.db,
      "CREATE TABLE moods (a mood, b short, c vector(3), body text, embedding vector(3), PRIMARY KEY (a, "
      "b))");
  run(notes.db, "CREATE TABLE vectors (id vector(3) PRIMARY KEY, body text, embedding vector(3))");
  VectorizerSpec spec = notes_spec();
  spec.text = "{body}";
  spec.table = "vectors";
  auto refused = create_vectorizer(notes.db, spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("of type vector, which is not PostgreSQL's own"));
  spec.table = "moods";
  auto created = create_vectorizer(notes.db, spec);
  EXPECT_TRUE(created) << created.error().message;
}

TEST(Vectorizers, AnArrayAsKeyIsRefused) {
  NotesDatabase notes;
  run(notes.db, "CREATE DOMAIN route AS int[]");
  run(notes.db, "CREATE TABLE routes (id route PRIMARY KEY, body text, embedding vector(3))");
  VectorizerSpec spec = notes_spec();
  spec.text = "{body}";
  spec.table = "routes";
  EXPECT_THAT(refusal(notes.embedd_db, spec), HasSubstr("the key column 'id' is an array (integer[])"));
}

TEST(Vectorizers, ARoleWithoutPrivilegesIsToldWhichItLacks) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const std::string role = notes.database.name() + "_maker";
  run(db, "CREATE ROLE " + role);
  VectorizerSpec spec = notes_spec();
  spec.model_id_column = "model_id";
  const std::pair<std::string, std::string> steps[] = {
      {"GRANT USAGE ON SCHEMA embedd TO ", "run: GRANT CREATE ON SCHEMA embedd TO "},
      {"GRANT SELECT ON ALL TABLES IN SCHEMA embedd TO ",
       "GRANT INSERT, UPDATE, DELETE ON embedd.vectorizers TO "},
      {"GRANT TRIGGER ON notes TO ",
       "; GRANT SELECT (body, id, title), UPDATE (embedding, model_id) ON public.notes TO "},
      {"GRANT SELECT (id, body) ON notes TO ",
       "; GRANT SELECT (title), UPDATE (embedding, model_id) ON public.notes TO "},
      {"GRANT SELECT ON notes TO ", "; GRANT UPDATE (embedding, model_id) ON public.notes TO "},
      {"GRANT UPDATE (embedding) ON notes TO ", "; GRANT UPDATE (model_id) ON public.notes TO "},
      {"GRANT CREATE ON SCHEMA embedd TO ", "run: GRANT DELETE ON embedd.dead_letters TO "},
  };
  for (const auto& [grant, lacking] : steps) {
    run(db, grant + role);
    run(db, "SET ROLE " + role);
    auto refused = create_vectorizer(db, spec);
    run(db, "RESET ROLE");
    ASSERT_FALSE(refused);
    EXPECT_EQ(name_of(refused.error().kind), "misconfigured");
    EXPECT_THAT(refused.error().message, HasSubstr(lacking));
  }
  run(db, "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA embedd TO " + role);
  run(db, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA embedd TO " + role);
  run(db, "GRANT UPDATE (model_id) ON notes TO " + role);
  run(db, "SET ROLE " + role);
  auto created = create_vectorizer(db, spec);
  run(db, "RESET ROLE");
  EXPECT_TRUE(created) << created.error().message;
  run(db, "DROP OWNED BY " + role + " CASCADE");
  run(db, "DROP ROLE " + role);
}

}  // namespace
}  // namespace embedd::schema
