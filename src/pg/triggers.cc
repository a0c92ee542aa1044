#include "pg/triggers.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/sql_text.h"

namespace embedd::pg {
namespace {

/// One vectorizer's names and recurring fragments.
class Capture {
 public:
  explicit Capture(const CapturePlan& plan)
      : plan_(plan),
        n_(plan.key_columns.size()),
        queue_(queue_table(plan.id)),
        ledger_(ledger_table(plan.id)) {}

  [[nodiscard]] std::string insert_by_statement() const {
    return function("insert", "",
                    judge("embedd_rows t") + enqueue("embedd_rows t", covered()) + hint("FOUND"));
  }

  [[nodiscard]] std::string insert_by_row() const {
    return function("insert", "",
                    judge("(SELECT NEW.*) t") + enqueue("(SELECT NEW.*) t", covered()) + hint("FOUND"));
  }

  /// A key change leaves the old key's job to the worker, which finds out whether the row is gone or another
  /// row took the key. The ledger row moves along only if the new key has none: after a shift of many keys
  /// (`SET id = id + 1`) it would tell of another row.
  [[nodiscard]] std::string update() const {
    const std::string moved = fmt::format("({}) IS DISTINCT FROM ({})", row("OLD"), row("NEW"));
    return function("update", "",
                    fmt::format(R"(
  IF {moved} THEN
    UPDATE {queue} q SET {reset} WHERE {q_is_old};
    IF EXISTS (SELECT FROM {ledger} q WHERE {q_is_new}) OR NOT EXISTS (SELECT FROM {ledger} q WHERE {q_is_old}) THEN
      DELETE FROM {ledger} q WHERE ({q_is_old}) OR ({q_is_new});
    ELSE
      UPDATE {ledger} q SET {move} WHERE {q_is_old};
    END IF;
    {forget_old}
  END IF;
{enqueue}  {forget_new}
)",
                                fmt::arg("moved", moved), fmt::arg("queue", queue_),
                                fmt::arg("ledger", ledger_), fmt::arg("reset", reset()),
                                fmt::arg("q_is_old", same("OLD")), fmt::arg("q_is_new", same("NEW")),
                                fmt::arg("move", move()), fmt::arg("forget_old", forget("OLD")),
                                fmt::arg("enqueue", enqueue("(SELECT NEW.*) t", "")),
                                fmt::arg("forget_new", forget("NEW"))) +
                        hint("true"));
  }

  /// Few rows leave a queue of millions by its primary key, whatever the first plan was made for.
  [[nodiscard]] std::string delete_by_statement() const {
    return function("delete",
                    " SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off",
                    fmt::format(R"(
  DELETE FROM {0} q USING embedd_rows t WHERE {2};
  DELETE FROM {1} q USING embedd_rows t WHERE {2};
  DELETE FROM embedd.dead_letters d USING (SELECT {3} FROM embedd_rows t) q
    WHERE d.vectorizer_id = {4} AND d.key = {5};
)",
                                queue_, ledger_, same("t"), as_keys("t"), plan_.id, plan_.key_json_sql));
  }

