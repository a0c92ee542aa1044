#include "pg/capture_state.h"

#include <fmt/format.h>

#include "pg/sql_text.h"

namespace embedd::pg {
namespace {

const char* const kExamine = R"(
SELECT c.oid IS NULL,
       EXISTS (SELECT FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
               WHERE n.nspname = v.source_schema AND o.relname = v.source_table),
       NOT EXISTS (SELECT FROM pg_catalog.pg_class q
                   WHERE q.relnamespace = 'embedd'::regnamespace AND q.relname = 'queue_' || v.id),
       ours.count, coalesce(ours.disabled, false),
       c.relkind <> 'p' AND ours.inserts_by_statement
         AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
       CASE WHEN ours.updates_of THEN
         (SELECT string_agg(g.tgname, ', ' ORDER BY g.tgname) FROM pg_catalog.pg_trigger g
          WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
            AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0 AND g.tgtype & 16 <> 0) END
FROM embedd.vectorizers v
LEFT JOIN pg_catalog.pg_class c ON c.oid = embedd.source_of(v.id)
LEFT JOIN LATERAL (
  SELECT count(*), bool_or(g.tgenabled = 'D') AS disabled,
         bool_or(g.tgname = 'embedd_insert_' || v.id AND g.tgtype & 1 = 0) AS inserts_by_statement,
         bool_or(g.tgname = 'embedd_update_' || v.id AND cardinality(g.tgattr::int2[]) > 0) AS updates_of
  FROM pg_catalog.pg_trigger g
  WHERE g.tgrelid = c.oid
    AND g.tgname IN ('embedd_insert_' || v.id, 'embedd_update_' || v.id, 'embedd_delete_' || v.id, 'embedd_truncate_' || v.id)
) ours ON true
WHERE v.id = $1)";

std::optional<std::string> problem_of(const Rows& found, const std::string& table, const std::string& again) {
  const bool gone = found.flag(0, 0), another = found.flag(0, 1), no_queue = found.flag(0, 2);
  if (gone && another)
    return fmt::format("{} was dropped and made anew, without embedd's triggers; {}", table, again);
  if (gone)
    return fmt::format("{} is gone; remove the vectorizer, or, once the table is there again, {}", table,
                       again);
  if (no_queue) return "its queue is gone; " + again;
  if (found.integer(0, 3) < 4) return fmt::format("embedd's triggers are missing from {}; {}", table, again);
  if (found.flag(0, 4))
    return fmt::format("embedd's triggers on {0} are disabled; run: ALTER TABLE {0} ENABLE TRIGGER USER",
                       table);
  return std::nullopt;
}

std::optional<std::string> note_of(const Rows& found, const std::string& table, const std::string& again) {
  if (found.flag(0, 5))
    return fmt::format(
        "{} became a partition or an inheriting table: rows that are written to its parent are found by "
        "the hourly walk only; to have them at once, {}",
        table, again);
  if (!found.is_null(0, 6))
    return fmt::format(
        "{} has BEFORE UPDATE triggers that came after the vectorizer ({}): where they change the text of "
        "a row whose update does not name it, the hourly walk finds it; to have it at once, {}",
        table, found.text(0, 6), again);
  return std::nullopt;
}

/// What workers cannot be sent, and people see only in part.
Result<bool> has_unreadable_name(Connection& db, const std::string& id) {
  if (db.is_utf8()) return false;
  auto rows = db.exec("SELECT embedd.utf8_problem(embedd.source_of($1)::regclass::text) IS NOT NULL", {id});
  if (!rows) return std::unexpected(rows.error());
  return rows->flag(0, 0);
}

}  // namespace

Result<CaptureState> capture_state(Connection& db, const VectorizerInfo& vectorizer) {
  auto found = db.exec(kExamine, {std::to_string(vectorizer.id)});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return CaptureState{};  // dropped meanwhile
  const std::string table = quote_qualified(vectorizer.source_schema, vectorizer.source_table);
  const std::string again = fmt::format(
      "run: embedd vectorizer drop {}, and create it again (nothing is bought twice)", vectorizer.name);
  auto unreadable = has_unreadable_name(db, std::to_string(vectorizer.id));
  if (!unreadable) return std::unexpected(unreadable.error());
  if (*unreadable)
    return CaptureState{fmt::format("the name {} cannot be converted to UTF-8; rename the table", table),
                        std::nullopt};
  return CaptureState{problem_of(*found, table, again), note_of(*found, table, again)};
}

}  // namespace embedd::pg
