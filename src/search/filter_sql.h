/// A filter as SQL over the source's row, with its values as parameters.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pg/connection.h"
#include "schema/source_table.h"
#include "search/request.h"

namespace embedd::search {

/// The parameters of one statement.
class Binder {
 public:
  /// "$3"
  std::string bind(std::string value) {
    params_.emplace_back(std::move(value));
    return "$" + std::to_string(params_.size());
  }
  [[nodiscard]] std::vector<pg::Param> take() && { return std::move(params_); }

 private:
  std::vector<pg::Param> params_;
};

/// `filter` as SQL over `alias`. Only names of `table`'s columns and `filter`'s shape reach the text; every
/// value is a parameter of the column's type. Errors: invalid_argument, which names the field (no such
/// column, a value or an operator that does not fit the column's type).
Result<std::string> filter_sql(const Filter& filter, const schema::SourceTable& table, Binder& binder,
                               std::string_view alias = "t");

/// The filter of a client's token, as a condition that goes on: " AND (…)". `vectorizer`: its name, for the
/// error: misconfigured, if the filter does not fit the table.
Result<std::string> mandatory_sql(const Filter& filter, const schema::SourceTable& table,
                                  std::string_view vectorizer, Binder& binder);

/// Whether `key`, as read_key() reads one, has exactly these columns. Errors: invalid_argument, which names
/// the field.
Result<void> check_key(const Filter& key, const std::vector<std::string>& columns);

}  // namespace embedd::search
