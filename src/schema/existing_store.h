/// A store that exists before its vectorizer: a table of chunks in the layout of docs/chunks.md, which pgai's
/// vectorizers make too.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/adoption.h"

namespace embedd::schema {

/// Checks that a worker can keep chunks in the existing table `store.table`: its columns, their types, a
/// unique index, and whether this role may alter it. Fills in the type of its vectors, and what to alter.
/// Errors: invalid_argument, misconfigured, with what to do next.
Result<void> check_existing_store(pg::Connection& db, const VectorizerSpec& spec, const SourceTable& source,
                                  const std::vector<std::string>& key, CapturePlan::Store& store);

/// Records which rows' chunks are trusted: the chunks are numbered from 0 without a gap, a column model_id
/// (if there is one) names the vectorizer's model, and `spec.predecessor` does not name the row. Within
/// the creating transaction. The ledger must exist, the triggers need not: a walk finds what is written
/// meanwhile.
Result<ExistingVectors> take_stock_of_store(pg::Connection& db, const VectorizerSpec& spec,
                                            const Declaration& declared, const VectorizerInfo& info);

/// A condition that begins with AND: no table of `spec.predecessor` names the row's key. `key_of` returns
/// the expression of a key column, by its number from 1.
std::string and_not_waiting(const VectorizerSpec& spec, const std::vector<std::string>& key,
                            const std::function<std::string(std::size_t)>& key_of);

}  // namespace embedd::schema
