/// What depends on the vectors' column or table by its number, and would go on to mean the old one after a
/// rename.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct DependentView {
  std::string name;        ///< qualified and quoted
  std::string definition;  ///< a statement that makes it again, of whatever has the names then
};

/// Views that read `vectorizer`'s vectors, by name. Error invalid_argument, naming it, if anything else
/// depends on them that cannot be made again.
Result<std::vector<DependentView>> dependent_views(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Statements that give whoever has privileges on `from`'s column or table the same on `to`'s.
Result<std::vector<std::string>> missing_copies_of_grants(pg::Connection& db, const VectorizerInfo& from,
                                                          const VectorizerInfo& to);

}  // namespace embedd::schema
