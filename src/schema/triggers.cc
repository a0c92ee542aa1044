#include "schema/triggers.h"

#include <fmt/format.h>

#include "pg/pinned_settings.h"
#include "pg/quoting.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

constexpr std::string_view kPinnedPath = " SET search_path = pg_catalog, pg_temp";

/// One vectorizer's names and recurring fragments.
class Capture {
 public:
  explicit Capture(const CapturePlan& plan)
      : plan_(plan),
        n_(plan.key_columns.size()),
        queue_(queue_table(plan.id)),
        ledger_(ledger_table(plan.id)) {}

  [[nodiscard]] std::string insert_by_statement() const {
    return trigger_function(
        "insert", kPinnedPath, unless(fmt::format("(SELECT {} FROM embedd_rows t LIMIT 1)", retyped("t"))),
        enqueue(fmt::format("SELECT {} FROM embedd_rows t", columns("t"))) + hint("FOUND"));
  }

  [[nodiscard]] std::string insert_by_row() const {
    return trigger_function("insert", kPinnedPath, unless(retyped("NEW")),
                            enqueue("SELECT " + columns("NEW")) + hint("true"));
  }

  /// Called for every updated row: it compares, which takes under a microsecond with no settings to change,
  /// and calls `changed` if there is something to do. Without a pinned search_path every name is qualified,
  /// and nothing in it depends on how a name or an operator could be looked up.
  [[nodiscard]] std::string update() const {
    const std::string check =
        fmt::format("    IF NOT pg_catalog.record_image_ne(ROW({}), ROW({})) THEN RETURN NULL; END IF;\n",
                    read("OLD"), read("NEW"));
    return trigger_function("update", "", check + unless(retyped("NEW")),
                            fmt::format("    PERFORM embedd.capture_changed_{}({}, {});\n", plan_.id,
                                        columns("OLD"), columns("NEW")));
  }

