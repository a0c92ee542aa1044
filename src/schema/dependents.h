/// Objects that depend on the vectors' column or table by its number: after a rename they still refer to the
/// old column or table.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct DependentView {
  std::string name;        ///< qualified and quoted
  std::string definition;  ///< a statement that makes it again, with the names' new meaning
};

/// Views that read `vectorizer`'s vectors, by name. Error: invalid_argument if another object depends on the
/// vectors and cannot be made again; the message names the object.
Result<std::vector<DependentView>> dependent_views(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Statements that grant on `to`'s column or table the privileges that roles have on `from`'s.
Result<std::vector<std::string>> missing_copies_of_grants(pg::Connection& db, const VectorizerInfo& from,
                                                          const VectorizerInfo& to);

}  // namespace embedd::schema
