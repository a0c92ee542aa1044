/// What the triggers of a vectorizer depend on, from its declaration or from the vectorizer itself.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/declaration.h"
#include "schema/sql_text.h"
#include "schema/triggers.h"

namespace embedd::schema {

/// The columns' types, qualified; of a domain, the domain.
std::vector<std::string> own_types(const SourceTable& source, const std::vector<std::string>& names);

TextTypes text_types(const SourceTable& source);

/// The plan without the id. Call within a transaction: grants kCaptureRole the privileges that it needs, if
/// this role may.
Result<CapturePlan> plan_for(pg::Connection& db, const Declaration& declared);

/// The same for a vectorizer that exists, by the names that its tables and columns have now.
Result<CapturePlan> plan_of(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