  /// Before the row is written. A value of another's is in the new row as the statement made it; one that the
  /// statement does not name is still the pointer into the old row's TOAST, and as long as that.
  [[nodiscard]] std::string vector() const {
    const std::string column = pg::quote_identifier(plan_.destination);
    const auto both = [&](const char* of) {
      return fmt::format("pg_catalog.{0}(OLD.{1}) OPERATOR(pg_catalog.=) pg_catalog.{0}(NEW.{1})", of,
                         column);
    };
    std::string untouched =
        plan_.tells_toast_apart ? both("pg_column_toast_chunk_id")
        : plan_.stored_bytes > 0
            ? fmt::format("{} AND pg_catalog.pg_column_size(OLD.{}) OPERATOR(pg_catalog.=) {}",
                          both("pg_column_size"), column, plan_.stored_bytes)
            : "false";
    const std::string check = fmt::format(
        R"(    IF {0} THEN RETURN NEW; END IF;
    IF coalesce(pg_catalog.current_setting('embedd.settles', true), '') OPERATOR(pg_catalog.=) 'on'
        OR NOT pg_catalog.record_image_ne(ROW(OLD.{1}), ROW(NEW.{1})) THEN
      RETURN NEW;
    END IF;
{2}    IF pg_catalog.pg_typeof(OLD.{1}) OPERATOR(pg_catalog.<>) {3}::pg_catalog.regtype THEN RETURN NEW; END IF;
)",
        untouched, column, unless(retyped("NEW")), pg::quote_literal(plan_.destination_type));
    // Functions of pgvector's are called, so whatever fails is noted.
    return trigger_function("vector", "",
                            check + fmt::format("    PERFORM embedd.capture_replaced_{}({}, OLD.{});\n",
                                                plan_.id, columns("OLD"), column),
                            "", "NEW");
  }

  /// The vector that is being replaced goes with the job if it is the proven one, which is bought already. Of
  /// any other nothing is kept. Whoever has claimed the job may be buying the row's vector, and stores it
  /// whatever stands there: the lease holds on.
  [[nodiscard]] std::string replaced() const {
    const std::string body = fmt::format(
        R"(
BEGIN
    INSERT INTO {queue} AS q ({keys}, kept, kept_hash, kept_at)
    SELECT {o}, CASE WHEN l.text_hash IS NOT NULL THEN v END, l.text_hash, CASE WHEN l.text_hash IS NOT NULL THEN now() END
    FROM (SELECT) one LEFT JOIN {ledger} l ON {l_is_old} AND l.vector_hash = {hash}
      ON CONFLICT ({keys}) DO UPDATE
      SET lease = CASE WHEN q.run_at > now() THEN q.lease END,
          run_at = CASE WHEN q.lease IS NOT NULL THEN greatest(q.run_at, now()) ELSE now() END,
          attempt = 0, priority = 0, changed_at = now(), kept = coalesce(q.kept, excluded.kept), kept_at = coalesce(q.kept_at, excluded.kept_at),
          kept_hash = CASE WHEN q.kept IS NULL THEN excluded.kept_hash ELSE q.kept_hash END;
{hint}END
)",
        fmt::arg("queue", queue_), fmt::arg("keys", keys()), fmt::arg("o", parameters("o")),
        fmt::arg("ledger", ledger_), fmt::arg("l_is_old", same("o", "l")),
        fmt::arg("hash", vector_hash_sql(plan_.destination_base_type, "v")), fmt::arg("hint", hint("true")));
    return fmt::format(
        "CREATE FUNCTION embedd.capture_replaced_{}({}, v {}) RETURNS void LANGUAGE plpgsql{} AS {}",
        plan_.id, typed("o"), plan_.destination_base_type, kPinnedPath, pg::quote_literal(body));
  }

  /// A key change leaves the old key's job to the worker, which finds out whether the row is gone or another
  /// row took the key. The ledger row moves along only if the new key has none: after a shift of many keys
  /// (`SET id = id + 1`) it would tell of another row.
  [[nodiscard]] std::string changed() const {
    const std::string body =
        fmt::format(R"(
BEGIN
  IF ({o}) IS DISTINCT FROM ({n}) THEN
    UPDATE {queue} q SET {reset} WHERE {q_is_old};
    IF EXISTS (SELECT FROM {ledger} q WHERE {q_is_new}) OR NOT EXISTS (SELECT FROM {ledger} q WHERE {q_is_old}) THEN
      DELETE FROM {ledger} q WHERE ({q_is_old}) OR ({q_is_new});
    ELSE
      UPDATE {ledger} q SET {move} WHERE {q_is_old};
    END IF;
    {forget_old}
  END IF;
{enqueue}  {forget_new}
{hint}END
)",
                    fmt::arg("o", parameters("o")), fmt::arg("n", parameters("n")), fmt::arg("queue", queue_),
                    fmt::arg("ledger", ledger_), fmt::arg("reset", reset()), fmt::arg("q_is_old", same("o")),
                    fmt::arg("q_is_new", same("n")), fmt::arg("move", move()),
                    fmt::arg("forget_old", forget_if_dead(parameters("o"))),
                    fmt::arg("enqueue", enqueue("SELECT " + parameters("n"))),
                    fmt::arg("forget_new", forget_if_dead(parameters("n"))), fmt::arg("hint", hint("true")));
    return fmt::format(
        "CREATE FUNCTION embedd.capture_changed_{}({}, {}) RETURNS void LANGUAGE plpgsql{} AS {}", plan_.id,
        typed("o"), typed("n"), kPinnedPath, pg::quote_literal(body));
  }

  /// Few rows leave a queue of millions by its primary key, whatever the first plan was made for.
  [[nodiscard]] std::string delete_by_statement() const {
    return trigger_function(
        "delete",
        std::string(kPinnedPath) +
            " SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off",
        unless(fmt::format("(SELECT {} FROM embedd_rows t LIMIT 1)", retyped("t"))),
        fmt::format(R"(    DELETE FROM {0} q USING embedd_rows t WHERE {2};
    DELETE FROM {1} q USING embedd_rows t WHERE {2};
    IF {3} THEN PERFORM embedd.capture_forget_{4}({5}) FROM embedd_rows t; END IF;
)",
                    queue_, ledger_, same_row("t"), any_dead(), plan_.id, columns("t")));
  }

  [[nodiscard]] std::string delete_by_row() const {
    return trigger_function("delete", kPinnedPath, unless(retyped("OLD")),
                            fmt::format(R"(    DELETE FROM {0} q WHERE {2};
    DELETE FROM {1} q WHERE {2};
    {3}
)",
                                        queue_, ledger_, same_row("OLD"), forget_if_dead(columns("OLD"))));
  }

  /// Under the settings that the worker wrote the dead letter's key with.
  [[nodiscard]] std::string forget() const {
    std::string settings(kPinnedPath);
    for (const pg::PinnedSetting& setting : pg::pinned_settings())
      settings += fmt::format(" SET {} = '{}'", setting.name, setting.value);
    const std::string keys =
        pg::join_each(n_, ", ", [](std::size_t i) { return fmt::format("${} AS k{}", i, i); });
    const std::string body = fmt::format(R"(
BEGIN
  DELETE FROM embedd.dead_letters d USING (SELECT {}) q WHERE d.vectorizer_id = {} AND d.key = {};
END
)",
                                         keys, plan_.id, plan_.key_json_sql);
    return fmt::format("CREATE FUNCTION embedd.capture_forget_{}({}) RETURNS void LANGUAGE plpgsql{} AS {}",
                       plan_.id, typed("o"), settings, pg::quote_literal(body));
  }

  /// The user's transaction has locked the table for itself, and workers' statements that have locked queue
  /// and ledger may be waiting for it. So no table's lock is waited for, and nothing that would fail the
  /// TRUNCATE at REPEATABLE READ may fail it. What stays is the worker's to clear away: jobs and proofs whose
  /// row is gone.
  [[nodiscard]] std::string truncate() const {
    constexpr int kMostJobs = 20'000;  // more would be noticed
    return trigger_function("truncate", kPinnedPath, "",
                            fmt::format(R"(    BEGIN
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

  [[nodiscard]] std::string trigger(std::string_view event, std::string_view when,
                                    std::string_view what) const {
    return fmt::format("CREATE TRIGGER embedd_{0}_{1} {2} {3} EXECUTE FUNCTION embedd.capture_{0}_{1}()",
                       event, plan_.id, when, what);
  }

 private:
  [[nodiscard]] std::string name(std::size_t i) const {
    return pg::quote_identifier(plan_.key_columns[i - 1]);
  }

  /// OLD."id", OLD."part"
  [[nodiscard]] std::string columns(std::string_view alias) const {
    return pg::join_each(n_, ", ", [&](std::size_t i) { return fmt::format("{}.{}", alias, name(i)); });
  }

  /// o1, o2
  [[nodiscard]] std::string parameters(std::string_view prefix) const {
    return pg::join_each(n_, ", ", [&](std::size_t i) { return fmt::format("{}{}", prefix, i); });
  }

  /// o1 bigint, o2 text
  [[nodiscard]] std::string typed(std::string_view prefix) const {
    return pg::join_each(
        n_, ", ", [&](std::size_t i) { return fmt::format("{}{} {}", prefix, i, plan_.key_types[i - 1]); });
  }

  /// Every column that decides what is embedded, the key's among them.
  [[nodiscard]] std::string read(std::string_view alias) const {
    return pg::join_each(plan_.read.size(), ", ", [&](std::size_t i) {
      return fmt::format("{}.{}", alias, pg::quote_identifier(plan_.read[i - 1]));
    });
  }

  /// A key column is of another type than the queue was made for. Writing it there would take a cast, and
  /// that may be anybody's.
  [[nodiscard]] std::string retyped(std::string_view alias) const {
    return pg::join_each(n_, " OR ", [&](std::size_t i) {
      return fmt::format("pg_catalog.pg_typeof({}.{}) OPERATOR(pg_catalog.<>) {}::pg_catalog.regtype", alias,
                         name(i), pg::quote_literal(plan_.key_own_types[i - 1]));
    });
  }

  /// q.k1 = o1 AND q.k2 = o2
  [[nodiscard]] std::string same(std::string_view prefix, std::string_view alias = "q") const {
    return pg::join_each(n_, " AND ",
                         [&](std::size_t i) { return fmt::format("{}.k{} = {}{}", alias, i, prefix, i); });
  }

  /// q.k1 = OLD."id" AND q.k2 = OLD."part"
  [[nodiscard]] std::string same_row(std::string_view alias) const {
    return pg::join_each(n_, " AND ",
                         [&](std::size_t i) { return fmt::format("q.k{} = {}.{}", i, alias, name(i)); });
  }

  [[nodiscard]] std::string move() const {
    return pg::join_each(n_, ", ", [](std::size_t i) { return fmt::format("k{} = n{}", i, i); });
  }

  [[nodiscard]] std::string keys() const {
    return pg::join_each(n_, ", ", [](std::size_t i) { return fmt::format("k{}", i); });
  }

  [[nodiscard]] static std::string reset() {
    return "lease = NULL, run_at = now(), attempt = 0, priority = 0, kept = NULL, "
           "kept_hash = NULL, kept_at = NULL, changed_at = now()";
  }

  [[nodiscard]] std::string enqueue(const std::string& select) const {
    return fmt::format("    INSERT INTO {} AS q ({}) {}\n      ON CONFLICT ({}) DO UPDATE SET {};\n", queue_,
                       keys(), select, keys(), reset());
  }

  [[nodiscard]] std::string any_dead() const {
    return fmt::format("EXISTS (SELECT FROM embedd.dead_letters d WHERE d.vectorizer_id = {})", plan_.id);
  }

  [[nodiscard]] std::string forget_if_dead(const std::string& key) const {
    return fmt::format("IF {} THEN PERFORM embedd.capture_forget_{}({}); END IF;", any_dead(), plan_.id, key);
  }

  /// One hint a transaction, and none while a worker is at this queue already: a NOTIFY takes an
  /// instance-wide lock at commit. `SET embedd.hint = off` goes without, as PREPARE TRANSACTION must.
  [[nodiscard]] std::string hint(std::string_view condition) const {
    return fmt::format(R"(    IF {1} AND current_setting('embedd.hinted_{0}', true) IS DISTINCT FROM '1'
        AND current_setting('embedd.hint', true) IS DISTINCT FROM 'off' THEN
      PERFORM set_config('embedd.hinted_{0}', '1', true);
      IF NOT EXISTS (SELECT FROM {2} WHERE priority IN (0, 1) AND run_at > now() AND lease IS NOT NULL) THEN
        PERFORM pg_notify('embedd', '{0}');
      END IF;
    END IF;
)",
                       plan_.id, condition, queue_);
  }

  [[nodiscard]] static std::string unless(const std::string& wrong) {
    return fmt::format(
        "    IF {} THEN\n      RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'a key column has another "
        "type "
        "than when the vectorizer was created';\n    END IF;\n",
        wrong);
  }

  [[nodiscard]] std::string noted() const {
    return fmt::format("PERFORM embedd.note_missed({}, SQLSTATE, SQLERRM);", plan_.id);
  }

  /// `check` may fail, or return; `write` is done if it does neither. A block with an exception handler costs
  /// half a microsecond, and a transaction id of its own once something is written in it: so what is written
  /// stands in one only where it could fail through no fault of anybody's, by serialization.
  [[nodiscard]] std::string trigger_function(std::string_view event, std::string_view settings,
                                             const std::string& check, const std::string& write,
                                             std::string_view result = "NULL") const {
    std::string text = fmt::format(R"(
BEGIN
  BEGIN
{}  EXCEPTION WHEN OTHERS THEN
    {}
    RETURN {};
  END;
)",
                                   check, noted(), result);
    if (!write.empty())
      text += fmt::format(
          R"(  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed' THEN
{0}  ELSE
    BEGIN
{0}    EXCEPTION WHEN OTHERS THEN
      {1}
    END;
  END IF;
)",
          write, noted());
    text += fmt::format("  RETURN {};\nEND\n", result);
    return fmt::format(
        "CREATE FUNCTION embedd.capture_{}_{}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{} AS {}",
        event, plan_.id, settings, pg::quote_literal(text));
  }

  const CapturePlan& plan_;
  std::size_t n_;
  std::string queue_;
  std::string ledger_;
};

