#include "queue/statements.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"
#include "pg/quoting.h"
#include "queue/walk_begin.h"
#include "schema/sql_text.h"

namespace embedd::queue {
namespace {

/// Fills in the placeholders of a statement's form:
///
///   {queue} {ledger} {source} {id}       names, the vectorizer's id
///   {types}                              a first part of WITH: no statement on columns of other types
///   {text} {hash}                        over alias t; NULL if the row is not covered or its text is empty
///   {vector_hash}                        over alias t, of the stored vector; NULL if there is none
///   {refusal}                            guarded: why nobody can judge the row; else NULL or ''
///   {not_utf8}                           guarded: the SQLSTATE with which r.text cannot be converted
///   {keys} {keys:q} {keys:t}             k1, k2   q.k1, q.k2   t."id" AS k1, t."part" AS k2
///   {out:f}                              k1..kn of f as we are sent them
///   {in}                                 those of a settlement's jobs as they are stored
///   {row:t} {desc:p}                     t."id", t."part"   p.k1 DESC, p.k2 DESC
///   {q=j} {t=f}                          the keys of the two are equal
///   {$3}                                 one of the parameters after the jobs: {$1} is the first
class Form {
 public:
  Form(const Definition& definition, bool guarded)
      : definition_(definition), n_(definition.key_columns.size()) {
    const std::optional<std::string>& filter = definition.filter_sql;
    const std::string not_utf8 = guarded ? "embedd.utf8_problem(r.text)" : "NULL::text";
    guarded = guarded && filter;
    const std::string refusal =
        guarded ? fmt::format("embedd.refusal({}, t.*)", pg::quote_literal(*filter)) : "NULL::text";
    const std::string covered =
        filter ? fmt::format("CASE WHEN {} THEN {} END", guarded ? refusal + " IS NULL" : *filter,
                             definition.text_sql)
               : definition.text_sql;
    words_ = {
        {"queue", schema::queue_table(definition.vectorizer.id)},
        {"ledger", schema::ledger_table(definition.vectorizer.id)},
        {"source", definition.source},
        {"id", std::to_string(definition.vectorizer.id)},
        {"types",
         fmt::format("types AS (SELECT FROM {} t WHERE {})", definition.source, definition.types_sql)},
        {"text", "(" + covered + ")"},
        {"refusal", refusal},
        {"not_utf8", not_utf8},
        {"hash", "pg_catalog.hashtextextended((" + covered + ") COLLATE pg_catalog.\"C\", 0)"},
        {"destination", pg::quote_identifier(definition.destination_column)},
        {"vector_hash", schema::vector_hash_sql(definition.destination_type,
                                                "t." + pg::quote_identifier(definition.destination_column))},
        {"vector", definition.vector_type},
        {"stored", definition.destination_type},
        {"key_json", definition.key_json_sql},
        {"margin", "interval '2 s'"},
        {"keys", each(", ", [](std::size_t i) { return fmt::format("k{}", i); })},
        {"key_arrays", each(", ",
                            [&](std::size_t i) {
                              return fmt::format("${}::{}[]", i + 1, as_bytes(i) ? "bytea" : type(i));
                            })},
        {"in", each(", ",
                    [&](std::size_t i) {
                      const std::string key = fmt::format("k{}", i);
                      return as_bytes(i) ? fmt::format("{} AS {}", stored(key, i), key) : key;
                    })},
        {"cursor", each(", ",
                        [&](std::size_t i) {
                          const std::string parameter =
                              fmt::format("${}::{}", i + 5, as_bytes(i) ? "bytea" : type(i));
                          return as_bytes(i) ? stored(parameter, i) : parameter;
                        })},
        {"set_model", set_model()},
        {"unset_model", unset_model()}};
  }

  [[nodiscard]] std::string fill(std::string_view form) const {
    std::string out;
    for (;;) {
      const std::size_t open = form.find('{');
      out += form.substr(0, open);
      if (open == std::string_view::npos) return out;
      const std::size_t close = form.find('}', open);
      CHECK(close != std::string_view::npos, "an open placeholder in {}", form);
      out += word(form.substr(open + 1, close - open - 1));
      form.remove_prefix(close + 1);
    }
  }

