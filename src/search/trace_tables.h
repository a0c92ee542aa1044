/// What the traces service has to know of the first user's tables: which of them there are, and which of
/// their columns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pg/connection.h"
#include "schema/source_table.h"
#include "search/subject.h"

namespace embedd::search {

struct TraceTables {
  /// A table beside traces, in the same schema.
  struct Table {
    schema::SourceTable table;
    std::vector<std::string> required;  ///< columns that an INSERT must name
  };
  std::shared_ptr<const Subject> subject;  ///< of the vectorizer of traces
  std::vector<std::string> required;       ///< columns of traces that an INSERT must name
  /// tags and trace_tags; both or none.
  std::optional<Table> tags, links;
  std::optional<Table> relationships;  ///< trace_relationships
  std::optional<Table> users;          ///< if the role may read their display_name

  [[nodiscard]] const schema::SourceTable& traces() const { return subject->source; }
  [[nodiscard]] bool has(std::string_view column) const { return traces().find(column) != nullptr; }
};

/// Reads the catalogue, in one transaction. A table whose columns are not as expected counts as missing.
/// Errors: the connection's; misconfigured if traces has another key than a column id of type uuid, or its
/// vectors are not in a column.
Result<std::shared_ptr<const TraceTables>> load_trace_tables(pg::Connection& db,
                                                             std::shared_ptr<const Subject> subject);

}  // namespace embedd::search
