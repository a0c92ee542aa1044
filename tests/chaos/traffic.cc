#include "chaos/traffic.h"

#include <fmt/format.h>

#include <chrono>

namespace embedd::chaos {

const char* const kSchema = R"(
CREATE TABLE docs (
  id bigint PRIMARY KEY, title text, body text, hits int NOT NULL DEFAULT 0, embedding vector(64),
  model_id text, model_version text);
CREATE TABLE "Notes" (
  "Owner" text, part int, words text, seen timestamptz, embedding vector(64), PRIMARY KEY ("Owner", part));
CREATE TABLE books (id bigint PRIMARY KEY, body text, loans int NOT NULL DEFAULT 0);
)";

User::User(int number, std::string url, std::uint64_t seed, Library& library)
    : number_(number),
      url_(std::move(url)),
      random_(seed),
      library_(library),
      next_id_(static_cast<std::uint64_t>(number) * 1'000'000) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void User::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void User::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!db_ && !connect(stop)) return;
    act(stop);
    std::this_thread::sleep_for(std::chrono::milliseconds(random_.below(30)));
  }
}

bool User::connect(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto opened = pg::Connection::open(Secret(url_), "chaos user")) {
      db_ = std::move(*opened);
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

bool User::exec(const std::string& sql, std::initializer_list<pg::Param> params) {
  if (!db_) return false;
  const auto began = std::chrono::steady_clock::now();
  const auto result = db_->exec(sql, params);
  const Duration took = std::chrono::steady_clock::now() - began;
  ++report_.statements;
  if (result) {
    if (took > report_.longest_wait) {
      report_.longest_wait = took;
      report_.longest_statement = sql;
    }
    return true;
  }
  if (db_->last_sqlstate() == "40P01") ++report_.deadlocks;
  const ErrorKind kind = result.error().kind;
  if (kind == ErrorKind::in_doubt || kind == ErrorKind::unavailable) {
    ++report_.lost_connections;
    db_.reset();
  }
  return false;
}

std::string User::doc_id() {
  const std::uint64_t first = static_cast<std::uint64_t>(number_) * 1'000'000;
  return std::to_string(first + random_.below(std::max<std::uint64_t>(next_id_ - first, 1)));
}

std::string User::note_key() { return fmt::format("Käfer \"{}\" {}", number_, random_.below(40)); }

/// Every text is unique, so that the provider's record tells whether one was paid for twice.
std::string User::text() {
  const auto kind = random_.below(60);
  if (kind == 0) return "";
  if (kind == 1) return " \n";
  if (kind == 2) return fmt::format("{} {} {}", kPoison, number_, ++texts_);
  std::string filler(random_.below(kind < 6 ? 6000 : 300), 'a' + static_cast<char>(random_.below(26)));
  return fmt::format("user {} says no. {}: {}", number_, ++texts_, filler);
}

void User::act(const std::stop_token& stop) {
  if (random_.below(60) == 0) return hold(stop);
  if (random_.below(6) == 0) return act_on_books();
  random_.below(4) == 0 ? act_on_notes() : act_on_docs();
}

void User::act_on_docs() {
  switch (random_.below(12)) {
    case 0:
    case 1:
    case 2:
      exec("INSERT INTO docs (id, title, body) VALUES ($1, $2, $3)",
           {std::to_string(next_id_), fmt::format("doc {}", next_id_), text()});
      ++next_id_;
      return;
    case 3:
    case 4:
    case 5: exec("UPDATE docs SET body = $2 WHERE id = $1", {doc_id(), text()}); return;
    case 6:
    case 7: exec("UPDATE docs SET hits = hits + 1 WHERE id = $1", {doc_id()}); return;
    case 8: exec("UPDATE docs SET title = NULL, body = NULL WHERE id = $1", {doc_id()}); return;
    case 9: exec("DELETE FROM docs WHERE id = $1", {doc_id()}); return;
    case 10:  // a key change
      exec("UPDATE docs SET id = $2 WHERE id = $1", {doc_id(), std::to_string(next_id_)});
      ++next_id_;
      return;
    default:  // a bulk load, then a bulk update in random order
      exec(
          "INSERT INTO docs (id, title, body) SELECT $1::bigint + i, 'bulk ' || ($1::bigint + i), $2 || i "
          "FROM generate_series(0, 99) i",
          {std::to_string(next_id_), text()});
      exec(
          "UPDATE docs SET body = body || '+' || $2 WHERE id IN (SELECT id FROM docs WHERE id BETWEEN "
          "$1::bigint AND "
          "$1::bigint + 99 ORDER BY random() LIMIT 20)",
          {std::to_string(next_id_), std::to_string(++texts_)});
      next_id_ += 100;
  }
}

void User::act_on_notes() {
  switch (random_.below(4)) {
    case 0: exec(R"(DELETE FROM "Notes" WHERE "Owner" = $1 AND part = 1)", {note_key()}); return;
    case 1: exec(R"(UPDATE "Notes" SET seen = now() WHERE "Owner" = $1)", {note_key()}); return;
    default:
      exec(R"(INSERT INTO "Notes" ("Owner", part, words) VALUES ($1, 1, $2)
              ON CONFLICT ("Owner", part) DO UPDATE SET words = excluded.words)",
           {note_key(), text()});
  }
}

