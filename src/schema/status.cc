#include "schema/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "pg/quoting.h"
#include "schema/capture_state.h"
#include "schema/history.h"
#include "schema/sql_text.h"
#include "schema/status_workers.h"
#include "schema/store.h"
#include "schema/vector_index.h"
#include "schema/vectorizers.h"

namespace embedd::schema {
namespace {

std::string bounded_count(const std::string& from) {
  return fmt::format("(SELECT count(*) FROM (SELECT FROM {} LIMIT {}) bounded)", from, kCountLimit);
}

/// Counts stop at kCountLimit; the length of a longer queue comes from the planner's statistics.
Result<void> read_queue(pg::Connection& db, const VectorizerInfo& v, VectorizerStatus& out) {
  const std::string queue = queue_table(v.id);
  auto rows = TRY(db.exec(
      fmt::format(
          R"(
SELECT {all}, {due}, {leased}, {dead},
       (SELECT extract(epoch FROM now() - min(oldest)) FROM
          (SELECT (SELECT min(run_at) FROM {queue} WHERE priority = 0 AND run_at <= now()) AS oldest
           UNION ALL SELECT (SELECT min(run_at) FROM {queue} WHERE priority = 1 AND run_at <= now())) ages),
       (SELECT reltuples::bigint FROM pg_class WHERE oid = '{queue}'::regclass),
       (SELECT to_char(walked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        FROM embedd.vectorizers WHERE id = {id}), format('%I.%I', $1::text, $2::text),
       (SELECT to_char(walk_put_off_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        FROM embedd.vectorizers WHERE id = {id}),
       (SELECT walk_skipped FROM embedd.vectorizers WHERE id = {id}))",
          fmt::arg("all", bounded_count(queue)),
          fmt::arg("due", bounded_count(queue + " WHERE priority IN (0, 1) AND run_at <= now()")),
          fmt::arg(
              "leased",
              bounded_count(queue + " WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL")),
          fmt::arg("dead", bounded_count(fmt::format("embedd.dead_letters WHERE vectorizer_id = {}", v.id))),
          fmt::arg("queue", queue), fmt::arg("id", v.id)),
      {v.source_schema, v.source_table}));
  out.jobs = rows.integer(0, 0);
  out.jobs_exact = out.jobs < kCountLimit;
  if (!out.jobs_exact) out.jobs = std::max(out.jobs, rows.integer(0, 5));
  out.due = rows.integer(0, 1);
  out.leased = rows.integer(0, 2);
  out.dead_letters = rows.integer(0, 3);
  if (!rows.is_null(0, 4)) out.oldest_age_seconds = rows.number(0, 4);
  out.walked_at = rows.maybe(0, 6);
  out.source = rows.text(0, 7);
  out.walk_put_off_at = rows.maybe(0, 8);
  if (out.walked_at) out.unwalked_rows = rows.integer(0, 9);
  return {};
}

/// Reads what the queue's counts do not show: jobs that wait for their next try, and rows that were not
/// walked yet.
void read_waiting(pg::Connection& db, const VectorizerInfo& v, VectorizerStatus& out) {
  auto next =
      db.exec(fmt::format("SELECT extract(epoch FROM least((SELECT min(run_at) FROM {0} WHERE priority = 0 "
                          "AND run_at > now() AND "
                          "lease IS NULL), (SELECT min(run_at) FROM {0} WHERE priority = 1 AND run_at > "
                          "now() AND lease IS NULL)) - "
                          "now())",
                          queue_table(v.id)));
  if (next && !next->is_null(0, 0)) out.next_try_seconds = next->number(0, 0);
  if (out.walked_at || out.problem) return;
  // A role that may not read the table still sees the rest.
  auto rows = db.exec("SELECT " + bounded_count(pg::quote_qualified(v.source_schema, v.source_table)));
  if (rows) out.unwalked_rows = rows->integer(0, 0);
}

/// The vectorizer of a store's chunks is not listed: its problems count as the store's vectorizer's.
void read_chunks(pg::Connection& db, const VectorizerInfo& v, VectorizerStatus& out) {
  const auto chunks = find_vectorizer(db, chunks_name(v.name));
  if (!chunks) {
    if (!out.problem) out.problem = "what embeds its chunks is gone: drop the vectorizer and create it again";
    return;
  }
  out.chunks_id = chunks->id;
  if (const auto capture = capture_state(db, *chunks); capture && !out.problem)
    out.problem = capture->problem;
  if (const auto rows = db.exec("SELECT " + bounded_count(queue_table(chunks->id))))
    out.chunks_waiting = rows->integer(0, 0);
}

/// Whether all of the day's budget is reserved or spent.
Result<void> read_budget(pg::Connection& db, VectorizerStatus& out) {
  if (out.info.budget == DailyBudget()) return {};
  const auto rows = TRY(db.exec(R"(
SELECT coalesce(s.tokens >= v.budget_tokens_per_day, false) OR coalesce(s.nano_usd >= v.budget_usd_per_day * 1e9, false)
FROM embedd.vectorizers v JOIN embedd.spending s ON s.budget_of = 'vectorizer ' || v.id
WHERE v.id = $1 AND s.day >= (now() AT TIME ZONE 'UTC')::date)",
                                {std::to_string(out.info.id)}));
  out.budget_spent = !rows.empty() && rows.flag(0, 0);
  return {};
}

/// Rows of the source if every row is covered, else of the ledger: a filter is not evaluated here, because it
/// is another role's SQL. Absent if the role may not read the table.
void read_rows(pg::Connection& db, const VectorizerInfo& v, VectorizerStatus& out) {
  const std::string table =
      v.filter ? ledger_table(v.id) : pg::quote_qualified(v.source_schema, v.source_table);
  // A table that is surely long is not counted at all.
  const auto rows = db.exec(fmt::format(R"(
SELECT CASE WHEN estimate >= {0} THEN {1} ELSE {2} END, estimate,
       (SELECT sum(u.rows) FROM embedd.usage u WHERE u.vectorizer_id = {3} AND u.database = embedd.this_database())
FROM (SELECT sum(greatest(c.reltuples, 0))::bigint AS estimate FROM pg_class c
      WHERE c.oid = $1::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree($1::regclass))) known)",
                                        10 * kCountLimit, kCountLimit, bounded_count(table), v.id),
                            {table});
  if (!rows) return;
  const std::int64_t counted = rows->integer(0, 0);
  const std::int64_t in_table = counted < kCountLimit ? counted : std::max(counted, rows->integer(0, 1));
  const std::int64_t waiting = out.jobs + out.dead_letters;
  out.rows.exact = counted < kCountLimit && out.jobs_exact && (!v.filter || waiting == 0);
  if (v.filter) {
    out.rows.done = in_table;
    if (out.walked_at) out.rows.all = in_table + waiting;
    return;
  }
  out.rows.all = in_table;
  const std::int64_t stored = rows->is_null(0, 2) ? 0 : static_cast<std::int64_t>(rows->number(0, 2));
  out.rows.done = out.walked_at ? std::max<std::int64_t>(in_table - waiting - out.unwalked_rows, 0)
                                : std::min(in_table, stored);
  if (!out.walked_at) out.rows.exact = false;
}

