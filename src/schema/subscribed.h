/// Whether logical replication writes to a vectorizer's table. The apply worker fires only triggers that are
/// ENABLE ALWAYS (or REPLICA), and none that are FOR EACH STATEMENT.
#pragma once

#include <optional>
#include <string>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// The consequence for the vectorizer, and what to do; nothing if no subscription writes to its table or a
/// partition of it, or if all capturable changes are captured. Reads the catalog only.
Result<std::optional<std::string>> subscription_note(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
