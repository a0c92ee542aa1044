/// The switch to a successor: one short transaction, in which the two vectorizers exchange their names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct SwitchOptions {
  bool back = false;        ///< to the vectorizer that was replaced, which is still kept true
  bool incomplete = false;  ///< even if rows that have a vector now would have none
};

struct Switched {
  VectorizerInfo now;               ///< the one that has the name now
  VectorizerInfo before;            ///< the one that had the name before
  std::int64_t missing = 0;         ///< rows that had a vector before and wait for one now; at most 1001
  std::vector<std::string> remade;  ///< views that now read the new vectors
  milliseconds locked{0};           ///< how long the table was locked in all
};

/// Renames columns or tables, so that the successor's vectors and those of the vectorizer in use exchange
/// their names. Both vectorizers are kept true afterwards. Makes the views that read the vectors again, and
/// grants privileges again. Errors: invalid_argument (there is no successor; something other than a view
/// depends on the column), conflict (the successor is not complete, lacks its index, or the table stayed
/// busy), misconfigured (privileges).
Result<Switched> switch_vectorizer(pg::Connection& db, std::string_view name, const SwitchOptions& options);

}  // namespace embedd::schema
