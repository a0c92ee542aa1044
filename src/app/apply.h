/// Makes the vectorizers of a database those of a file: plans what that takes, and does it.
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "schema/declared.h"

namespace embedd::app {

struct PlannedChange {
  enum class Kind {
    create,
    set,        ///< changed in place, at once
    successor,  ///< the owner runs `command`, which buys vectors
    replace,    ///< the owner drops the vectorizer and applies again: it cannot be changed
    drop,
    leave,  ///< it is not in the file, and stays
  };
  Kind kind = Kind::create;
  std::string vectorizer;
  std::vector<std::string> keys;  ///< of the file, that differ
  std::string command;            ///< what the owner has to run, if anything
  schema::DeclaredVectorizer wanted;
};

struct ApplyRequest {
  std::vector<schema::DeclaredVectorizer> wanted;
  bool prune = false;  ///< drop vectorizers that are not wanted
};

/// What apply() would do. Empty: nothing. Changes nothing. Errors: invalid_argument (a wrong word, a name
/// twice), the connection's.
Result<std::vector<PlannedChange>> plan_apply(const Settings& settings, const ApplyRequest& request);

/// Creates, sets and drops; leaves successors and replacements to the owner. Stops at the first error; after
/// it is mended, another call goes on. Errors: those of the single commands, after the vectorizer's name.
Result<void> apply(const Settings& settings, const std::vector<PlannedChange>& plan);

}  // namespace embedd::app
