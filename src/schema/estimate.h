/// Reads the texts that a vectorizer still has to embed, without changing or locking anything.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// Calls `use` with the text of every covered, non-empty row that waits in the queue, or whose vector is not
/// proven to belong to the text. The text is cut as a worker would cut it. Dead letters do not wait. Uses one
/// cursor in one read-only transaction, and memory for a page of rows. `embedded_before`: something of the
/// row is stored. Errors: the connection's.
using UseText = std::function<void(std::string_view text, bool embedded_before)>;
Result<void> for_each_waiting_text(pg::Connection& db, const VectorizerInfo& vectorizer, const UseText& use);

/// Whether chunks were bought for rows of a store that still wait for others.
Result<bool> has_bought_chunks(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