  /// A settling statement: the jobs, those of them that are still ours and that nobody is writing, what is
  /// done with those, and the outcome of each, as one letter. `outcome` is an SQL expression over `j`, NULL
  /// for what is not fenced.
  ///
  /// What the planner believes must not matter, and it believes that a table holds nothing when an old
  /// snapshot, or a busy table, has kept vacuum from giving back its empty pages: then it compares all rows
  /// of the table with all jobs. So a job's rows are looked up by key in subselects of their own (LATERAL,
  /// with a lock or OFFSET 0), and written by their place (`ctid`) for the one job that it expects (n = n +
  /// 0). Lookups in what was done are hashed (`IN`), never joined.
  [[nodiscard]] pg::Statement settle(std::string_view columns, std::string_view arrays,
                                     std::string_view fenced, std::string_view body,
                                     std::string_view outcome) const {
    const std::string form = fmt::format(R"(
WITH jobs AS MATERIALIZED (
  SELECT lease, {{in}}{0}, n FROM unnest($1::uuid[], {{key_arrays}}{1}) WITH ORDINALITY AS j(lease, {{keys}}{0}, n)),
fenced AS MATERIALIZED (
  SELECT j.n{0}, {{keys:q}}, q.at{2}
  FROM jobs j CROSS JOIN LATERAL (
    SELECT q.*, q.ctid AS at FROM {{queue}} q WHERE {{q=j}} AND q.lease = j.lease
    FOR UPDATE SKIP LOCKED) q
  WHERE j.n = j.n + 0),{3}
SELECT string_agg(coalesce({4},
  CASE WHEN (SELECT true FROM {{queue}} q WHERE {{q=j}} AND q.lease = j.lease LIMIT 1)
       THEN 'b' ELSE 'g' END), '' ORDER BY j.n)
FROM jobs j)",
                                         columns, arrays, fenced, body, outcome);
    return pg::Statement(fill(form));
  }

 private:
  template <typename F>
  [[nodiscard]] std::string each(std::string_view separator, F&& f) const {
    return pg::join_each(n_, separator, std::forward<F>(f));
  }

  [[nodiscard]] std::string key(std::string_view alias, std::size_t i) const {
    if (alias == "t") return "t." + pg::quote_identifier(definition_.key_columns[i - 1]);
    return fmt::format("{}.k{}", alias, i);
  }

  [[nodiscard]] bool as_bytes(std::size_t i) const { return travels_as_bytes(definition_, i - 1); }
  [[nodiscard]] const std::string& type(std::size_t i) const { return definition_.key_types[i - 1]; }
  [[nodiscard]] std::string stored(std::string_view bytes, std::size_t i) const {
    return fmt::format("embedd.text_of({})::{}", bytes, type(i));
  }

  [[nodiscard]] std::string word(std::string_view name) const {
    if (name.starts_with('$')) return fmt::format("${}", n_ + 1 + static_cast<std::size_t>(name[1] - '0'));
    if (name.starts_with("keys:")) {
      const std::string_view alias = name.substr(5);
      return each(", ", [&](std::size_t i) {
        return alias == "t" ? fmt::format("{} AS k{}", key(alias, i), i) : key(alias, i);
      });
    }
    if (name.starts_with("out:"))
      return each(", ", [&](std::size_t i) {
        const std::string out = key(name.substr(4), i);
        return as_bytes(i) ? fmt::format("pg_catalog.convert_to({}, pg_catalog.getdatabaseencoding())", out)
                           : out;
      });
    if (name.starts_with("desc:"))
      return each(", ", [&](std::size_t i) { return key(name.substr(5), i) + " DESC"; });
    if (name.starts_with("row:")) return each(", ", [&](std::size_t i) { return key(name.substr(4), i); });
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos)
      return each(" AND ", [&](std::size_t i) {
        // Qualified, since a varchar has no `=` of its own: somebody else's would be preferred to text's.
        return key(name.substr(0, equals), i) + " OPERATOR(pg_catalog.=) " + key(name.substr(equals + 1), i);
      });
    const auto found = words_.find(name);
    CHECK(found != words_.end(), "no placeholder {}", name);
    return found->second;
  }

  [[nodiscard]] std::string set_model() const {
    std::string out;
    std::size_t parameter = n_ + 5;  // after the jobs, slots, hashes and vectors
    for (const auto& column : {definition_.model_id_column, definition_.model_version_column})
      if (column) out += fmt::format(", {} = ${}::text", pg::quote_identifier(*column), parameter++);
    return out;
  }

