/// Notes that commands print on stderr beside their result.
#pragma once

#include <string_view>

#include "app/vectorizer.h"

namespace embedd::cli {

/// Notes that the endpoint is unknown here, has no key, or finds words and not meaning.
void note_endpoint(const app::Settings& settings, std::string_view endpoint);

/// Notes what the built-in model cannot do.
void note_local_model();

/// Notes what happens to vectors that the column had before, and the cost; prints nothing if there are none.
void note_existing(const schema::VectorizerInfo& info, const app::Existing& existing);

/// Notes which privileges the workers' roles still lack, and what to run next.
void note_next_steps(const app::CreatedVectorizer& created);

}  // namespace embedd::cli
