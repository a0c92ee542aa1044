#include "schema/capture_state.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/subscribed.h"
#include "schema/triggers.h"

namespace embedd::schema {
namespace {

/// $1 the vectorizer.
const std::string kExamine = fmt::format(R"(
SELECT c.oid IS NULL,
       EXISTS (SELECT FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
               WHERE n.nspname = v.source_schema AND o.relname = v.source_table),
       q.oid IS NULL,
       ours.count, coalesce(ours.disabled, false),
       c.relkind <> 'p' AND ours.inserts_by_statement
         AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
       (SELECT string_agg(DISTINCT pg_catalog.quote_ident(name), ', ')
        FROM unnest(v.read_columns || array_remove(ARRAY[v.model_id_column, v.model_version_column], NULL)) AS name
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                          WHERE a.attrelid = c.oid AND a.attname = name AND NOT a.attisdropped)),
       (SELECT string_agg(pg_catalog.format('%I (%s, was %s)', a.attname, pg_catalog.format_type(a.atttypid, NULL),
                                            pg_catalog.format_type(k.atttypid, NULL)), ', ')
        FROM unnest(v.key_columns) WITH ORDINALITY AS key (name, n)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = key.name
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype <> 'd'
        JOIN pg_catalog.pg_attribute k ON k.attrelid = q.oid AND k.attname = 'k' || key.n
        WHERE a.atttypid <> k.atttypid),
       -- What embedd.types_of() refuses, and what the text takes keys or elements of.
       (SELECT string_agg(pg_catalog.format('%I (%s, was %s)', a.attname, pg_catalog.format_type(a.atttypid, NULL),
                                            regexp_replace(read.type, '^pg_catalog[.]', '')), ', ' ORDER BY read.n)
        FROM unnest(v.read_columns, v.read_types) WITH ORDINALITY AS read (name, type, n)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = read.name AND NOT a.attisdropped
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
        CROSS JOIN LATERAL (SELECT 't."' || replace(read.name, '"', '""') || '",' AS written) AS value
        WHERE read.name <> ALL (v.key_columns) AND read.type <> pg_catalog.format('%I.%I', n.nspname, t.typname)
          AND (n.nspname <> 'pg_catalog' OR coalesce(e.typnamespace <> 'pg_catalog'::regnamespace, false)
               OR t.typname <> 'jsonb' AND strpos(v.text_sql, 'jsonb_extract_path_text(' || value.written) > 0
               OR t.typname <> 'json' AND strpos(v.text_sql, 'embedd.json_text(' || value.written) > 0
               OR t.typcategory <> 'A' AND strpos(v.text_sql, 'array_to_string(' || value.written) > 0)),
       embedd.hidden_rows(c.oid), embedd.destination_problem(v.id),
       (SELECT pg_catalog.format('%s UTC (%s)', pg_catalog.to_char(m.missed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                                 coalesce(nullif(m.message, ''), 'SQLSTATE ' || m.sqlstate))
        FROM embedd.missed_changes m WHERE m.vectorizer_id = v.id ORDER BY m.missed_at LIMIT 1),
       v.capture_version, v.disputed
FROM embedd.vectorizers v
LEFT JOIN pg_catalog.pg_class c ON c.oid = embedd.source_of(v.id)
LEFT JOIN pg_catalog.pg_class q ON q.relnamespace = 'embedd'::regnamespace AND q.relname = 'queue_' || v.id
LEFT JOIN LATERAL (
  SELECT count(*), bool_or(g.tgenabled = 'D') AS disabled,
         bool_or(g.tgname = 'embedd_insert_' || v.id AND g.tgtype & 1 = 0) AS inserts_by_statement
  FROM pg_catalog.pg_trigger g
  WHERE g.tgrelid = c.oid AND {}
     OR g.tgrelid = v.store AND g.tgname IN ('embedd_store_' || v.id, 'embedd_emptied_' || v.id)
) ours ON true
WHERE v.id = $1)",
                                         is_our_trigger_sql());

enum Column {
  kGone,
  kAnother,
  kNoQueue,
  kTriggers,
  kDisabled,
  kBecamePartition,
  kMissingColumns,
  kRetypedKey,
  kRetyped,
  kHidden,
  kDestination,
  kMissed,
  kVersion,
  kDisputed
};

/// The triggers on the source and on the store.
int triggers_of(const VectorizerInfo& vectorizer) {
  if (vectorizer.stores()) return 6;
  return vectorizer.chunk_rule.empty() ? 5 : 4;  // its store is gone
}

/// `tables`: the tables that have triggers, in words.
std::optional<std::string> problem_of(const pg::Rows& found, const std::string& table,
                                      const std::string& tables, const std::string& again, int triggers) {
  const bool gone = found.flag(0, kGone), another = found.flag(0, kAnother);
  if (gone && another)
    return fmt::format("{} was dropped and made anew, without embedd's triggers; {}", table, again);
  if (gone)
    return fmt::format("{} is gone; remove the vectorizer, or, once the table is there again, {}", table,
                       again);
  if (found.flag(0, kNoQueue)) return "its queue is gone; " + again;
  if (!found.is_null(0, kMissingColumns))
    return fmt::format("{} has no column {} any more: give it its name back, or {}", table,
                       found.text(0, kMissingColumns), again);
  if (!found.is_null(0, kRetypedKey))
    return fmt::format("a key column of {} has another type now: {}; {}", table, found.text(0, kRetypedKey),
                       again);
  if (!found.is_null(0, kRetyped))
    return fmt::format(
        "columns of {} that the vectorizer reads have other types now: {}; change them back, or {}", table,
        found.text(0, kRetyped), again);
  if (found.integer(0, kTriggers) < triggers)
    return fmt::format("embedd's triggers are missing from {}; {}", tables, again);
  if (found.flag(0, kDisabled))
    return fmt::format("embedd's triggers on {} are disabled; run: ALTER TABLE {} ENABLE TRIGGER USER",
                       tables, table);
  if (!found.is_null(0, kDestination)) return found.text(0, kDestination);
  if (!found.is_null(0, kHidden)) return found.text(0, kHidden);
  return std::nullopt;
}

std::optional<std::string> note_of(const pg::Rows& found, const std::string& table,
                                   const std::string& again) {
  if (!found.is_null(0, kMissed))
    return fmt::format("changes of {} have been missed since {}: the next walk over the table finds them",
                       table, found.text(0, kMissed));
  if (found.integer(0, kDisputed) > 0)
    return fmt::format(
        "{} {} of {} hold vectors that something else writes, unseen, each time that embedd's are stored, "
        "and are "
        "left as they are: look for a trigger or a job that writes to the column; once it is gone, {}",
        found.integer(0, kDisputed), found.integer(0, kDisputed) == 1 ? "row" : "rows", table, again);
  if (found.integer(0, kVersion) < kCaptureVersion)
    return fmt::format("the triggers on {} were made by an older embedd; {}", table, again);
  if (found.flag(0, kBecamePartition))
    return fmt::format(
        "{} became a partition or an inheriting table: rows that are written to its parent are found by "
        "the next walk only; to have them at once, {}",
        table, again);
  return std::nullopt;
}

/// True if some names of the vectorizer cannot be converted to UTF-8, so cannot be sent to workers.
Result<bool> has_unreadable_name(pg::Connection& db, const std::string& id) {
  if (db.is_utf8()) return false;
  auto rows =
      TRY(db.exec("SELECT embedd.utf8_problem(embedd.source_of($1)::regclass::text) IS NOT NULL", {id}));
  return rows.flag(0, 0);
}

}  // namespace