  [[nodiscard]] std::string unset_model() const {
    std::string out;
    for (const auto& column : {definition_.model_id_column, definition_.model_version_column})
      if (column) out += fmt::format(", {} = NULL", pg::quote_identifier(*column));
    return out;
  }

  const Definition& definition_;
  std::size_t n_;
  std::map<std::string, std::string, std::less<>> words_;
};

/// Live changes first, with one row in eight reserved, so that neither starves the other.
///
/// The row comparisons bound a walk along the index (priority, run_at) at both ends, and, unlike `priority =
/// 0`, promise the planner many rows, so that it never sorts a long queue instead. Where the next claim may
/// begin is where this one has seen to all that was due; jobs of transactions that were on their way
/// meanwhile get some time to appear. The text is computed once per row (OFFSET 0 keeps the planner from
/// copying the expression), and the ledger is looked up by key (a subselect cannot become a join). A long
/// text is fetched and decompressed once, by the `||`, and only if it is among those that fit: its size is
/// known without.
pg::Statement make_claim(const Form& form) {
  return pg::Statement(form.fill(R"(
WITH {types}, live AS MATERIALIZED (
  SELECT {keys:q}, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.ctid AS at FROM {queue} q
  WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND (q.priority, q.run_at) >= (0::smallint, $5::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - $3::bigint / 8 FOR UPDATE SKIP LOCKED),
backfill AS MATERIALIZED (
  SELECT {keys:q}, q.priority, q.run_at, q.lease, q.attempt, q.kept_hash, q.changed_at, q.ctid AS at FROM {queue} q
  WHERE (q.priority, q.run_at) <= (1::smallint, now()) AND (q.priority, q.run_at) >= (1::smallint, $6::timestamptz)
  ORDER BY q.priority, q.run_at LIMIT $3::bigint - (SELECT count(*) FROM live) FOR UPDATE SKIP LOCKED),
due AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY priority, run_at) AS n
  FROM (SELECT * FROM live UNION ALL SELECT * FROM backfill) x),
texts AS (
  SELECT d.*, s.text, s.refusal, s.stored FROM due d
  LEFT JOIN LATERAL (
    SELECT {text} AS text, {refusal} AS refusal, t.{destination} IS NOT NULL AS stored
    FROM {source} t WHERE {t=d} OFFSET 0) s ON true),
fit AS MATERIALIZED (
  SELECT * FROM (
    SELECT x.*, sum(coalesce(octet_length(text), 0)) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS bytes
    FROM texts x) summed
  WHERE (bytes <= $4::bigint OR n = 1) AND n = n + 0),
judged AS MATERIALIZED (
  SELECT {keys:f}, f.at, f.n, f.priority, f.lease, f.attempt, f.changed_at, s.text, f.refusal, s.hash, s.not_utf8,
         CASE WHEN f.refusal <> '' THEN 4
              WHEN s.text IS NULL THEN 0
              WHEN f.stored AND (
                SELECT l.text_hash = s.hash AND (l.vector_hash IS NULL OR l.vector_hash = (
                         SELECT {vector_hash} FROM {source} t WHERE {t=f}))
                FROM {ledger} l WHERE {l=f}) THEN 1
              WHEN f.kept_hash = s.hash THEN 2
              WHEN s.not_utf8 IS NULL THEN 3 ELSE 5 END AS task
  FROM fit f
  LEFT JOIN LATERAL (
    SELECT r.text, pg_catalog.hashtextextended(r.text COLLATE pg_catalog."C", 0) AS hash, {not_utf8} AS not_utf8
    FROM (SELECT f.text OPERATOR(pg_catalog.||) '' AS text OFFSET 0) r OFFSET 0) s ON true),
left_over AS MATERIALIZED (SELECT d.priority, d.run_at FROM due d WHERE d.n > (SELECT count(*) FROM fit)),
reached AS MATERIALIZED (
  SELECT least(now() - {margin},
               CASE WHEN (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8
                    THEN (SELECT max(run_at) FROM live) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 0)) AS live,
         least(now() - {margin},
               CASE WHEN (SELECT count(*) FROM due) >= $3::bigint
                    THEN coalesce((SELECT max(run_at) FROM backfill), $6::timestamptz) END,
               (SELECT min(run_at) FROM left_over WHERE priority = 1)) AS backfill)
UPDATE {queue} q SET lease = $1::uuid, run_at = now() + pg_catalog.make_interval(secs => $2::float8)
FROM judged f WHERE q.ctid = f.at
RETURNING f.n, f.attempt, f.task, CASE f.task WHEN 3 THEN f.text WHEN 4 THEN f.refusal WHEN 5 THEN f.not_utf8 END, f.hash,
  f.lease IS NOT NULL,
  CASE f.priority WHEN 0 THEN (extract(epoch FROM clock_timestamp() - f.changed_at) * 1000000)::bigint END,
  (SELECT count(*) FROM due),
  (SELECT count(*) FROM live) >= $3::bigint - $3::bigint / 8 OR (SELECT count(*) FROM due) >= $3::bigint,
  (SELECT live FROM reached), (SELECT backfill FROM reached), EXISTS (SELECT FROM embedd.wasted WHERE vectorizer_id = {id}),
  {out:f})"));
}