  [[nodiscard]] std::string delete_by_row() const {
    return function("delete", "",
                    fmt::format(R"(
  DELETE FROM {0} q WHERE {2};
  DELETE FROM {1} q WHERE {2};
  {3}
)",
                                queue_, ledger_, same("OLD"), forget("OLD")));
  }

  /// The user's transaction has locked the table for itself, and workers' statements that have locked queue
  /// and ledger may be waiting for it. So no table's lock is waited for, and nothing that would fail the
  /// TRUNCATE at REPEATABLE READ may fail it. What stays is the worker's to clear away: jobs and proofs whose
  /// row is gone.
  [[nodiscard]] std::string truncate() const {
    constexpr int kMostJobs = 20'000;  // more would be noticed
    return function("truncate", "",
                    fmt::format(R"(
  BEGIN
    DELETE FROM embedd.dead_letters WHERE vectorizer_id = {2};
    DELETE FROM {0} WHERE ctid = ANY (ARRAY(SELECT q.ctid FROM {0} q LIMIT {3} FOR UPDATE SKIP LOCKED));
  EXCEPTION WHEN serialization_failure THEN NULL;
  END;
  BEGIN
    LOCK TABLE {1} IN ACCESS EXCLUSIVE MODE NOWAIT;
    TRUNCATE {1};
  EXCEPTION WHEN lock_not_available THEN
    BEGIN
      DELETE FROM {1};
    EXCEPTION WHEN serialization_failure THEN NULL;
    END;
  END;
)",
                                queue_, ledger_, plan_.id, kMostJobs));
  }

  [[nodiscard]] std::string trigger(std::string_view event, std::string_view when) const {
    return fmt::format("CREATE TRIGGER embedd_{0}_{1} AFTER {2} EXECUTE FUNCTION embedd.capture_{0}_{1}()",
                       event, plan_.id, when);
  }

  /// Updates that change nothing of interest cost one comparison per row that names such a column.
  [[nodiscard]] std::string update_trigger() const {
    std::string changed;
    for (const std::string& column : plan_.watched) {
      // As text, because that is what is embedded: equality of numeric, citext or a case-insensitive
      // collation would hide changes, and json has none.
      const std::string name = quote_identifier(column);
      changed +=
          fmt::format("OLD.{0}::text COLLATE \"C\" IS DISTINCT FROM NEW.{0}::text COLLATE \"C\" OR ", name);
    }
    changed += fmt::format("({}) IS DISTINCT FROM ({})", row("OLD"), row("NEW"));
    std::vector<std::string> named = plan_.watched;
    for (const std::string& column : plan_.key_columns)
      if (std::find(named.begin(), named.end(), column) == named.end()) named.push_back(column);
    const std::string of = plan_.any_update ? "" : " OF " + join_each(named.size(), ", ", [&](std::size_t i) {
                                                     return quote_identifier(named[i - 1]);
                                                   });
    return trigger("update", fmt::format("UPDATE{} ON {} FOR EACH ROW WHEN ({})", of, plan_.source, changed));
  }

 private:
  [[nodiscard]] std::string name(std::size_t i) const { return quote_identifier(plan_.key_columns[i - 1]); }

  /// OLD."id", OLD."part"
  [[nodiscard]] std::string row(std::string_view alias) const {
    return join_each(n_, ", ", [&](std::size_t i) { return fmt::format("{}.{}", alias, name(i)); });
  }

  /// t."id" AS k1, t."part" AS k2
  [[nodiscard]] std::string as_keys(std::string_view alias) const {
    return join_each(n_, ", ", [&](std::size_t i) { return fmt::format("{}.{} AS k{}", alias, name(i), i); });
  }

  /// q.k1 = OLD."id" AND q.k2 = OLD."part"
  [[nodiscard]] std::string same(std::string_view alias) const {
    return join_each(n_, " AND ",
                     [&](std::size_t i) { return fmt::format("q.k{} = {}.{}", i, alias, name(i)); });
  }

  [[nodiscard]] std::string move() const {
    return join_each(n_, ", ", [&](std::size_t i) { return fmt::format("k{} = NEW.{}", i, name(i)); });
  }

  [[nodiscard]] std::string keys() const {
    return join_each(n_, ", ", [](std::size_t i) { return fmt::format("k{}", i); });
  }

  [[nodiscard]] static std::string reset() {
    return "revision = q.revision + 1, lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, "
           "kept_hash = NULL, kept_at = NULL, changed_at = now()";
  }

  [[nodiscard]] std::string covered() const {
    return fmt::format(" WHERE {} NOT ({})",
                       plan_.filter_sql ? fmt::format("CASE WHEN capture.judged THEN {} ELSE true END AND",
                                                      *plan_.filter_sql)
                                        : "",
                       plan_.empty_sql);
  }

  /// A condition that fails on a row must not fail its INSERT: then every row of it gets a job, and the claim
  /// finds out. As long as nothing is written, the block costs a microsecond and no transaction id.
  [[nodiscard]] std::string judge(std::string_view from) const {
    if (!plan_.filter_sql) return "";
    return fmt::format(
        "  BEGIN\n    PERFORM FROM {} WHERE {};\n    capture.judged := true;\n"
        "  EXCEPTION WHEN OTHERS THEN\n    capture.judged := false;\n  END;\n",
        from, *plan_.filter_sql);
  }

  [[nodiscard]] std::string enqueue(std::string_view from, const std::string& where) const {
    return fmt::format(
        "  INSERT INTO {} AS q ({}) SELECT {} FROM {}{}\n    ON CONFLICT ({}, generation) DO UPDATE SET "
        "{};\n",
        queue_, keys(), row("t"), from, where, keys(), reset());
  }

  [[nodiscard]] std::string forget(std::string_view alias) const {
    return fmt::format(
        "DELETE FROM embedd.dead_letters d USING (SELECT {}) q WHERE d.vectorizer_id = {} AND d.key = {};",
        as_keys(alias), plan_.id, plan_.key_json_sql);
  }

  /// One hint a transaction, and none while a worker is at this queue already: a NOTIFY takes an
  /// instance-wide lock at commit. `SET embedd.hint = off` goes without, as PREPARE TRANSACTION must.
  [[nodiscard]] std::string hint(std::string_view condition) const {
    return fmt::format(R"(  IF {1} AND current_setting('embedd.hinted_{0}', true) IS DISTINCT FROM '1'
      AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
    PERFORM set_config('embedd.hinted_{0}', '1', true);
    IF NOT EXISTS (SELECT FROM {2} WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
      PERFORM pg_notify('embedd', '{0}');
    END IF;
  END IF;
)",
                       plan_.id, condition, queue_);
  }

  [[nodiscard]] std::string function(std::string_view event, std::string_view settings,
                                     const std::string& body) const {
    const std::string text =
        fmt::format("\n<<capture>>\nDECLARE\n  judged boolean;\nBEGIN\n{}  RETURN NULL;\nEND\n", body);
    return fmt::format(
        "CREATE FUNCTION embedd.capture_{}_{}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path = pg_catalog, pg_temp{} AS {}",
        event, plan_.id, settings, quote_literal(text));
  }

  const CapturePlan& plan_;
  std::size_t n_;
  std::string queue_;
  std::string ledger_;
};

