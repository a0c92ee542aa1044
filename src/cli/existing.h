/// What `create` says of vectors that the column held before: what becomes of them, and what that costs.
#pragma once

#include "base/json.h"
#include "cli/config.h"
#include "pg/adoption.h"

namespace embedd::cli {

/// On stderr; nothing if there are none.
void note_existing(const Config& config, const pg::VectorizerInfo& info, const pg::ExistingVectors& existing);

/// As the member `existing_vectors`; null if they were not counted.
void write_existing(JsonWriter& json, const Config& config, const pg::VectorizerInfo& info,
                    const pg::ExistingVectors& existing);

}  // namespace embedd::cli
