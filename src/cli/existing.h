/// Vectors that a column had before its vectorizer was created, as JSON.
#pragma once

#include "app/vectorizer.h"
#include "base/json.h"

namespace embedd::cli {

/// Writes the member `existing_vectors`; null if the vectors were not counted.
void write_existing(JsonWriter& json, const app::Existing& existing);

}  // namespace embedd::cli
