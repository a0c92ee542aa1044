/// The SQL of one vectorizer's queue, ledger and change capture. Pure: text in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ports.h"

namespace embedd::pg {

/// What the generated SQL needs to know.
struct CapturePlan {
  VectorizerId id = 0;
  std::string source;       ///< "schema"."table"
  bool by_row = false;      ///< capture inserts and deletes by row: statements on parents and partitions too
  bool any_update = false;  ///< watch every UPDATE, not only those that name a watched column
  std::vector<std::string> key_columns;
  std::vector<std::string> key_types;       ///< of k1..kn, base types
  std::vector<std::string> key_collations;  ///< of k1..kn, qualified; empty where the type has none
  std::vector<std::string> watched;         ///< columns of the template and the filter
  std::string empty_sql;                    ///< over alias t: there is nothing to embed
  std::optional<std::string> filter_sql;    ///< over alias t
  std::string key_json_sql;                 ///< over alias q
  std::string vector_type;                  ///< qualified type of a kept vector
};

/// Statements that make the queue and the ledger table.
std::vector<std::string> queue_ddl(const CapturePlan& plan);

/// Statements that make the trigger functions and the triggers.
std::vector<std::string> capture_ddl(const CapturePlan& plan);

/// Statements that remove what the other two made. `source` is empty if the table is gone.
std::vector<std::string> drop_ddl(VectorizerId id, const std::string& source);

}  // namespace embedd::pg
