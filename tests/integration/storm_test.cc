// Users who write without pause, workers who embed meanwhile: nobody deadlocks, and in the end every vector
// is that of its row's text (G1, G2), with no token paid twice for an unchanged one (G12).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "schema/sql_text.h"
#include "support/blocking_worker.h"
#include "support/sample_tables.h"

namespace embedd::test {
namespace {

/// One user: small transactions over few rows, so that they meet each other and the workers all the time.
class User {
 public:
  User(const TestDatabase& database, unsigned seed)
      : db_(database.connect()), random_(seed), next_key_(1000 + static_cast<int>(seed) * 100'000) {}

  void storm(int transactions) {
    for (int i = 0; i < transactions; ++i) {
      if (pick(4) != 0) {
        act();
        continue;
      }
      (void)db_.exec("BEGIN");
      act();
      (void)db_.exec(pick(3) == 0 ? "ROLLBACK" : "COMMIT");
    }
  }

  int changes = 0;
  std::string surprise;  ///< the first failure that a user of these statements alone would not have had

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  pg::Param text() {
    if (pick(8) == 0) return std::nullopt;
    return pick(8) == 0 ? " " : fmt::format("text {}", pick(12));
  }

  void act() {
    const std::string key = std::to_string(pick(40));
    switch (pick(10)) {
      case 0:
      case 1:
        note(db_.exec("INSERT INTO notes (id, title, other) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING",
                      {key, text()}));
        break;
      case 2:
        note(
            db_.exec("INSERT INTO notes (id, title, other) VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE SET "
                     "title = excluded.title",
                     {key, text()}));
        break;
      case 3: note(db_.exec("DELETE FROM notes WHERE id = $1", {key})); break;
      case 4:
        note(db_.exec("UPDATE notes SET id = $2 WHERE id = $1", {key, std::to_string(next_key_++)}));
        break;
      case 5:
        note(db_.exec("UPDATE notes SET other = $2 WHERE id = $1", {key, std::to_string(pick(2))}));
        break;
      case 6:
        note(db_.exec("DELETE FROM notes WHERE id = (SELECT min(id) FROM notes WHERE id > 900)"));
        break;
      default: note(db_.exec("UPDATE notes SET title = $2 WHERE id = $1", {key, text()}));
    }
  }

  void note(const Result<pg::Rows>& result) {
    if (result)
      changes += static_cast<int>(result->affected());
    else if (surprise.empty())
      surprise = result.error().message;
  }

  pg::Connection db_;
  std::mt19937 random_;
  int next_key_;
};

/// A transaction of several statements can deadlock with another user's by itself; lone ones cannot.
TEST(Storm, EveryVectorIsThatOfItsRowInTheEnd) {
  NotesDatabase notes;
  const schema::VectorizerInfo v = notes.vectorize([](schema::VectorizerSpec& spec) {
    spec.text = "{title}";
    spec.where = "other = 1";
  });
  std::atomic<int> users_left = 3;
  std::vector<User> users;
  for (unsigned i = 1; i <= 3; ++i) users.emplace_back(notes.database, i);
  std::vector<std::thread> threads;
  for (User& user : users)
    threads.emplace_back([&] {
      user.storm(800);
      --users_left;
    });
  std::vector<std::size_t> embedded(2);
  for (std::uint8_t i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      BlockingWorker worker(notes.database.worker_url(), static_cast<std::uint8_t>(i + 1));
      while (users_left > 0) worker.work(v.id, 7);
      embedded[i] = worker.embedded();
    });
  for (std::thread& thread : threads) thread.join();

  int changes = 0;
  for (const User& user : users) {
    EXPECT_EQ(user.surprise, "");
    changes += user.changes;
  }
  EXPECT_GT(changes, 500);
  EXPECT_GT(embedded[0] + embedded[1], 50u);

  // What is left now, with everybody gone. A lease that nobody holds any more would lapse in time.
  run(notes.db, fmt::format("UPDATE {} SET run_at = now()", schema::queue_table(v.id)));
  BlockingWorker worker(notes.database.worker_url(), 9);
  while (value_of(notes.db, "SELECT count(*) FROM " + schema::queue_table(v.id)) != "0") worker.work(v.id);

  const pg::Rows rows =
      run(notes.db, fmt::format("SELECT id, CASE WHEN {} THEN {} END, embedding::text FROM notes t",
                                *v.filter_sql, v.text_sql));
  EXPECT_GT(rows.size(), 5);
  for (int i = 0; i < rows.size(); ++i) {
    const std::vector<float> expected = vector_for(rows.view(i, 1));
    EXPECT_EQ(rows.is_null(i, 2) ? "none" : rows.text(i, 2),
              rows.is_null(i, 1) ? "none" : fmt::format("[{},{},{}]", expected[0], expected[1], expected[2]))
        << "row " << rows.view(i, 0);
  }
  EXPECT_EQ(value_of(notes.db,
                     fmt::format("SELECT count(*) FROM {} l WHERE NOT EXISTS (SELECT FROM notes t WHERE t.id "
                                 "= l.k1 AND embedding IS NOT NULL)",
                                 schema::ledger_table(v.id))),
            "0")
      << "a proof without a vector";
  const std::size_t before = worker.embedded();
  EXPECT_EQ(worker.walk(v.id), 0u) << "a walk finds nothing that the triggers missed";
  while (value_of(notes.db, "SELECT count(*) FROM " + schema::queue_table(v.id)) != "0") worker.work(v.id);
  EXPECT_EQ(worker.embedded(), before) << "and pays for nothing";
}

}  // namespace
}  // namespace embedd::test
