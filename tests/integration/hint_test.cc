// Notifications: one per transaction, none while a worker is at the queue, and none where they would do harm.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <set>
#include <string>

#include "schema/sql_text.h"
#include "support/sample_tables.h"

namespace embedd::schema {
namespace {

using test::NotesDatabase;
using test::run;

/// The payloads that reached `listener` so far. A round trip brings in whatever was committed before it.
std::multiset<std::string> hints(pg::Connection& listener) {
  run(listener, "SELECT 1");
  std::multiset<std::string> out;
  while (PGnotify* notify = PQnotifies(listener.native())) {
    out.insert(notify->extra);
    PQfreemem(notify);
  }
  return out;
}

struct Listening : NotesDatabase {
  Listening() : vectorizer(vectorize()), listener(database.connect()) { run(listener, "LISTEN embedd"); }
  VectorizerInfo vectorizer;
  pg::Connection listener;
};

TEST(Hint, OneATransaction) {
  Listening notes;
  run(notes.db, "BEGIN");
  for (int i = 0; i < 5; ++i) run(notes.db, "INSERT INTO notes (title) VALUES ('a')");
  run(notes.db, "UPDATE notes SET title = 'b'");
  run(notes.db, "COMMIT");
  EXPECT_EQ(hints(notes.listener), std::multiset<std::string>{std::to_string(notes.vectorizer.id)});
  run(notes.db, "INSERT INTO notes (title) VALUES ('c')");
  EXPECT_EQ(hints(notes.listener).size(), 1u);
}

TEST(Hint, NoneForWhatNeedsNoWorker) {
  Listening notes;
  run(notes.db, "INSERT INTO notes (title) VALUES ('a')");
  EXPECT_EQ(hints(notes.listener).size(), 1u);
  run(notes.db, "UPDATE notes SET other = 1");
  run(notes.db, "DELETE FROM notes");
  EXPECT_TRUE(hints(notes.listener).empty());
}

TEST(Hint, NoneWhileAWorkerHoldsALease) {
  Listening notes;
  run(notes.db, "INSERT INTO notes (title) VALUES ('a')");
  run(notes.db, fmt::format("UPDATE {} SET lease = gen_random_uuid(), run_at = now() + interval '1 min'",
                            queue_table(notes.vectorizer.id)));
  EXPECT_EQ(hints(notes.listener).size(), 1u);
  run(notes.db, "INSERT INTO notes (title) VALUES ('b')");
  EXPECT_TRUE(hints(notes.listener).empty());
}

TEST(Hint, CanBeTurnedOff) {
  Listening notes;
  run(notes.db, "SET embedd.hint = off");
  run(notes.db, "INSERT INTO notes (title) VALUES ('a')");
  EXPECT_TRUE(hints(notes.listener).empty());
  EXPECT_EQ(test::jobs(notes.db, notes.vectorizer), "1");
}

}  // namespace
}  // namespace embedd::schema
