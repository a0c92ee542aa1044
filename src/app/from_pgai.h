/// Takes over the stores and columns of pgai's vectorizers, with their vectors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "app/vectorizer.h"
#include "base/error.h"
#include "schema/pgai.h"

namespace embedd::app {

struct FromPgaiRequest {
  bool dry_run = false;  ///< change nothing
  bool remove = false;   ///< drop pgai's vectorizers that are taken over
};

/// What happens to one of pgai's vectorizers.
struct FromPgai {
  enum class Outcome {
    planned,   ///< with dry_run
    created,   ///< taken over
    there,     ///< taken over before
    no_match,  ///< one of its settings has no counterpart here; `obstacle` says which
    failed,    ///< `obstacle` says why
  };
  schema::PgaiVectorizer pgai;
  schema::VectorizerSpec spec;     ///< of embedd's vectorizer; meaningless with no_match
  std::vector<std::string> notes;  ///< settings that have no counterpart, and what to configure
  std::string obstacle;
  Outcome outcome = Outcome::planned;
  bool removed = false;  ///< it has been removed from pgai
  std::optional<CreatedVectorizer> created;
};

/// Translates the declaration of one of pgai's vectorizers. Pure.
FromPgai plan_for(const Settings& settings, const schema::PgaiVectorizer& pgai);

/// Takes over each vectorizer in a transaction of its own; a failure does not stop the others. Errors, before
/// anything is changed: schema::read_pgai()'s; invalid_argument if a vectorizer is enabled and is not to be
/// removed, because pgai's worker and embedd's would both buy each row.
Result<std::vector<FromPgai>> take_over_from_pgai(const Settings& settings, const FromPgaiRequest& request);

}  // namespace embedd::app
