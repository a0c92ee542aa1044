/// The texts that a vectorizer would still have to embed, read without changing or locking anything.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// Calls `use` with the text of every covered, non-empty row that waits in the queue, or has no vector that
/// is proven to be of it, cut as a worker would cut it; dead letters do not wait. One cursor in one read-only
/// transaction; memory for a page of rows. Errors: the connection's.
Result<void> for_each_waiting_text(pg::Connection& db, const VectorizerInfo& vectorizer,
                                   const std::function<void(std::string_view text)>& use);

}  // namespace embedd::schema
