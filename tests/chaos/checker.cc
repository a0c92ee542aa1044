#include "chaos/checker.h"

#include <fmt/format.h>

#include <cstdlib>

#include "chaos/traffic.h"
#include "support/expected_vector.h"
#include "support/private_postgres.h"

namespace embedd::chaos {

namespace {

void note(Findings& findings, std::uint64_t& counter, std::string example) {
  constexpr std::size_t kExamples = 20;
  ++counter;
  if (findings.examples.size() < kExamples) findings.examples.push_back(std::move(example));
}

/// "[1,0.5,…]" as floats.
std::vector<float> parse_vector(std::string_view text) {
  std::vector<float> values;
  const char* at = text.data() + 1;
  while (at < text.data() + text.size() - 1) {
    char* end = nullptr;
    values.push_back(std::strtof(at, &end));
    at = end + 1;
  }
  return values;
}

/// `rows`: name, text, vector or NULL, in dead letters or not.
void check_rows(Findings& findings, const pg::Rows& rows, int dimensions = kDimensions) {
  for (int i = 0; i < rows.size(); ++i) {
    const std::string name = rows.text(i, 0);
    const std::string text = rows.text(i, 1);
    const bool has_vector = !rows.is_null(i, 2);
    const bool is_dead = rows.flag(i, 3);
    const bool is_blank = rows.flag(i, 4);
    const bool poison = text.find(kPoison) != std::string::npos;
    ++findings.rows;
    if (is_dead) {
      if (poison)
        ++findings.dead;
      else
        note(findings, findings.blamed, fmt::format("{} is a dead letter: {:.60}", name, text));
    } else if (is_blank) {
      if (has_vector) note(findings, findings.stale, fmt::format("{} has no text, but a vector", name));
    } else if (!has_vector) {
      note(findings, findings.lost, fmt::format("{} has no vector: {:.60}", name, text));
    } else if (parse_vector(rows.view(i, 2)) != test::expected_vector(text, dimensions)) {
      note(findings, findings.wrong, fmt::format("{} has the vector of another text: {:.60}", name, text));
    } else {
      ++findings.vectors;
    }
  }
}

void check_left_overs(Findings& findings, pg::Connection& db, int id, const std::string& source_has_key,
                      const std::string& source_has_dead_key) {
  const auto count = [&](const std::string& what, const std::string& sql) {
    const pg::Rows rows = test::run(db, sql);
    for (int i = 0; i < rows.size(); ++i)
      note(findings, findings.orphans, fmt::format("{} of vectorizer {}: {}", what, id, rows.text(i, 0)));
  };
  count("job", fmt::format("SELECT q::text FROM embedd.queue_{} q", id));
  count("proof",
        fmt::format("SELECT l::text FROM embedd.ledger_{} l WHERE NOT EXISTS ({})", id, source_has_key));
  count("dead letter",
        fmt::format("SELECT d.key::text FROM embedd.dead_letters d WHERE vectorizer_id = {} AND NOT "
                    "EXISTS ({})",
                    id, source_has_dead_key));
}

/// One store of books: the table, its vectorizer, and what is sent of a chunk.
struct Store {
  std::string table;
  int id = 0;
  int dimensions = kDimensions;
  std::string before_chunk;
};

/// Each chunk has the vector of what is sent of it, and together they are their book.
void check_store(Findings& findings, pg::Connection& db, const Store& store) {
  const pg::Rows chunks =
      test::run(db, "SELECT id || '/' || chunk_seq, chunk, embedding::text FROM " + store.table);
  for (int i = 0; i < chunks.size(); ++i) {
    if (parse_vector(chunks.view(i, 2)) !=
        test::expected_vector(store.before_chunk + chunks.text(i, 1), store.dimensions))
      note(findings, findings.wrong,
           fmt::format("chunk {} of {} has the vector of another text", chunks.text(i, 0), store.table));
    else
      ++findings.chunks;
  }
  const pg::Rows books = test::run(db, fmt::format(R"(
SELECT coalesce(b.id, s.id), b.id IS NULL, b.body ~ '\S', s.body IS NULL, s.body IS DISTINCT FROM b.body,
       EXISTS (SELECT FROM embedd.dead_letters d WHERE d.key = jsonb_build_object('id', b.id) AND d.vectorizer_id = {})
FROM books b FULL JOIN (SELECT id, string_agg(chunk, '' ORDER BY chunk_seq) AS body FROM {} GROUP BY id) s USING (id))",
                                                   store.id, store.table));
  for (int i = 0; i < books.size(); ++i) {
    const std::string name = fmt::format("book {} in {}", books.text(i, 0), store.table);
    const bool gone = books.flag(i, 1), has_text = books.flag(i, 2), bare = books.flag(i, 3);
    if (!gone) ++findings.rows;
    if (books.flag(i, 5))
      note(findings, findings.blamed, name + " is a dead letter");
    else if (gone)
      note(findings, findings.orphans, name + " is gone, and its chunks are not");
    else if (!has_text && !bare)
      note(findings, findings.stale, name + " has no text, but chunks");
    else if (has_text && bare)
      note(findings, findings.lost, name + " has no chunks");
    else if (has_text && books.flag(i, 4))
      note(findings, findings.wrong, name + " has the chunks of another text");
    else
      ++findings.vectors;
  }
  for (const char* table : {"queue", "staged", "chunks"}) {
    const pg::Rows left = test::run(db, fmt::format("SELECT count(*) FROM embedd.{}_{}", table, store.id));
    if (left.integer(0, 0) > 0)
      note(findings, findings.orphans,
           fmt::format("{} rows of embedd.{}_{}", left.text(0, 0), table, store.id));
  }
}

int id_of(pg::Connection& db, const char* name) {
  return std::stoi(
      test::value_of(db, fmt::format("SELECT id FROM embedd.vectorizers WHERE name = '{}'", name)));
}

/// `text`: of a row of docs, in SQL.
void check_docs(Findings& findings, pg::Connection& db, const char* vectorizer, const char* column,
                const char* text, int dimensions) {
  const int id = id_of(db, vectorizer);
  check_rows(findings,
             test::run(db, fmt::format(R"(
SELECT '{0} ' || id, {1}, {2}::text,
       EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {3} AND d.key = jsonb_build_object('id', t.id)),
       coalesce(title, '') ~ '^\s*$' AND coalesce(body, '') ~ '^\s*$'
FROM docs t)",
                                       vectorizer, text, column, id)),
             dimensions);
  check_left_overs(findings, db, id, "SELECT FROM docs t WHERE t.id = l.k1",
                   "SELECT FROM docs t WHERE d.key = jsonb_build_object('id', t.id)");
}

}  // namespace

