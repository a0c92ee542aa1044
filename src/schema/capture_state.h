/// Whether a vectorizer's changes are still captured as they were when it was created: tables are dropped,
/// restored and altered, and their owners add triggers of their own. What `embedd status` and `embedd check`
/// say about it.
#pragma once

#include <optional>
#include <string>

#include "schema/vectorizers.h"

namespace embedd::schema {

/// Each with what to do about it.
struct CaptureState {
  std::optional<std::string> problem;  ///< nothing is captured or embedded until it is mended
  std::optional<std::string> note;     ///< some changes are found by the next walk only
};

/// Reads the catalog only; needs no privilege on the table or its schema.
Result<CaptureState> capture_state(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
