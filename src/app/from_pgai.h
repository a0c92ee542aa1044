/// Takes over what pgai's vectorizers keep: their stores and columns, with the vectors that are there.
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
  bool remove = false;   ///< end pgai's vectorizers that are taken over
};

/// What becomes of one of pgai's vectorizers.
struct FromPgai {
  enum class Outcome {
    planned,   ///< with dry_run
    created,   ///< taken over
    there,     ///< taken over before
    no_match,  ///< something of it has no counterpart here; `obstacle` says what
    failed,    ///< `obstacle` says why
  };
  schema::PgaiVectorizer pgai;
  schema::VectorizerSpec spec;     ///< of ours; meaningless without a counterpart
  std::vector<std::string> notes;  ///< settings that have no counterpart, and what to configure
  std::string obstacle;
  Outcome outcome = Outcome::planned;
  bool removed = false;  ///< it has been removed from pgai
  std::optional<CreatedVectorizer> created;
};

/// What our declaration of pgai's vectorizer is. Pure.
FromPgai plan_for(const Settings& settings, const schema::PgaiVectorizer& pgai);

/// Takes over each vectorizer in a transaction of its own; one that fails stops no other. Errors, before
/// anything is changed: schema::read_pgai()'s; invalid_argument if one is enabled and not to be removed,
/// because pgai's worker and embedd's would both buy each row.
Result<std::vector<FromPgai>> take_over_from_pgai(const Settings& settings, const FromPgaiRequest& request);

}  // namespace embedd::app
