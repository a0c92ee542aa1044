/// What a person does after declaring a vectorizer.
#pragma once

#include "cli/context.h"
#include "pg/connection.h"
#include "pg/vectorizers.h"

namespace embedd::cli {

/// Says on stderr what the workers' roles lack by now, and what to run next. Whatever cannot be found out is
/// left out: the vectorizer is there.
void note_next_steps(pg::Connection& db, const pg::VectorizerInfo& info);

}  // namespace embedd::cli
