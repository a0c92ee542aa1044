/// The switch to a successor: one short transaction, after which every name is what it was.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct SwitchOptions {
  bool back = false;        ///< to what was replaced, which has been kept true meanwhile
  bool incomplete = false;  ///< although rows lack a vector that they have now
};

struct Switched {
  VectorizerInfo now;               ///< under the name
  VectorizerInfo before;            ///< under its other name
  std::int64_t missing = 0;         ///< rows that had a vector before and wait for one now; at most 1001
  std::vector<std::string> remade;  ///< views that read the vectors, and read the new ones now
  milliseconds locked{0};           ///< how long the table was locked, all told
};

/// Renames columns or tables so that the successor's vectors have the living one's name, and the other way
/// round. Both go on to be kept true. Views that read the vectors are made again; privileges are granted
/// again. Errors: invalid_argument (there is no successor; something other than a view depends on the
/// column), conflict (the successor is not complete, lacks its index, or the table stayed busy),
/// misconfigured (privileges).
Result<Switched> switch_vectorizer(pg::Connection& db, std::string_view name, const SwitchOptions& options);

}  // namespace embedd::schema
