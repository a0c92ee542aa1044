/// Vectors that a column held before its vectorizer was created, as JSON.
#pragma once

#include "app/vectorizer.h"
#include "base/json.h"

namespace embedd::cli {

/// As the member `existing_vectors`; null if they were not counted.
void write_existing(JsonWriter& json, const app::Existing& existing);

}  // namespace embedd::cli
