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
  std::string type;       ///< of a domain its base type; qualified, with modifiers: character varying(20)
  std::string type_name;  ///< unqualified, without modifiers: vector
  std::string base_type;  ///< the same as `type`, without modifiers: bpchar
  std::string own_type;   ///< as declared, a domain stays one; qualified, without modifiers: pg_catalog.int8
  char kind = 'b';        ///< pg_type.typtype: b a base type, c a composite, e an enum, r a range
  bool foreign = false;   ///< its type, or its elements' type, is not PostgreSQL's own
  bool named_object = false;  ///< regclass and its like, whose text depends on the session's path
  char category = 0;          ///< pg_type.typcategory: S for strings
  int modifier = -1;          ///< of vector(1536): 1536
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
  bool by_row = false;  ///< partitioned, a partition or an heir: statements on other tables reach it
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;  ///< empty if it has none

  [[nodiscard]] const SourceColumn* find(std::string_view column) const;
  [[nodiscard]] std::string quoted() const;
  /// " Did you mean 'title'?", or nothing.
  [[nodiscard]] std::string suggest(std::string_view column) const;
};

/// Resolves `table` as SQL would in this session, then reads the catalog. Must run inside a transaction.
/// Errors: invalid_argument, with what to do instead (no such table and the nearest one; a view, a foreign or
/// temporary table, or one that others inherit from).
Result<SourceTable> inspect_table(pg::Connection& db, const std::string& table);

/// SQL: how many dimensions the vector in `column` of the row `alias` has.
std::string dimensions_of(const SourceColumn& column, std::string_view alias);

/// Whether some valid unique index covers exactly these columns.
Result<bool> is_unique(pg::Connection& db, const SourceTable& table, const std::vector<std::string>& columns);

/// What a CREATE of embedd's runs under, so that PostgreSQL writes every name out, and none is looked up.
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
