/// The score of a vectorizer's searches: an expression of its owner over `similarity` and the row's columns,
/// as a function, embedd.score_<id>(similarity, …). See schema/row_expression.h.
#pragma once

#include <string>
#include <string_view>

#include "core/job.h"
#include "pg/connection.h"
#include "schema/source_table.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// Makes the function and stores the expression with its columns and their types; `expression` empty:
/// searches have no score of their own any more. Tries the expression on the table's first rows with the
/// similarities -1, 0 and 1. Must run inside a transaction. Error: invalid_argument with PostgreSQL's own
/// reason.
Result<void> store_score(pg::Connection& db, VectorizerId id, const SourceTable& table,
                         const std::string& expression);

/// Sets the score of a vectorizer in use; `expression` none: removes it. Errors: those of store_score(), and
/// misconfigured if the current role did not create the vectorizer.
Result<void> set_score(pg::Connection& db, std::string_view vectorizer, const std::string& expression);

/// The call of the function over alias `t`; `similarity` is SQL of type float8. NULL where the result is not
/// finite. Only if the vectorizer has a score.
std::string score_call(const VectorizerInfo& info, std::string_view similarity);

/// The function's name, such as embedd.score_7.
std::string score_function(VectorizerId id);

}  // namespace embedd::schema
