/// Whether a vectorizer's changes are still captured as at its creation: tables are dropped, restored and
/// altered, and their owners add triggers. `embedd status` and `embedd check` show the result.
#pragma once

#include <optional>
#include <string>

#include "schema/vectorizers.h"

namespace embedd::schema {

/// Each text says what to do.
struct CaptureState {
  std::optional<std::string> problem;  ///< nothing is captured or embedded until this is corrected
  std::optional<std::string> note;     ///< some changes are found only by the next walk
};

/// Reads the catalog only; needs no privilege on the table or its schema.
Result<CaptureState> capture_state(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
