/// A user's table as the catalog describes it: what `vectorizer create` checks a declaration against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace embedd::pg {

struct SourceColumn {
  std::string name;
  std::string type;       ///< of a domain its base type; qualified, with modifiers: character varying(20)
  std::string type_name;  ///< unqualified, without modifiers: vector
  char category = 0;      ///< pg_type.typcategory: S for strings
  int modifier = -1;      ///< of vector(1536): 1536
  std::string collation;  ///< qualified; empty if the type has none
  bool not_null = false;
  bool generated = false;
};

struct SourceTable {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;
  bool partitioned = false;
  bool by_row = false;  ///< partitioned, a partition or an heir: statements on other tables reach it
  bool has_before_update = false;  ///< some BEFORE UPDATE row trigger may change columns that no UPDATE names
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;  ///< empty if it has none

  [[nodiscard]] const SourceColumn* find(std::string_view column) const;
  [[nodiscard]] std::string quoted() const;
  /// " Did you mean 'title'?", or nothing.
  [[nodiscard]] std::string suggest(std::string_view column) const;
};

/// Resolves `table` as SQL would in this session, then reads the catalog. Must run inside a transaction.
/// Errors: invalid_argument (no such table and the nearest one; a view, foreign or
/// temporary table, or one that others inherit from).
Result<SourceTable> inspect_table(Connection& db, const std::string& table);

/// Whether some valid unique index covers exactly these columns.
Result<bool> is_unique(Connection& db, const SourceTable& table, const std::vector<std::string>& columns);

struct CompiledFilter {
  std::string sql;                   ///< over alias t, fully qualified
  std::vector<std::string> columns;  ///< the row's columns that it reads
};

/// Checks that `where` is a boolean expression over the row's own columns (as of a CHECK constraint: no
/// subqueries, no aggregates) and writes it out qualified, so that it means the same under any search_path.
/// Must run inside a transaction. Error invalid_argument with PostgreSQL's own reason.
Result<CompiledFilter> compile_filter(Connection& db, const SourceTable& table, const std::string& where);

/// Tries `filter` on the table's first rows, under the path that it will run under. Must run inside a
/// transaction. Error invalid_argument with PostgreSQL's own reason, if it fails on one.
Result<void> try_filter(Connection& db, const SourceTable& table, const CompiledFilter& filter,
                        const std::string& where);

}  // namespace embedd::pg
