/// Declarations as `embedd export` writes them and `embedd apply` reads them: all of a vectorizer that its
/// owner chooses.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct DeclaredVectorizer {
  VectorizerSpec spec;      ///< `table` and `store` are quoted where SQL needs it, and have their schema
  std::string text_search;  ///< a text search configuration; empty: searches use vectors only
  bool paused = false;
  BudgetChange budget;  ///< what a file says of it; a limit that is not named stays. As it is: spec.budget
};

/// The declarations in the database, by name, without successors and what they have replaced.
Result<std::vector<DeclaredVectorizer>> list_declared(pg::Connection& db);

/// What differs, as keys of the file: "text", "where". Only what `wanted` says counts: an empty key, model or
/// number of dimensions says nothing, nor does an absent view. Errors: the connection's.
Result<std::vector<std::string>> differences(pg::Connection& db, const DeclaredVectorizer& wanted,
                                             const DeclaredVectorizer& there);

}  // namespace embedd::schema