/// A row is written only while its text is the one that was embedded; a row that a user holds is passed over,
/// and its vector stays with the job. What is written but not reported back (a trigger of the user's
/// swallowed the update) is treated like a held row: asking again and again must not buy it again.
pg::Statement make_complete(const Form& form) {
  return form.settle(
      ", slot, hash", ", {$1}::int[], {$2}::bigint[]",
      ", q.kept_at, CASE WHEN j.slot < 0 AND q.kept_hash = j.hash THEN q.kept END AS kept", R"(
{types},
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM fenced f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t WHERE {t=f} AND {hash} = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.slot >= 0 OR f.kept IS NOT NULL),
wrote AS (
  UPDATE {source} t
  SET {destination} = (CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE f.kept END)::{stored}{set_model}
  FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, f.hash, f.at, {vector_hash} AS vector_hash, {keys:f}),
proven AS (
  INSERT INTO {ledger} AS l ({keys}, text_hash, vector_hash)
  SELECT {keys:w}, w.hash, w.vector_hash FROM wrote w
  ON CONFLICT ({keys}) DO UPDATE
  SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash,
      repairs = CASE WHEN l.text_hash = excluded.text_hash THEN l.repairs ELSE 0 END),
deleted AS (
  DELETE FROM {queue} q USING wrote w WHERE q.ctid = w.at),
left_over AS MATERIALIZED (
  SELECT f.*, (f.slot >= 0 OR f.kept IS NOT NULL)
              AND coalesce((SELECT {hash} = f.hash FROM {source} t WHERE {t=f}), false) AS held
  FROM fenced f WHERE f.n NOT IN (SELECT n FROM wrote)),
given_back AS (
  UPDATE {queue} q
  SET lease = CASE WHEN f.held THEN NULL ELSE q.lease END,
      run_at = CASE WHEN f.held THEN
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) ELSE q.run_at END,
      kept = CASE WHEN f.held THEN CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE f.kept END END,
      kept_hash = CASE WHEN f.held THEN f.hash END,
      kept_at = CASE WHEN f.held THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at))",
      "CASE WHEN j.n IN (SELECT n FROM wrote) THEN 'd' WHEN j.n IN (SELECT n FROM left_over WHERE held) "
      "THEN 'k' WHEN j.n IN (SELECT n FROM left_over) THEN 's' END");
}

/// The same for a table that is locked, a migration's for minutes, say: vectors wait with their jobs, and
/// neither in a worker's memory nor for its end.
pg::Statement make_keep(const Form& form) {
  return form.settle(", slot, hash", ", {$1}::int[], {$2}::bigint[]", ", q.kept_at", R"(
given_back AS (
  UPDATE {queue} q
  SET lease = NULL,
      run_at = now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))),
      kept = CASE WHEN f.slot >= 0 THEN ({$3}::{vector}[])[f.slot + 1] ELSE q.kept END,
      kept_hash = CASE WHEN f.slot >= 0 THEN f.hash ELSE q.kept_hash END,
      kept_at = coalesce(f.kept_at, now())
  FROM fenced f WHERE q.ctid = f.at))",
                     "CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'k' END");
}

