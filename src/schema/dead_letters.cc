#include "schema/dead_letters.h"

#include <fmt/format.h>

#include <tuple>
#include <vector>

#include "pg/quoting.h"
#include "schema/sql_text.h"
#include "schema/vectorizers.h"

namespace embedd::schema {
namespace {

/// The key over alias d, as people read and write it.
std::string shown_key(const pg::Connection& db) {
  return db.is_utf8() ? "d.key" : db.readable("d.key::text") + "::jsonb";
}

/// A condition over alias d with $1 (vectorizer), $2 (kind), $3 (key as JSON), $4 (key as a bare value), $5
/// and $6 (age).
std::string matches(const pg::Connection& db) {
  return fmt::format(R"(($1::bigint IS NULL OR d.vectorizer_id = $1::bigint)
  AND ($2::text IS NULL OR d.kind = $2)
  AND ($3::jsonb IS NULL OR {0} = $3::jsonb)
  AND ($4::text IS NULL OR (SELECT count(*) = 1 AND min(value) = $4 FROM jsonb_each_text({0})))
  AND ($5::interval IS NULL OR d.failed_at < now() - $5::interval)
  AND ($6::interval IS NULL OR d.failed_at >= now() - $6::interval))",
                     shown_key(db));
}

constexpr int kLettersAtOnce = 1000;

struct Match {
  std::vector<pg::Param> params;
};

Result<Match> match(pg::Connection& db, const DeadLetterFilter& filter) {
  Match out{std::vector<pg::Param>(6)};
  if (!filter.vectorizer.empty()) {
    auto found = TRY(find_vectorizer(db, filter.vectorizer));
    out.params[0] = std::to_string(found.id);
  }
  if (!filter.kind.empty()) out.params[1] = filter.kind;
  if (filter.key.starts_with('{')) {
    if (auto valid = db.exec("SELECT $1::jsonb", {filter.key}); !valid)
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("--key {} is not JSON; write for example {{\"id\": 5}}, or just 5", filter.key));
    out.params[2] = filter.key;
  } else if (!filter.key.empty()) {
    out.params[3] = filter.key;
  }
  for (const auto& [flag, age, index] : {std::tuple("--older-than", &filter.older_than, 4),
                                         std::tuple("--newer-than", &filter.newer_than, 5)}) {
    if (age->empty()) continue;
    if (auto valid = db.exec("SELECT now() - $1::interval", {*age}); !valid)
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("{} {} is not a length of time; write for example 7d, 12h or 30min", flag, *age));
    out.params[static_cast<std::size_t>(index)] = *age;
  }
  return out;
}

/// Passes over dead letters that somebody has locked: a user's transaction is about to remove them with a new
/// text.
std::string delete_matching(const pg::Connection& db) {
  return fmt::format(
      "DELETE FROM embedd.dead_letters d WHERE d.ctid = ANY (ARRAY(SELECT d.ctid FROM embedd.dead_letters d "
      "WHERE {} FOR UPDATE "
      "SKIP LOCKED))",
      matches(db));
}

/// Runs `body` in a transaction that gives up a lock before PostgreSQL would look for a deadlock, so that a
/// user's transaction is never the victim. Error: conflict if a row stays locked.
template <typename Body>
auto giving_way(pg::Connection& db, Body body) -> decltype(body()) {
  return db.transaction([&]() -> decltype(body()) {
    TRY(db.exec("SELECT pg_catalog.set_config('lock_timeout', '500ms', true)"));
    auto done = body();
    if (!done && db.last_sqlstate() == "55P03")
      return fail(ErrorKind::conflict, "a transaction that is open has changed such a row: try again later");
    return done;
  });
}

