/// Why the search service has no answer, and how that follows from an error.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/one_trip.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// `code` is a stable word: not_found, invalid_request, deadline, unavailable, internal, or the reason why
/// there is no vector (NoVector).
struct SearchFailure {
  std::string code;
  Error error;
  bool no_vector = false;  ///< the query has none: its model is at fault, not the database
};

/// What an answer lacks: the part of the search, a stable word for the reason, and a sentence for people.
struct Degraded {
  std::string leg, reason, message;
};

/// The failure that follows from an error of the database, or of a request that does not fit its table.
SearchFailure failure_of(Error error);
SearchFailure invalid(std::string message);
/// Whether what is known of the table may be outdated: the server refused a name, or a name is not known
/// here. `sqlstate`: the server's, if it refused a statement. `fresh`: what is known was read for this
/// request.
bool is_outdated(const Error& error, const std::string& sqlstate, bool fresh);
SearchFailure no_vectorizer(std::string_view name);

/// Whether the database refused the statement, and would refuse it again.
bool is_refused(const Error& error, const pg::OneTrip& trip);
/// The note of an answer whose hits are ordered without the vectorizer's score. `sqlstate`: why.
Degraded without_score(std::string_view vectorizer, std::string_view sqlstate);

/// Whether vectors of the two vectorizers can be compared.
bool is_same_model(const schema::VectorizerInfo& a, const schema::VectorizerInfo& b);

double ms_since(Instant begin);

}  // namespace embedd::app