Result<CaptureState> capture_state(pg::Connection& db, const VectorizerInfo& vectorizer) {
  auto found = TRY(db.exec(kExamine, {std::to_string(vectorizer.id)}));
  if (found.empty()) return CaptureState{};  // dropped meanwhile
  const std::string table = pg::quote_qualified(vectorizer.source_schema, vectorizer.source_table);
  const std::string again =
      fmt::format("run: embedd vectorizer drop {}, and create it again ({})", vectorizer.name,
                  vectorizer.chunk_rule.empty() ? "nothing is bought twice"
                                                : "with another --store, whose chunks are all bought");
  auto unreadable = TRY(has_unreadable_name(db, std::to_string(vectorizer.id)));
  if (unreadable)
    return CaptureState{fmt::format("the name {} cannot be converted to UTF-8; rename the table", table),
                        std::nullopt};
  const std::string tables =
      vectorizer.stores()
          ? table + " or " + pg::quote_qualified(vectorizer.store_schema, vectorizer.store_table)
          : table;
  CaptureState state{problem_of(found, table, tables, again, triggers_of(vectorizer)),
                     note_of(found, table, again)};
  if (state.problem || state.note) return state;
  state.note = TRY(subscription_note(db, vectorizer));
  return state;
}

}  // namespace embedd::schema