constexpr std::string_view kEvents[] = {"insert", "update", "delete", "truncate", "vector"};
/// Called by the trigger functions.
constexpr std::string_view kHelpers[] = {"changed", "forget", "replaced"};

std::string function_name(std::string_view event, VectorizerId id) {
  return fmt::format("embedd.capture_{}_{}", event, id);
}

}  // namespace

std::string is_our_trigger_sql() {
  return "g.tgname IN (" +
         pg::join_each(std::size(kEvents), ", ",
                       [](std::size_t i) { return fmt::format("'embedd_{}_' || v.id", kEvents[i - 1]); }) +
         ")";
}

std::vector<std::string> queue_ddl(const CapturePlan& plan) {
  const std::size_t n = plan.key_columns.size();
  const std::string columns = pg::join_each(n, ", ", [&](std::size_t i) {
    const std::string& collation = plan.key_collations[i - 1];
    return fmt::format("k{} {}{} NOT NULL", i, plan.key_types[i - 1],
                       collation.empty() ? "" : " COLLATE " + collation);
  });
  const std::string key = pg::join_each(n, ", ", [](std::size_t i) { return fmt::format("k{}", i); });
  // Every job is inserted, updated twice and deleted: leave room, and vacuum early and without pauses.
  const std::string_view churn =
      "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, "
      "autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 1000, "
      "autovacuum_vacuum_cost_delay = 0, "
      "toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_cost_delay = 0";
  return {
      fmt::format(
          "CREATE TABLE {} ({}, "
          "run_at timestamptz NOT NULL DEFAULT now(), attempt smallint NOT NULL DEFAULT 0, lease uuid, "
          "priority smallint NOT NULL DEFAULT 0, kept {}, kept_hash bigint, kept_at timestamptz, "
          "changed_at timestamptz NOT NULL DEFAULT now(), "
          "PRIMARY KEY ({})) WITH ({})",
          queue_table(plan.id), columns, plan.vector_type, key, churn),
      fmt::format("CREATE INDEX ON {} (priority, run_at)", queue_table(plan.id)),
      fmt::format(
          "CREATE TABLE {} ({}, text_hash bigint NOT NULL, "
          "vector_hash bigint, repairs smallint NOT NULL DEFAULT 0, PRIMARY KEY ({})) WITH (fillfactor = 90)",
          ledger_table(plan.id), columns, key)};
}