/// A row that is gone, or has nothing stored, needs no write.
pg::Statement make_clear(const Form& form) {
  return form.settle(
      "", "", ", q.kept_at", R"(
{types},
seen AS MATERIALIZED (
  SELECT f.*, s.there, s.filled, s.bare FROM fenced f
  LEFT JOIN LATERAL (
    SELECT true AS there, {text} IS NOT NULL AS filled, t.{destination} IS NULL AS bare
    FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t WHERE {t=f} AND {text} IS NULL FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE NOT f.bare),
wrote AS (
  UPDATE {source} t SET {destination} = NULL{unset_model} FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, f.at, {keys:f}),
cleared AS MATERIALIZED (
  SELECT f.n, f.at, {keys:f} FROM seen f WHERE f.there IS NULL OR (f.bare AND NOT f.filled)
  UNION ALL SELECT * FROM wrote),
unproven AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM {ledger} l WHERE {l=c}) FROM cleared c))),
deleted AS (DELETE FROM {queue} q USING cleared c WHERE q.ctid = c.at AND c.n = c.n + 0),
left_over AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.n NOT IN (SELECT n FROM cleared)),
given_back AS (
  UPDATE {queue} q
  SET lease = CASE WHEN f.filled THEN q.lease END,
      run_at = CASE WHEN f.filled THEN q.run_at ELSE
        now() + greatest(interval '0.5 s', least(interval '30 s', now() - coalesce(f.kept_at, now()))) END,
      kept = NULL, kept_hash = NULL, kept_at = CASE WHEN NOT f.filled THEN coalesce(f.kept_at, now()) END
  FROM left_over f WHERE q.ctid = f.at))",
      "CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd' WHEN j.n IN (SELECT n FROM left_over WHERE filled) "
      "THEN 's' WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END");
}

constexpr std::string_view kIfFenced = "CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END";

/// A text that changes takes the lease away; a vector that is replaced does not, so it is compared again.
pg::Statement make_drop(const Form& form) {
  return form.settle("", "", "", R"(
proven AS MATERIALIZED (
  SELECT f.n, f.at FROM fenced f
  WHERE (SELECT l.vector_hash IS NULL OR l.vector_hash = (SELECT {vector_hash} FROM {source} t WHERE {t=f})
         FROM {ledger} l WHERE {l=f})),
deleted AS (DELETE FROM {queue} q USING proven f WHERE q.ctid = f.at))",
                     "CASE WHEN j.n IN (SELECT n FROM proven) THEN 'd' WHEN j.n IN (SELECT n FROM fenced) "
                     "THEN 's' END");
}

/// What was bought in vain is remembered in the same statement, so that nobody claims the job without
/// knowing. What was wasted before counts for less, by $5 a second.
pg::Statement make_reschedule(const Form& form) {
  return form.settle(", row_hash, purchases", ", {$1}::bigint[], {$2}::int[]", "", R"(
given_back AS (
  UPDATE {queue} q SET lease = NULL, run_at = now() + pg_catalog.make_interval(secs => {$3}::float8),
                       attempt = least(q.attempt + {$4}::bigint, 32000)
  FROM fenced f WHERE q.ctid = f.at),
wasted AS (
  INSERT INTO embedd.wasted AS w (vectorizer_id, row_hash, level)
  SELECT {id}, f.row_hash, sum(f.purchases) FROM fenced f WHERE f.purchases > 0 GROUP BY f.row_hash ORDER BY f.row_hash
  ON CONFLICT (vectorizer_id, row_hash) DO UPDATE
  SET level = excluded.level + greatest(0, w.level - {$5}::float8 * extract(epoch FROM now() - w.wasted_at)::float8),
      wasted_at = now()))",
                     kIfFenced);
}

pg::Statement make_extend(const Form& form) {
  return form.settle("", "", "", R"(
extended AS (
  UPDATE {queue} q SET run_at = now() + pg_catalog.make_interval(secs => {$1}::float8)
  FROM fenced f WHERE q.ctid = f.at))",
                     kIfFenced);
}

