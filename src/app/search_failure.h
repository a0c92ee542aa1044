/// Why the search service has no answer, and how that follows from an error.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// `code` is a stable word: not_found, invalid_request, deadline, unavailable, internal, or the reason why
/// there is no vector (NoVector).
struct SearchFailure {
  std::string code;
  Error error;
};

/// The failure that follows from an error of the database, or of a request that does not fit its table.
SearchFailure failure_of(Error error);
SearchFailure invalid(std::string message);
/// Whether what is known of the table may be outdated: the server refused a name, or a name is not known
/// here. `sqlstate`: the server's, if it refused a statement. `fresh`: what is known was read for this
/// request.
bool is_outdated(const Error& error, const std::string& sqlstate, bool fresh);
SearchFailure no_vectorizer(std::string_view name);

/// Whether vectors of the two vectorizers can be compared.
bool is_same_model(const schema::VectorizerInfo& a, const schema::VectorizerInfo& b);

double ms_since(Instant begin);

}  // namespace embedd::app