/// About 30 tokens, unlike any other.
std::string User::paragraph() {
  return fmt::format("User {} writes paragraph {} of a book, and whoever reads it learns {} things about it.",
                     number_, ++texts_, random_.below(1000));
}

std::string User::book(std::size_t paragraphs) {
  std::string out = paragraph();
  for (std::size_t i = 1; i < paragraphs; ++i) out += "\n\n" + paragraph();
  return out;
}

void User::act_on_books() {
  const std::string id = std::to_string(static_cast<std::uint64_t>(number_) * 1'000'000 + random_.below(30));
  std::string& body = books_[id];
  switch (random_.below(10)) {
    case 0: exec("UPDATE books SET loans = loans + 1 WHERE id = $1", {id}); return;
    // A text that comes back after its row has lost it is bought again, as it should be: so none does.
    case 1:
      body.clear();
      exec("DELETE FROM books WHERE id = $1", {id});
      return;
    case 2:
      body.clear();
      exec("UPDATE books SET body = NULL WHERE id = $1", {id});
      return;
    case 3:
      exec("UPDATE books SET id = $2 WHERE id = $1 AND NOT EXISTS (SELECT FROM books WHERE id = $2)",
           {id, std::to_string(static_cast<std::uint64_t>(number_) * 1'000'000 + random_.below(30))});
      return;
    case 4:
    case 5: body = book(1 + random_.below(25)); break;
    case 6: body = paragraph() + "\n\n" + body; break;
    default: {  // one paragraph is another
      const std::size_t at = body.find("\n\n", random_.below(body.size() + 1));
      body = at == std::string::npos ? book(5)
                                     : body.substr(0, at + 2) + paragraph() +
                                           body.substr(std::min(body.find("\n\n", at + 2), body.size()));
    }
  }
  library_.add(body);
  exec("INSERT INTO books (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
       {id, body});
}

/// A transaction that holds rows for a while, and then commits or not.
void User::hold(const std::stop_token& stop) {
  const bool changes_text = random_.below(2) == 0;
  const std::string first = doc_id();
  if (!exec("BEGIN")) return;
  bool well =
      changes_text
          ? exec(
                "UPDATE docs SET body = body || ' held ' || $2 WHERE id BETWEEN $1::bigint AND $1::bigint + "
                "30",
                {first, std::to_string(++texts_)})
          : exec("UPDATE docs SET hits = hits + 1 WHERE id BETWEEN $1::bigint AND $1::bigint + 30", {first});
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(random_.below(8000));
  while (well && !stop.stop_requested() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  exec(well && random_.below(3) != 0 ? "COMMIT" : "ROLLBACK");
}

}  // namespace embedd::chaos