/// What was judged is the text of the claim: a row that says something else by now is due again. A vector of
/// the row's former text goes with the job, if the caller says so: a dead letter must not be found by what it
/// no longer says. A row that a user holds is asked for again. A text that is not there has the hash 0.
pg::Statement make_discard(const Form& form) {
  return form.settle(
      ", hash", ", {$1}::bigint[]", ", q.attempt + 1 AS attempts, {key_json} AS key_json", R"(
{types},
seen AS MATERIALIZED (
  SELECT f.*, coalesce(s.stored, false) AND {$4}::text::boolean AS loses_vector, coalesce(s.hash, 0) = f.hash AS same
  FROM fenced f
  LEFT JOIN LATERAL (
    SELECT t.{destination} IS NOT NULL AS stored, {hash} AS hash FROM {source} t WHERE {t=f} OFFSET 0) s ON true),
stale AS MATERIALIZED (SELECT * FROM seen WHERE NOT same),
free AS MATERIALIZED (
  SELECT f.*, t.row_at FROM seen f CROSS JOIN LATERAL (
    SELECT t.ctid AS row_at FROM {source} t
    WHERE {t=f} AND coalesce({hash}, 0) = f.hash FOR NO KEY UPDATE SKIP LOCKED) t
  WHERE f.same AND f.loses_vector),
wrote AS (
  UPDATE {source} t SET {destination} = NULL{unset_model} FROM free f WHERE t.ctid = f.row_at AND {t=f}
  RETURNING f.n, {keys:f}),
unproven AS (
  DELETE FROM {ledger} l WHERE l.ctid = ANY (ARRAY(
    SELECT (SELECT l.ctid FROM {ledger} l WHERE {l=w}) FROM wrote w))),
buried AS MATERIALIZED (
  SELECT f.* FROM seen f WHERE f.same AND (NOT f.loses_vector OR f.n IN (SELECT n FROM wrote))),
recorded AS (
  INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, attempts, text_hash)
  SELECT {id}, f.key_json, {$2}::text, {$3}::text, f.attempts, f.hash FROM buried f
  ON CONFLICT (vectorizer_id, key) DO UPDATE
  SET kind = excluded.kind, message = excluded.message, attempts = excluded.attempts, text_hash = excluded.text_hash,
      failed_at = now()),
deleted AS (DELETE FROM {queue} q USING buried f WHERE q.ctid = f.at))",
      "CASE WHEN j.n IN (SELECT n FROM buried) THEN 'd' WHEN j.n IN (SELECT n FROM stale) THEN 's' "
      "WHEN j.n IN (SELECT n FROM fenced) THEN 'b' END");
}

/// One page by key order: source rows and ledger rows side by side, each up to a limit, and the page ends
/// where the first of the two does. Rows that users hold are skipped, and the walk is then due again soon:
/// inserting the job of a row whose update is not committed would wait for that user. A stored vector without
/// proof may be anything, so its row is embedded. Proofs of rows that are gone are removed.
///
/// A vector is read, and compared with what the ledger proves, only if its row was written since the last
/// complete walk began: no older row can have changed. A proof from before vectors were proven takes the
/// vector that it finds. A row whose vector was replaced kMostRepairs times is left as it is: something
/// replaces it whenever it is stored, and each time it would be bought.
constexpr int kMostRepairs = 3;

