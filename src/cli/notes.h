/// What commands say on stderr beside their result.
#pragma once

#include <string_view>

#include "app/vectorizer.h"

namespace embedd::cli {

/// Says that the endpoint is unknown here, has no key, or finds words and not meaning.
void note_endpoint(const app::Settings& settings, std::string_view endpoint);

/// Says what the built-in model cannot do.
void note_local_model();

/// What becomes of vectors that the column held before, and what that costs; nothing if there are none.
void note_existing(const schema::VectorizerInfo& info, const app::Existing& existing);

/// What the workers' roles lack by now, and what to run next.
void note_next_steps(const app::CreatedVectorizer& created);

}  // namespace embedd::cli
