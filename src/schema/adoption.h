/// The vectors that a column has before its vectorizer is created: which of them are known to belong to their
/// row's text, and which rows are embedded again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/job.h"
#include "schema/declaration.h"

namespace embedd::schema {

struct ExistingVectors {
  bool counted = false;      ///< false: the role may not read the column, or the filter fails on some row
  std::int64_t rows = 0;     ///< covered rows with a text and a vector
  std::int64_t proven = 0;   ///< of these, rows that cost nothing: adopted, or proven by a former declaration
  std::int64_t adopted = 0;  ///< of these, rows adopted because of `adopt_existing`
  std::string recalled;      ///< the former vectorizer whose proofs were taken over; empty: none
  std::vector<std::string> sample;  ///< texts of some of these rows, to estimate the cost
};

struct Declared {
  VectorizerInfo info;
  ExistingVectors existing;
  std::vector<std::string> notes;  ///< facts to know before relying on the vectorizer
};

/// create_vectorizer(), with what it found about the column's vectors.
Result<Declared> declare_vectorizer(pg::Connection& db, const VectorizerSpec& spec);
/// The same within the caller's transaction, which should have a short lock_timeout.
Result<Declared> declare_in_transaction(pg::Connection& db, const VectorizerSpec& spec);

/// Takes over the proofs of the same declaration that was dropped before, and deletes those of any other
/// declaration for this column. Then adopts the vectors that the spec asks for, and counts. The vectorizer's
/// row and ledger must exist, its triggers need not. Within the creating transaction.
Result<ExistingVectors> take_stock(pg::Connection& db, const VectorizerSpec& spec,
                                   const Declaration& declared, const VectorizerInfo& info);

/// Keeps the proofs of the vectorizer's ledger, which then outlives the vectorizer. False if the ledger
/// proves nothing.
Result<bool> keep_proofs(pg::Connection& db, VectorizerId id);

}  // namespace embedd::schema