pg::Statement make_reconcile(const Form& form, bool first) {
  const std::string_view after_t = first ? "" : "AND ({row:t}) > ({cursor})";
  const std::string_view after_l = first ? "" : "AND ({row:l}) > ({cursor})";
  // What the triggers missed until now, this walk finds; if it does not get to its end, it is due again.
  const std::string_view made_up =
      first ? "DELETE FROM embedd.missed_changes m WHERE m.vectorizer_id = {id} AND (SELECT yes FROM walks) "
              "RETURNING 1"
            : "SELECT 1 WHERE false";
  // Whoever takes the walk over looks at this page again.
  const std::string_view begins_at = first ? "NULL::bytea" : "$5::bytea";
  return pg::Statement(form.fill(fmt::format(R"(
WITH {{types}}, load AS MATERIALIZED (
  SELECT count(*) >= $2::bigint AS deferred FROM (SELECT FROM {{queue}} LIMIT $2::bigint) x),
duty AS MATERIALIZED (
  SELECT v.id FROM embedd.vectorizers v WHERE v.id = {{id}} AND v.walk_worker = $3::uuid FOR NO KEY UPDATE),
walks AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM duty) AND NOT (SELECT deferred FROM load) AS yes),
proven_rows AS MATERIALIZED (
  SELECT CASE
      WHEN v.proven_in = v.walk_in
           AND pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint - v.proven_before::text::bigint
               BETWEEN 0 AND 1500000000
      THEN pg_catalog.age(v.proven_before::xid) ELSE 2147483647 END AS age
  FROM embedd.vectorizers v WHERE v.id = {{id}}),
page AS MATERIALIZED (
  SELECT {{keys:t}}, {{hash}} AS hash, t.{{destination}} IS NOT NULL AS stored,
         CASE WHEN pg_catalog.age(t.xmin) <= (SELECT age FROM proven_rows) THEN {{vector_hash}} END AS vector_hash,
         coalesce({{refusal}} <> '', false) AS refused FROM {{source}} t
  WHERE (SELECT yes FROM walks) {0}
  ORDER BY {{row:t}} LIMIT $1::bigint),
proofs AS MATERIALIZED (
  SELECT {{keys:l}}, l.text_hash, l.vector_hash, l.repairs FROM {{ledger}} l
  WHERE (SELECT yes FROM walks) {1}
  ORDER BY {{row:l}} LIMIT 2 * $1::bigint),
page_end AS MATERIALIZED (
  SELECT {{keys}} FROM (
    (SELECT {{keys}} FROM page WHERE (SELECT count(*) FROM page) >= $1::bigint ORDER BY {{desc:page}} LIMIT 1)
    UNION ALL
    (SELECT {{keys}} FROM proofs WHERE (SELECT count(*) FROM proofs) >= 2 * $1::bigint ORDER BY {{desc:proofs}} LIMIT 1)) x
  ORDER BY {{keys}} LIMIT 1),
merged AS MATERIALIZED (
  SELECT {{keys}}, bool_or(there) AS there, max(hash) AS hash, bool_or(stored) AS stored, bool_or(refused) AS refused,
         max(vector_hash) AS vector_hash, max(proven) AS proven, max(proven_vector) AS proven_vector, max(repairs) AS repairs FROM (
    SELECT {{keys}}, true AS there, hash, stored, refused, vector_hash, NULL::bigint AS proven, NULL::bigint AS proven_vector,
           NULL::smallint AS repairs FROM page
    UNION ALL
    SELECT {{keys}}, false, NULL, NULL, NULL, NULL, text_hash, vector_hash, repairs FROM proofs) m
  WHERE NOT EXISTS (SELECT FROM page_end e WHERE ({{row:m}}) > ({{row:e}}))
  GROUP BY {{keys}}),
judged AS MATERIALIZED (
  SELECT *, there AND coalesce(vector_hash <> proven_vector AND proven = hash, false) AS replaced,
         there AND proven_vector IS NULL AND vector_hash IS NOT NULL AND proven = hash AS first_seen
  FROM merged),
wanted AS MATERIALIZED (
  SELECT {{keys:q}}, q.replaced FROM judged q
  WHERE q.there
    AND CASE WHEN q.refused THEN true WHEN q.hash IS NULL THEN q.stored
             ELSE NOT q.stored OR q.proven IS DISTINCT FROM q.hash OR (q.replaced AND q.repairs < {3}) END
    AND CASE WHEN EXISTS (SELECT FROM {{queue}} w WHERE {{w=q}}) THEN false ELSE true END
    AND NOT EXISTS (SELECT FROM embedd.dead_letters d
                    WHERE d.vectorizer_id = {{id}} AND d.key = {{key_json}}
                      AND coalesce(d.text_hash, 0) = coalesce(q.hash, 0))),
free AS MATERIALIZED (
  SELECT {{keys:w}}, w.replaced FROM wanted w CROSS JOIN LATERAL (
    SELECT FROM {{source}} t WHERE {{t=w}} FOR NO KEY UPDATE SKIP LOCKED) t),
enqueued AS (
  INSERT INTO {{queue}} ({{keys}}, priority) SELECT {{keys:f}}, 1 FROM free f
  ON CONFLICT DO NOTHING RETURNING 1),
pardoned AS (
  DELETE FROM embedd.dead_letters d USING free q
  WHERE d.vectorizer_id = {{id}} AND d.key = {{key_json}}),
orphans AS MATERIALIZED (
  SELECT l.at FROM merged m CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM {{ledger}} l WHERE {{l=m}} FOR UPDATE SKIP LOCKED) l
  WHERE NOT m.there),
forgotten AS (
  DELETE FROM {{ledger}} l WHERE l.ctid = ANY (ARRAY(SELECT at FROM orphans))),
noted AS MATERIALIZED (
  SELECT l.at, m.seen, m.repairs FROM (
    SELECT {{keys}}, vector_hash AS seen, 0 AS repairs FROM judged WHERE first_seen
    UNION ALL SELECT {{keys}}, NULL, 1 FROM free WHERE replaced) m
  CROSS JOIN LATERAL (
    SELECT l.ctid AS at FROM {{ledger}} l WHERE {{l=m}} FOR UPDATE SKIP LOCKED) l),
noted_down AS (
  UPDATE {{ledger}} l SET vector_hash = coalesce(l.vector_hash, n.seen), repairs = l.repairs + n.repairs
  FROM noted n WHERE l.ctid = n.at),
made_up AS ({4}),
answer AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM duty) AS on_duty, (SELECT deferred FROM load) AS deferred,
         (SELECT count(*) FROM merged WHERE there) AS scanned, (SELECT count(*) FROM enqueued) AS enqueued,
         (SELECT count(*) FROM wanted) - (SELECT count(*) FROM free) AS skipped,
         (SELECT count(*) FROM free WHERE replaced) AS replaced,
         (SELECT count(*) FROM judged WHERE replaced AND repairs >= {3}) AS disputed,
         (SELECT yes FROM walks) AND NOT EXISTS (SELECT FROM page_end) AS last),
