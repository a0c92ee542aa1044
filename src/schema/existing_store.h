/// A store that exists before its vectorizer: a table of chunks in the layout of docs/chunks.md, which pgai's
/// vectorizers make too.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/adoption.h"

namespace embedd::schema {

/// Whether a worker can keep its chunks in the table `store.table`, which exists: its columns, their types, a
/// unique index, an owner who lets it be altered. Fills in the type of its vectors, and what to alter.
/// Errors: invalid_argument, misconfigured, with what to do next.
Result<void> check_existing_store(pg::Connection& db, const VectorizerSpec& spec, const SourceTable& source,
                                  const std::vector<std::string>& key, CapturePlan::Store& store);

/// Writes down which rows' chunks are trusted: those that are all there, numbered from 0 without a gap, of
/// the vectorizer's model as far as a column model_id says so, and not named by `spec.predecessor`. Within
/// the creating transaction; the ledger must exist, and triggers need not: a walk finds what is written
/// meanwhile.
Result<ExistingVectors> take_stock_of_store(pg::Connection& db, const VectorizerSpec& spec,
                                            const Declaration& declared, const VectorizerInfo& info);

/// A condition, which begins with AND: no table of `spec.predecessor` names the row's key. `key_of`: the
/// expression of a column, by its number from 1.
std::string and_not_waiting(const VectorizerSpec& spec, const std::vector<std::string>& key,
                            const std::function<std::string(std::size_t)>& key_of);

}  // namespace embedd::schema