Result<std::vector<VectorizerStatus>> read_vectorizers(pg::Connection& db) {
  auto infos = TRY(list_vectorizers(db));
  auto freshness = TRY(read_freshness(db));
  auto words = TRY(db.exec("SELECT id, text_search FROM embedd.vectorizers WHERE text_search IS NOT NULL"));
  std::map<VectorizerId, std::string> text_search;
  for (int i = 0; i < words.size(); ++i) text_search.emplace(words.integer(i, 0), words.text(i, 1));
  std::vector<VectorizerStatus> out;
  for (const VectorizerInfo& v : infos) {
    VectorizerStatus status;
    status.info = v;
    status.budget_usd_per_day = v.budget.usd;
    status.budget_tokens_per_day = v.budget.tokens;
    status.source = pg::quote_qualified(v.source_schema, v.source_table);
    if (auto wanted = index_wanted(db, v)) status.index_wanted = *wanted;
    if (auto capture = capture_state(db, v)) {
      status.problem = capture->problem;
      status.note = capture->note;
    }
    if (auto read = read_queue(db, v, status); !read) {
      // Dropped between the two statements, or not readable: say so, and continue with the others.
      if (db.last_sqlstate().empty()) return std::unexpected(read.error());
      if (!status.problem) status.problem = read.error().message;
    }
    read_waiting(db, v, status);
    TRY(read_budget(db, status));
    if (v.stores()) read_chunks(db, v, status);
    if (!status.problem) read_rows(db, v, status);
    status.freshness = freshness[v.id];
    status.text_search = text_search[v.id];
    out.push_back(std::move(status));
  }
  return out;
}

