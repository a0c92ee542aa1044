#include "schema/subscribed.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/triggers.h"

namespace embedd::schema {

namespace {

/// pg_subscription contains connection strings; every role may read the names in the view over it. TRUNCATE
/// fires its triggers although they are FOR EACH STATEMENT.
constexpr const char* kSubscribed = R"(
SELECT string_agg(DISTINCT s.subname, ', '),
       (SELECT string_agg(pg_catalog.format('ENABLE ALWAYS TRIGGER %I', g.tgname), ', ' ORDER BY g.tgname)
        FROM pg_catalog.pg_trigger g
        WHERE g.tgrelid = v.source AND g.tgenabled = 'O' AND (g.tgtype & 1 = 1 OR g.tgtype & 32 = 32)
          AND {}),
       EXISTS (SELECT FROM pg_catalog.pg_trigger g
               WHERE g.tgrelid = v.source AND g.tgname = 'embedd_insert_' || v.id AND g.tgtype & 1 = 0)
FROM embedd.vectorizers v
JOIN pg_catalog.pg_subscription_rel r ON r.srrelid = v.source
  OR r.srrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(v.source))
JOIN pg_catalog.pg_stat_subscription s ON s.subid = r.srsubid
WHERE v.id = $1
GROUP BY v.id, v.source)";

}  // namespace

Result<std::optional<std::string>> subscription_note(pg::Connection& db, const VectorizerInfo& vectorizer) {
  auto found = TRY(db.exec(fmt::format(kSubscribed, is_our_trigger_sql()), {std::to_string(vectorizer.id)}));
  if (found.empty() || found.is_null(0, 1)) return std::optional<std::string>();
  const std::string table = pg::quote_qualified(vectorizer.source_schema, vectorizer.source_table);
  std::string note = fmt::format(
      "{0} is written by logical replication (subscription {1}), for which triggers do not fire: what it "
      "changes is "
      "found by the next walk. To have it captured at once, run: ALTER TABLE {0} {2}",
      table, found.text(0, 0), found.text(0, 1));
  if (found.flag(0, 2)) note += "; rows that it inserts are found by the walk all the same";
  return note;
}

}  // namespace embedd::schema