std::vector<std::string> capture_ddl(const CapturePlan& plan) {
  const Capture capture(plan);
  std::vector<std::string> out = {plan.by_row ? capture.insert_by_row() : capture.insert_by_statement(),
                                  capture.update(),
                                  plan.by_row ? capture.delete_by_row() : capture.delete_by_statement(),
                                  capture.truncate(),
                                  capture.changed(),
                                  capture.forget(),
                                  capture.vector(),
                                  capture.replaced()};
  const std::string by_row = fmt::format("ON {} FOR EACH ROW", plan.source);
  out.push_back(capture.trigger(
      "insert", "AFTER",
      plan.by_row ? "INSERT " + by_row
                  : fmt::format("INSERT ON {} REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT",
                                plan.source)));
  out.push_back(capture.trigger("update", "AFTER", "UPDATE " + by_row));
  out.push_back(capture.trigger("vector", "BEFORE", "UPDATE " + by_row));
  out.push_back(capture.trigger(
      "delete", "AFTER",
      plan.by_row ? "DELETE " + by_row
                  : fmt::format("DELETE ON {} REFERENCING OLD TABLE AS embedd_rows FOR EACH STATEMENT",
                                plan.source)));
  out.push_back(
      capture.trigger("truncate", "AFTER", fmt::format("TRUNCATE ON {} FOR EACH STATEMENT", plan.source)));

  if (plan.by_role)
    out.push_back(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {}, {} TO {}",
                              queue_table(plan.id), ledger_table(plan.id), kCaptureRole));
  const auto finish = [&](std::string_view event) {
    // A trigger runs without this right; without it, nobody can attach the function to another table.
    out.push_back(fmt::format("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC", function_name(event, plan.id)));
    if (plan.by_role)
      out.push_back(
          fmt::format("ALTER FUNCTION {} OWNER TO {}", function_name(event, plan.id), kCaptureRole));
  };
  for (const std::string_view event : kEvents) finish(event);
  for (const std::string_view helper : kHelpers) finish(helper);
  return out;
}

std::vector<std::string> drop_ddl(VectorizerId id, bool keep_ledger) {
  std::vector<std::string> out;
  // The triggers go with their functions: dropping them by name takes the table's owner, and whoever may
  // attach a trigger need not be that.
  for (const std::string_view event : kEvents)
    out.push_back(fmt::format("DROP FUNCTION IF EXISTS {} CASCADE", function_name(event, id)));
  for (const std::string_view helper : kHelpers)
    out.push_back(fmt::format("DROP FUNCTION IF EXISTS {}", function_name(helper, id)));
  out.push_back("DROP TABLE IF EXISTS " + queue_table(id));
  if (!keep_ledger) out.push_back("DROP TABLE IF EXISTS " + ledger_table(id));
  return out;
}

}  // namespace embedd::schema