constexpr std::string_view kEvents[] = {"insert", "update", "delete", "truncate"};

}  // namespace

std::vector<std::string> queue_ddl(const CapturePlan& plan) {
  const std::size_t n = plan.key_columns.size();
  const std::string columns = join_each(n, ", ", [&](std::size_t i) {
    const std::string& collation = plan.key_collations[i - 1];
    return fmt::format("k{} {}{} NOT NULL", i, plan.key_types[i - 1],
                       collation.empty() ? "" : " COLLATE " + collation);
  });
  const std::string key =
      join_each(n, ", ", [](std::size_t i) { return fmt::format("k{}", i); }) + ", generation";
  // Every job is inserted, updated twice and deleted: leave room, and vacuum early and without pauses.
  const std::string_view churn =
      "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, "
      "autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 1000, "
      "autovacuum_vacuum_cost_delay = 0, "
      "toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_cost_delay = 0";
  return {
      fmt::format(
          "CREATE TABLE {} ({}, generation smallint NOT NULL DEFAULT 1, revision bigint NOT NULL DEFAULT 1, "
          "run_at timestamptz NOT NULL DEFAULT now(), attempt smallint NOT NULL DEFAULT 0, lease uuid, "
          "priority smallint NOT NULL DEFAULT 0, kept {}, kept_hash bigint, kept_at timestamptz, "
          "changed_at timestamptz NOT NULL DEFAULT now(), "
          "PRIMARY KEY ({})) WITH ({})",
          queue_table(plan.id), columns, plan.vector_type, key, churn),
      fmt::format("CREATE INDEX ON {} (priority, run_at)", queue_table(plan.id)),
      fmt::format("CREATE TABLE {} ({}, generation smallint NOT NULL DEFAULT 1, text_hash bigint NOT NULL, "
                  "PRIMARY KEY ({})) WITH (fillfactor = 90)",
                  ledger_table(plan.id), columns, key)};
}

std::vector<std::string> capture_ddl(const CapturePlan& plan) {
  const Capture capture(plan);
  std::vector<std::string> out = {
      plan.by_row ? capture.insert_by_row() : capture.insert_by_statement(), capture.update(),
      plan.by_row ? capture.delete_by_row() : capture.delete_by_statement(), capture.truncate()};
  // A trigger runs without this right; without it, nobody can attach the function to another table.
  for (const std::string_view event : kEvents)
    out.push_back(
        fmt::format("REVOKE EXECUTE ON FUNCTION embedd.capture_{}_{}() FROM PUBLIC", event, plan.id));
  const std::string by_row = fmt::format("ON {} FOR EACH ROW", plan.source);
  out.push_back(capture.trigger(
      "insert", plan.by_row
                    ? "INSERT " + by_row
                    : fmt::format("INSERT ON {} REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT",
                                  plan.source)));
  out.push_back(capture.update_trigger());
  out.push_back(capture.trigger(
      "delete", plan.by_row
                    ? "DELETE " + by_row
                    : fmt::format("DELETE ON {} REFERENCING OLD TABLE AS embedd_rows FOR EACH STATEMENT",
                                  plan.source)));
  out.push_back(capture.trigger("truncate", fmt::format("TRUNCATE ON {} FOR EACH STATEMENT", plan.source)));
  return out;
}

std::vector<std::string> drop_ddl(VectorizerId id, const std::string& source) {
  std::vector<std::string> out;
  if (!source.empty())
    for (const std::string_view event : kEvents)
      out.push_back(fmt::format("DROP TRIGGER IF EXISTS embedd_{}_{} ON {}", event, id, source));
  for (const std::string_view event : kEvents)
    out.push_back(fmt::format("DROP FUNCTION IF EXISTS embedd.capture_{}_{}()", event, id));
  out.push_back(fmt::format("DROP TABLE IF EXISTS {}, {}", queue_table(id), ledger_table(id)));
  return out;
}

}  // namespace embedd::pg