ended AS MATERIALIZED (
  SELECT v.id, a.skipped + v.walk_skipped AS skipped, a.disputed + v.walk_disputed AS disputed,
         a.last AND a.skipped + v.walk_skipped + a.disputed + v.walk_disputed = 0 AS in_full
  FROM answer a CROSS JOIN embedd.vectorizers v WHERE v.id = {{id}}),
renewed AS (
  UPDATE embedd.vectorizers v
  SET reconcile_until = CASE WHEN NOT a.last THEN pg_catalog.clock_timestamp() + interval '60 s' END,
      walk_worker = CASE WHEN NOT a.last THEN v.walk_worker END,
      reconciled_at = CASE WHEN NOT a.last AND EXISTS (SELECT FROM made_up) THEN NULL
                           WHEN NOT a.last THEN v.reconciled_at
                           WHEN e.skipped = 0 THEN pg_catalog.clock_timestamp()
                           ELSE now() - pg_catalog.make_interval(secs => greatest($4::float8 - 60, 0)) END,
      walk_put_off_at = CASE WHEN NOT a.last THEN v.walk_put_off_at END,
      walk_cursor = CASE WHEN NOT a.last THEN {2} END,
      walk_began_at = CASE WHEN NOT a.last THEN v.walk_began_at END,
      walk_skipped = CASE WHEN NOT a.last THEN e.skipped ELSE 0 END,
      walk_disputed = CASE WHEN NOT a.last THEN e.disputed ELSE 0 END,
      disputed = CASE WHEN a.last THEN e.disputed ELSE v.disputed END,
      walked_with = CASE WHEN e.in_full THEN v.walk_began_with WHEN NOT a.last THEN v.walked_with END,
      proven_before = CASE WHEN e.in_full THEN v.walk_began_at ELSE v.proven_before END,
      proven_in = CASE WHEN e.in_full THEN v.walk_in ELSE v.proven_in END
  FROM answer a CROSS JOIN ended e WHERE v.id = {{id}} AND a.on_duty)
SELECT a.on_duty, a.deferred, a.scanned, a.enqueued, a.last, a.replaced, a.disputed,
       extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp())::float8,
       {{out:e}}
FROM answer a LEFT JOIN page_end e ON true)",
                                             after_t, after_l, begins_at, kMostRepairs, made_up)));
}

}  // namespace

bool travels_as_bytes(const Definition& definition, std::size_t column) {
  const std::string& type = definition.key_types[column];
  return definition.encoding != "UTF8" &&
         (type == "text" || type == "name" || type == "bpchar" || type.starts_with("character"));
}

QueueStatements::QueueStatements(const Definition& definition, bool guarded)
    : claim(make_claim(Form(definition, guarded))),
      complete(make_complete(Form(definition, guarded))),
      keep(make_keep(Form(definition, guarded))),
      clear(make_clear(Form(definition, guarded))),
      drop(make_drop(Form(definition, guarded))),
      reschedule(make_reschedule(Form(definition, guarded))),
      extend(make_extend(Form(definition, guarded))),
      discard(make_discard(Form(definition, guarded))),
      begin_walk(walk_begin_statement(definition)),
      reconcile_first(make_reconcile(Form(definition, guarded), true)),
      reconcile(make_reconcile(Form(definition, guarded), false)) {}

}  // namespace embedd::queue
