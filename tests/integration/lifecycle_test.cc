// Rows on their way through triggers, queue and worker: what is paid for, what is cleared, and with which
// rights.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "schema/dead_letters.h"
#include "schema/inspect.h"
#include "schema/migrate.h"
#include "support/blocking_worker.h"
#include "support/sample_tables.h"

namespace embedd::test {
namespace {

/// A vectorizer over notes with its worker; `settle_all` works until no job is left.
struct Lifecycle : NotesDatabase {
  Lifecycle() : vectorizer(vectorize()), worker(database.worker_url(), 1) {}

  void settle_all() {
    while (jobs(db, vectorizer) != "") ASSERT_GT(worker.work(vectorizer.id), 0u) << worker.last_error();
  }
  std::string vector_of(int id) {
    return value_of(db, "SELECT embedding::text FROM notes WHERE id = $1", {std::to_string(id)});
  }
  static std::string literal(std::string_view text) {
    const std::vector<float> v = vector_for(text);
    return fmt::format("[{},{},{}]", v[0], v[1], v[2]);
  }

  schema::VectorizerInfo vectorizer;
  BlockingWorker worker;
};

TEST(Lifecycle, ATextIsEmbeddedAndAnEmptyOneCleared) {
  Lifecycle notes;
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a'), (2, 'b')");
  notes.settle_all();
  EXPECT_EQ(notes.vector_of(1), Lifecycle::literal("a\n"));
  run(notes.db, "UPDATE notes SET body = 'x' WHERE id = 1");
  run(notes.db, "UPDATE notes SET title = NULL WHERE id = 2");
  notes.settle_all();
  EXPECT_EQ(notes.vector_of(1), Lifecycle::literal("a\nx"));
  EXPECT_EQ(notes.vector_of(2), "NULL");
  EXPECT_EQ(notes.worker.embedded(), 3u);
}

TEST(Lifecycle, AKeyChangeAndATextChangedBackCostNothing) {
  Lifecycle notes;
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a')");
  notes.settle_all();
  run(notes.db, "UPDATE notes SET id = 2");
  notes.settle_all();
  run(notes.db, "UPDATE notes SET title = 'b'");
  run(notes.db, "UPDATE notes SET title = 'a'");
  notes.settle_all();
  EXPECT_EQ(notes.vector_of(2), Lifecycle::literal("a\n"));
  EXPECT_EQ(notes.worker.embedded(), 1u);
}

TEST(Lifecycle, RowsFromBeforeTheVectorizerAreFoundWhateverVectorTheyHold) {
  NotesDatabase notes;
  run(notes.db,
      "INSERT INTO notes (id, title, embedding) VALUES (1, 'a', NULL), (2, 'b', '[1,2,3]'), (3, NULL, NULL)");
  const schema::VectorizerInfo v = notes.vectorize();
  EXPECT_EQ(jobs(notes.db, v), "");
  BlockingWorker worker(notes.database.worker_url(), 1);
  EXPECT_EQ(worker.walk(v.id), 2u);
  EXPECT_EQ(jobs(notes.db, v), "1 2");
  worker.work(v.id);
  EXPECT_EQ(
      value_of(notes.db, "SELECT string_agg((embedding IS NOT NULL)::text, ' ' ORDER BY id) FROM notes"),
      "true true false");
  EXPECT_EQ(worker.embedded(), 2u);
}

TEST(Lifecycle, DroppingAndCreatingAgainBuysNothingAgain) {
  Lifecycle notes;
  run(notes.db, "INSERT INTO notes (id, title) SELECT i, 'title ' || i FROM generate_series(1, 20) i");
  notes.settle_all();
  ASSERT_TRUE(schema::drop_vectorizer(notes.embedd_db, "notes"));
  run(notes.db, "ALTER TABLE notes RENAME COLUMN body TO content");
  const schema::VectorizerInfo again =
      notes.vectorize([](schema::VectorizerSpec& spec) { spec.text = "{title}\\n{content}"; });
  BlockingWorker worker(notes.database.worker_url(), 2);
  EXPECT_EQ(worker.walk(again.id), 0u);
  run(notes.db, "UPDATE notes SET title = 'new' WHERE id = 7");
  worker.work(again.id);
  EXPECT_EQ(worker.embedded(), 1u);
  EXPECT_EQ(notes.vector_of(7), Lifecycle::literal("new\n"));
}

TEST(Lifecycle, AVectorizerCanBeDroppedUnderItsWorkers) {
  NotesDatabase notes;
  const schema::VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) SELECT i, 'title ' || i FROM generate_series(1, 5000) i");
  std::atomic<bool> dropped = false;
  std::vector<std::thread> workers;
  for (std::uint8_t i = 1; i <= 2; ++i)
    workers.emplace_back([&, i] {
      BlockingWorker worker(notes.database.worker_url(), i);
      while (!dropped) worker.work(v.id, 10);
    });
  while (value_of(notes.db, "SELECT count(*) FROM notes WHERE embedding IS NOT NULL") == "0")
    std::this_thread::yield();
  auto done = schema::drop_vectorizer(notes.embedd_db, "notes");
  dropped = true;
  for (std::thread& worker : workers) worker.join();
  EXPECT_TRUE(done) << done.error().message;
  run(notes.db, "UPDATE notes SET title = 'later'");
}

TEST(Lifecycle, AWorkerNeedsOnlyWhatGrantsSays) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const schema::VectorizerInfo v =
      notes.vectorize([](schema::VectorizerSpec& spec) { spec.model_id_column = "model_id"; });
  const std::string role = notes.database.name() + "_worker";
  run(db, fmt::format("CREATE ROLE {} LOGIN PASSWORD 'w'", role));
  const auto grants = schema::missing_grants(notes.embedd_db, role);
  ASSERT_TRUE(grants) << grants.error().message;
  for (const std::string& grant : *grants) run(db, grant);
  run(db, "INSERT INTO notes (id, title) VALUES (1, 'a'), (2, 'b')");
  run(db, "ALTER TABLE notes DISABLE TRIGGER USER");
  run(db, "INSERT INTO notes (id, title) VALUES (3, 'c')");
  run(db, "ALTER TABLE notes ENABLE TRIGGER USER");

  const std::string url = with_parameters(notes.database.url(), {{"user", role}, {"password", "w"}});
  auto own = pg::Connection::open(Secret(url));
  ASSERT_TRUE(own) << own.error().message;
  auto migrated = schema::migrate(*own);
  EXPECT_TRUE(migrated) << migrated.error().message;
  {
    BlockingWorker worker(url, 1);
    EXPECT_EQ(worker.walk(v.id), 1u) << worker.last_error();
    EXPECT_EQ(worker.work(v.id), 3u) << worker.last_error();
    run(db, "UPDATE notes SET title = NULL WHERE id = 1");
    run(db, "DELETE FROM notes WHERE id = 2");
    worker.work(v.id);
    EXPECT_EQ(jobs(db, v), "") << worker.last_error();
    EXPECT_EQ(value_of(db, "SELECT string_agg(id || coalesce(model_id, '-'), ' ' ORDER BY id) FROM notes"),
              "1- 3model");
    auto poll = worker.poll();
    EXPECT_TRUE(poll) << poll.error().message;
  }
  EXPECT_EQ(value_of(db, "SELECT sum(rows) FROM embedd.usage"), "3");
  run(db, "DROP OWNED BY " + role);
  own = fail(ErrorKind::canceled, "closed");
  run(db, "DROP ROLE " + role);
}

}  // namespace
}  // namespace embedd::test