Findings check(pg::Connection& db) {
  Findings findings;
  check_docs(findings, db, "docs", "embedding", R"(coalesce(body, '') || E'\n' || coalesce(title, ''))",
             kNextDimensions);
  check_docs(findings, db, "docs.old", "embedding_old",
             R"(coalesce(title, '') || E'\n' || coalesce(body, ''))", kDimensions);
  const int notes = id_of(db, "notes");
  check_rows(findings, test::run(db, fmt::format(R"(
SELECT 'note ' || "Owner", coalesce(words, ''), embedding::text,
       EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {}
                 AND d.key = jsonb_build_object('Owner', t."Owner", 'part', t.part)),
       coalesce(words, '') ~ '^\s*$'
FROM "Notes" t)",
                                                 notes)));
  check_left_overs(
      findings, db, notes, R"(SELECT FROM "Notes" t WHERE t."Owner" = l.k1 AND t.part = l.k2)",
      R"(SELECT FROM "Notes" t WHERE d.key = jsonb_build_object('Owner', t."Owner", 'part', t.part))");
  check_store(findings, db, {"books_embedding_store", id_of(db, "books"), kDimensions, ""});
  check_store(findings, db,
              {"books_embedding_store_next", id_of(db, "books.next"), kNextDimensions, kNextBook});
  return findings;
}

}  // namespace embedd::chaos
