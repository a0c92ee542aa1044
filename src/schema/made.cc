#include "schema/made.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace embedd::schema {
namespace {

/// In the order of Made::Kind.
constexpr std::string_view kKinds[] = {"table",         "rows",           "view",     "column",
                                       "renamed table", "renamed column", "extension"};

std::string word(Made::Kind kind) { return std::string(kKinds[static_cast<std::size_t>(kind)]); }

Made::Kind kind_of(std::string_view word) {
  const auto* found = std::ranges::find(kKinds, word);
  CHECK(found != std::end(kKinds), "a kind of embedd.made: {}", word);
  return static_cast<Made::Kind>(found - std::begin(kKinds));
}

}  // namespace

Result<void> record_made(pg::Connection& db, Made::Kind kind, std::string_view object,
                         std::string_view name) {
  TRY(
      db.exec("INSERT INTO embedd.made (kind, object, name) VALUES ($1, "
              "pg_catalog.to_regclass(nullif($2::text, '')), $3)",
              {word(kind), std::string(object), std::string(name)}));
  return {};
}

Result<void> record_renamed(pg::Connection& db, Made::Kind kind, std::string_view object,
                            std::string_view from, std::string_view to) {
  const std::string renamed = "renamed " + word(kind);
  const std::string table(object);
  const auto known = TRY(
      db.exec("UPDATE embedd.made SET name = $4 WHERE object = pg_catalog.to_regclass($3) AND name = $5 AND "
              "kind IN ($1, $2) RETURNING id",
              {word(kind), renamed, table, std::string(to), std::string(from)}));
  if (known.empty())
    TRY(
        db.exec("INSERT INTO embedd.made (kind, object, name, former) VALUES ($1, "
                "pg_catalog.to_regclass($2), $3, $4)",
                {renamed, table, std::string(to), std::string(from)}));
  TRY(
      db.exec("DELETE FROM embedd.made WHERE kind = $1 AND object = pg_catalog.to_regclass($2) AND name = "
              "former",
              {renamed, table}));
  return {};
}

Result<void> forget_made_column(pg::Connection& db, std::string_view table, std::string_view column) {
  TRY(db.exec(R"(
WITH gone AS (DELETE FROM embedd.made WHERE object = pg_catalog.to_regclass($1) AND name = $2
                AND kind IN ('column', 'renamed column') RETURNING former)
DELETE FROM embedd.made m USING gone
WHERE m.object = pg_catalog.to_regclass($1) AND m.kind = 'column' AND m.name = gone.former)",
              {std::string(table), std::string(column)}));
  return {};
}

Result<void> forget_made_table(pg::Connection& db, std::string_view table) {
  TRY(db.exec(R"(
WITH gone AS (DELETE FROM embedd.made WHERE object = pg_catalog.to_regclass($1) RETURNING kind, former)
DELETE FROM embedd.made m USING gone, pg_catalog.pg_class old, pg_catalog.pg_class c
WHERE gone.kind = 'renamed table' AND old.oid = pg_catalog.to_regclass($1) AND c.oid = m.object
  AND c.relnamespace = old.relnamespace AND m.kind = 'table' AND m.name = gone.former)",
              {std::string(table)}));
  return {};
}

Result<std::vector<Made>> list_made(pg::Connection& db) {
  const auto rows = TRY(db.exec(R"(
SELECT m.id, m.kind, CASE WHEN c.oid IS NULL THEN '' ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END, m.name, coalesce(m.former, ''),
       m.kind = 'rows' AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
FROM embedd.made m
JOIN pg_catalog.pg_roles r ON r.rolname = m.made_by
LEFT JOIN pg_catalog.pg_class c ON c.oid = m.object
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE m.kind = 'extension' AND EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = m.name)
   OR pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
      AND CASE WHEN m.kind IN ('column', 'renamed column')
          THEN EXISTS (SELECT FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attname = m.name AND a.attnum = m.number AND NOT a.attisdropped)
          ELSE c.relname = m.name AND c.relkind IN ('r', 'p', 'v') END
ORDER BY m.id DESC)"));
  std::vector<Made> out;
  for (int i = 0; i < rows.size(); ++i) {
    Made made{.kind = kind_of(rows.view(i, 1)),
              .id = rows.integer(i, 0),
              .object = rows.text(i, 2),
              .name = rows.text(i, 3),
              .former = rows.text(i, 4)};
    if (rows.flag(i, 5)) {
      const auto some = TRY(db.exec(fmt::format("SELECT EXISTS (SELECT FROM {})", made.object)));
      made.has_rows = some.flag(0, 0);
    }
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace embedd::schema
