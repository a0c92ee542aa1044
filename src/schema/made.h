/// What embedd has made or renamed outside of its schema: the rows of embedd.made, which uninstall() takes
/// back. Vector indexes and indexes of words are not recorded: their names tell (embedd_7_hnsw,
/// embedd_text_7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace embedd::schema {

struct Made {
  enum class Kind { table, rows, view, column, renamed_table, renamed_column, extension };
  Kind kind = Kind::table;
  std::int64_t id = 0;
  std::string object;            ///< quoted: the table or view; of a column, the column's table
  std::string name;              ///< bare: of the table, the view, the column, the extension
  std::string former;            ///< of what was renamed: the name before
  std::optional<bool> has_rows;  ///< of Kind::rows, if this role may read the table
};

/// These are called in the transaction that makes, renames or drops. `object` is quoted, and exists; it is
/// empty for an extension.
Result<void> record_made(pg::Connection& db, Made::Kind kind, std::string_view object, std::string_view name);

/// `kind`: column or table. `object`: the table, by its new name. An object that embedd has made is known by
/// its new name from now on. Of another one, the name before is remembered, until it is renamed back.
Result<void> record_renamed(pg::Connection& db, Made::Kind kind, std::string_view object,
                            std::string_view from, std::string_view to);

/// Before the column or the table is dropped. If it was the owner's own, and embedd had renamed it, then what
/// has its name now takes its place: it is the owner's.
Result<void> forget_made_column(pg::Connection& db, std::string_view table, std::string_view column);
Result<void> forget_made_table(pg::Connection& db, std::string_view table);

/// What exists and belongs to the role that has made it, the newest first.
Result<std::vector<Made>> list_made(pg::Connection& db);

}  // namespace embedd::schema
