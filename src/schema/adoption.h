/// The vectors that a column holds before its vectorizer is created: which of them are known to be of their
/// row's text, and which are to be embedded anew.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/job.h"
#include "schema/declaration.h"

namespace embedd::schema {

struct ExistingVectors {
  bool counted = false;      ///< false: the role may not read the column, or the filter fails on some row
  std::int64_t rows = 0;     ///< covered, with a text and a vector
  std::int64_t proven = 0;   ///< of these, that cost nothing: adopted, or proven by a former declaration
  std::int64_t adopted = 0;  ///< of these, because `adopt_existing` asked for it
  std::string recalled;      ///< the former vectorizer whose proofs were taken over; empty: none
  std::vector<std::string> sample;  ///< texts of some of these rows, to estimate a cost by
};

struct Declared {
  VectorizerInfo info;
  ExistingVectors existing;
  std::vector<std::string> remarks;  ///< worth knowing before counting on it
};

/// create_vectorizer(), with what it found.
Result<Declared> declare_vectorizer(pg::Connection& db, const VectorizerSpec& spec);

/// Takes over the proofs of the same declaration, dropped before, and forgets those of any other one of this
/// column; then adopts what the spec asks for, and counts. The vectorizer's row and ledger must be there, its
/// triggers need not. Within the creating transaction.
Result<ExistingVectors> take_stock(pg::Connection& db, const VectorizerSpec& spec,
                                   const Declaration& declared, const VectorizerInfo& info);

/// Remembers what the vectorizer's ledger proves, which then outlives it. False if it proves nothing.
Result<bool> keep_proofs(pg::Connection& db, VectorizerId id);

}  // namespace embedd::schema
