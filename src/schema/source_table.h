/// A user's table as the catalog describes it: what `vectorizer create` checks a declaration against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace embedd::schema {

struct SourceColumn {
  std::string name;
  std::string type;       ///< of a domain, its base type; qualified, with modifiers: character varying(20)
  std::string type_name;  ///< unqualified, without modifiers: vector
  std::string base_type;  ///< `type` without modifiers: bpchar
  std::string own_type;   ///< as declared: a domain stays one; qualified, no modifiers: pg_catalog.int8
  char kind = 'b';        ///< pg_type.typtype: b a base type, c a composite, e an enum, r a range
  bool foreign = false;   ///< the type, or the type of its elements, is not PostgreSQL's own
  bool named_object = false;  ///< regclass and similar types, whose text depends on the session's path
  char category = 0;          ///< pg_type.typcategory: S for strings
  int modifier = -1;          ///< such as 1536 of vector(1536)
  std::string collation;      ///< qualified; empty if the type has none
  bool not_null = false;
  bool generated = false;
  bool is_virtual = false;  ///< generated, and computed when it is read: triggers see NULL
};

struct SourceTable {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;
  bool partitioned = false;
  bool by_row = false;  ///< partitioned, a partition, or inheriting: statements on other tables reach it
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;  ///< empty if there is none

  [[nodiscard]] const SourceColumn* find(std::string_view column) const;
  [[nodiscard]] std::string quoted() const;
  /// " Did you mean 'title'?", or nothing.
  [[nodiscard]] std::string suggest(std::string_view column) const;
};

/// Finds `table` as SQL would in this session, then reads the catalog. Must run inside a transaction.
/// Error: invalid_argument, with what to do instead (no such table, with the nearest name; a view, foreign or
/// temporary table, or a table from which others inherit).
Result<SourceTable> inspect_table(pg::Connection& db, const std::string& table);

/// SQL for the number of dimensions of the vector in `column` of the row `alias`.
std::string dimensions_of(const SourceColumn& column, std::string_view alias);

/// When an index notices a second row.
enum class Unique { at_some_time, at_once };

/// Whether some valid unique index covers exactly these columns.
Result<bool> is_unique(pg::Connection& db, const SourceTable& table, const std::vector<std::string>& columns,
                       Unique when = Unique::at_some_time);

/// Runs `body` under a search_path with which PostgreSQL writes every name in full, and looks none up.
template <typename Body>
auto with_search_path(pg::Connection& db, const std::string& path, Body&& body) -> decltype(body()) {
  const std::string set = "SELECT pg_catalog.set_config('search_path', $1, true)";
  auto before = db.exec("SELECT pg_catalog.current_setting('search_path')");
  if (!before) return std::unexpected(before.error());
  if (auto emptied = db.exec(set, {path}); !emptied) return std::unexpected(emptied.error());
  auto result = body();
  if (!result) return result;
  if (auto restored = db.exec(set, {before->text(0, 0)}); !restored) return std::unexpected(restored.error());
  return result;
}

}  // namespace embedd::schema
