/// Whether logical replication writes to a vectorizer's table. The apply worker fires no trigger that is not
/// ENABLE ALWAYS (or REPLICA), and none that is FOR EACH STATEMENT.
#pragma once

#include <optional>
#include <string>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// What that means for the vectorizer and what to do; nothing if no subscription writes to its table or a
/// partition of it, or if all that can be captured is. Reads the catalog only.
Result<std::optional<std::string>> subscription_note(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