/// The problems of the running workers; if none runs, those of the last worker that stopped with problems.
/// Roles that may write the table can write anything into it, so nothing is cast.
Result<void> read_reported_problems(pg::Connection& db, std::vector<VectorizerStatus>& vectorizers) {
  auto rows = TRY(db.exec(R"(
WITH own AS (
  SELECT w.*, bool_or(NOT w.stopped AND w.seen_at > now() - interval '10 minutes') OVER () AS any_runs,
         row_number() OVER (PARTITION BY w.stopped ORDER BY w.seen_at DESC) AS n
  FROM embedd.workers w WHERE w.database = embedd.this_database())
SELECT t ->> 'vectorizer', t ->> 'endpoint', t ->> 'state', max(t ->> 'message'), count(DISTINCT w.id),
       min(CASE WHEN w.stopped THEN extract(epoch FROM now() - w.seen_at) END)
FROM own w,
     jsonb_array_elements(CASE WHEN jsonb_typeof(w.problems) = 'array' THEN w.problems ELSE '[]' END) t
WHERE CASE WHEN w.any_runs THEN NOT w.stopped AND w.seen_at > now() - interval '10 minutes' ELSE w.stopped AND w.n = 1 END
GROUP BY 1, 2, 3 ORDER BY 5 DESC, 3)"));
  for (int i = 0; i < rows.size(); ++i)
    for (VectorizerStatus& v : vectorizers)
      if (rows.view(i, 0) == std::to_string(v.info.id) ||
          (v.chunks_id > 0 && rows.view(i, 0) == std::to_string(v.chunks_id)) ||
          (rows.is_null(i, 0) && rows.view(i, 1) == v.info.endpoint))
        v.reported_problems.push_back({rows.text(i, 2), rows.text(i, 3), rows.integer(i, 4),
                                       rows.is_null(i, 5) ? std::nullopt : std::optional(rows.number(i, 5))});
  return {};
}

/// The usage of a store's chunks counts as that of the store's vectorizer, but its rows do not.
Result<std::vector<UsageStatus>> read_usage(pg::Connection& db, std::string_view where) {
  auto rows = TRY(db.exec(fmt::format(R"(
SELECT coalesce(owner.name, v.name, '#' || u.vectorizer_id), u.model, least(sum(u.requests), 9223372036854775807),
       least(coalesce(sum(u.rows) FILTER (WHERE owner.id IS NULL), 0), 9223372036854775807),
       least(sum(u.tokens), 9223372036854775807),
       CASE WHEN sum(u.unpriced_tokens) < sum(u.tokens) OR sum(u.tokens) = 0 THEN sum(u.cost_usd) END,
       least(sum(u.unpriced_tokens), 9223372036854775807)
FROM embedd.usage u LEFT JOIN embedd.vectorizers v ON v.id = u.vectorizer_id LEFT JOIN embedd.vectorizers owner ON owner.id = v.rows_of {}
GROUP BY 1, 2 ORDER BY 1, 2)",
                                      where)));
  std::vector<UsageStatus> out;
  for (int i = 0; i < rows.size(); ++i)
    out.push_back({rows.text(i, 0), rows.text(i, 1), rows.integer(i, 2), rows.integer(i, 3),
                   rows.integer(i, 4), rows.is_null(i, 5) ? std::nullopt : std::optional(rows.number(i, 5)),
                   rows.integer(i, 6)});
  return out;
}

}  // namespace

Result<Status> read_status(pg::Connection& db) {
  auto vectorizers = TRY(read_vectorizers(db));
  auto workers = TRY(read_workers(db));
  auto endpoints = TRY(read_endpoints(db));
  TRY(read_reported_problems(db, vectorizers));
  // What is left may be too little for the next text, as only the workers know.
  for (VectorizerStatus& v : vectorizers)
    v.budget_spent =
        v.budget_spent || std::ranges::any_of(v.reported_problems, [](const ReportedProblem& problem) {
          return problem.state == "budget_spent";
        });
  auto today = TRY(read_usage(
      db, "WHERE u.day = (now() AT TIME ZONE 'UTC')::date AND u.database = embedd.this_database()"));
  auto total = TRY(read_usage(db, "WHERE u.database = embedd.this_database()"));
  auto original =
      TRY(db.exec("SELECT sum(cost_usd) FROM embedd.usage WHERE database <> embedd.this_database()"));
  return Status{
      std::move(vectorizers), std::move(workers),
      std::move(endpoints),   std::move(today),
      std::move(total),       original.is_null(0, 0) ? std::nullopt : std::optional(original.number(0, 0))};
}

}  // namespace embedd::schema