/// Deletes the matching dead letters of one vectorizer and puts their keys into its queue.
Result<std::int64_t> retry_one(pg::Connection& db, const VectorizerInfo& v, std::vector<pg::Param> params) {
  params[0] = std::to_string(v.id);
  const std::size_t n = v.key_columns.size();
  const std::string keys = pg::join_each(n, ", ", [](std::size_t i) { return fmt::format("k{}", i); });
  // A record of the queue's own row type converts the JSON to each key column's type.
  const std::string renamed = pg::join_each(n, ", ", [&](std::size_t i) {
    return fmt::format("'k{}', d.key -> {}", i, pg::quote_literal(v.key_columns[i - 1]));
  });
  auto rows =
      TRY(db.exec(fmt::format(
                      R"(
WITH d AS ({1} RETURNING d.key)
INSERT INTO {0} AS q ({2})
SELECT {3} FROM d, jsonb_populate_record(NULL::{0}, jsonb_build_object({4})) r
ON CONFLICT ({2}) DO UPDATE SET lease = NULL, run_at = now(), attempt = 0,
  kept = NULL, kept_hash = NULL, kept_at = NULL)",
                      queue_table(v.id), delete_matching(db), keys,
                      pg::join_each(n, ", ", [](std::size_t i) { return fmt::format("r.k{}", i); }), renamed),
                  params));
  const auto count = static_cast<std::int64_t>(rows.affected());
  if (count > 0) TRY(db.exec("SELECT pg_notify('embedd', $1)", {std::to_string(v.id)}));
  return count;
}

}  // namespace

Result<void> visit_dead_letters(pg::Connection& db, const DeadLetterFilter& filter, int limit,
                                const std::function<void(const DeadLetter&)>& visit) {
  auto matching = TRY(match(db, filter));
  matching.params.emplace_back(std::to_string(limit));
  return db.transaction([&]() -> Result<void> {
    TRY(db.exec(fmt::format(R"(
DECLARE letters NO SCROLL CURSOR FOR
SELECT v.name, {1}, {2}, {3}, d.attempts,
       to_char(d.failed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM embedd.dead_letters d JOIN embedd.vectorizers v ON v.id = d.vectorizer_id
WHERE {0} ORDER BY d.failed_at DESC LIMIT $7::bigint)",
                            matches(db), shown_key(db), db.readable("d.kind"), db.readable("d.message")),
                matching.params));
    while (true) {
      auto rows = TRY(db.exec(fmt::format("FETCH {} FROM letters", kLettersAtOnce)));
      for (int i = 0; i < rows.size(); ++i)
        visit({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3),
               static_cast<int>(rows.integer(i, 4)), rows.text(i, 5)});
      if (rows.size() < kLettersAtOnce) return {};
    }
  });
}

Result<std::map<std::string, std::int64_t>> count_dead_letters(pg::Connection& db, VectorizerId vectorizer,
                                                               int limit) {
  auto rows = TRY(db.exec(
      fmt::format("SELECT {}, count(*) FROM (SELECT d.kind FROM embedd.dead_letters d WHERE d.vectorizer_id "
                  "= $1::bigint LIMIT $2::bigint) d GROUP BY 1",
                  db.readable("d.kind")),
      {std::to_string(vectorizer), std::to_string(limit)}));
  std::map<std::string, std::int64_t> out;
  for (int i = 0; i < rows.size(); ++i) out.emplace(rows.text(i, 0), rows.integer(i, 1));
  return out;
}

Result<std::int64_t> retry_dead_letters(pg::Connection& db, const DeadLetterFilter& filter) {
  return giving_way(db, [&]() -> Result<std::int64_t> {
    auto matching = TRY(match(db, filter));
    auto vectorizers = TRY(list_vectorizers(db));
    std::int64_t total = 0;
    for (const VectorizerInfo& v : vectorizers) {
      if (!filter.vectorizer.empty() && v.name != filter.vectorizer) continue;
      auto count = retry_one(db, v, matching.params);
      if (!count) return count;
      total += *count;
    }
    return total;
  });
}

Result<std::int64_t> purge_dead_letters(pg::Connection& db, const DeadLetterFilter& filter) {
  return giving_way(db, [&]() -> Result<std::int64_t> {
    auto matching = TRY(match(db, filter));
    auto rows = TRY(db.exec(delete_matching(db), matching.params));
    return static_cast<std::int64_t>(rows.affected());
  });
}

}  // namespace embedd::schema
