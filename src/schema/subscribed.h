/// Whether logical replication writes to a vectorizer's table. The apply worker fires only triggers that are
/// ENABLE ALWAYS (or REPLICA), and none that are FOR EACH STATEMENT.
#pragma once

#include <optional>
#include <string>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// The consequence for the vectorizer, and what to do. None if no subscription writes to its table or to one
/// of its partitions, or if the triggers capture all that they can. Reads the catalog only.
Result<std::optional<std::string>> subscription_note(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
