#include "app/search_failure.h"

#include <fmt/format.h>

#include <utility>

namespace embedd::app {

SearchFailure failure_of(Error error) {
  const char* code = "internal";
  if (error.kind == ErrorKind::invalid_argument) code = "invalid_request";
  if (error.kind == ErrorKind::canceled) code = "deadline";
  if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::in_doubt ||
      error.kind == ErrorKind::conflict || error.kind == ErrorKind::unauthenticated)
    code = "unavailable";
  return {code, std::move(error)};
}

bool is_outdated(const Error& error, const std::string& sqlstate, bool fresh) {
  if (sqlstate.empty())
    return (error.kind == ErrorKind::invalid_argument || error.kind == ErrorKind::misconfigured) && !fresh;
  return (sqlstate.starts_with("42") && sqlstate != "42501") || sqlstate == "0A000" || sqlstate == "26000";
}

SearchFailure invalid(std::string message) {
  return {"invalid_request", {ErrorKind::invalid_argument, std::move(message)}};
}

SearchFailure no_vectorizer(std::string_view name) {
  return {"not_found",
          {ErrorKind::invalid_argument,
           fmt::format("there is no vectorizer '{}': see the list of vectorizers", name)}};
}

bool is_refused(const Error& error, const pg::OneTrip& trip) {
  return !trip.broken() && !trip.last_sqlstate().empty() && error.kind != ErrorKind::canceled &&
         error.kind != ErrorKind::conflict && error.kind != ErrorKind::unavailable;
}

Degraded without_score(std::string_view vectorizer, std::string_view sqlstate) {
  return {
      "score", "score_failed",
      fmt::format("the score of {0} failed (SQLSTATE {1}), so the hits are ordered without the score; its "
                  "owner can set another: embedd vectorizer score {0} EXPRESSION",
                  vectorizer, sqlstate)};
}

bool is_same_model(const schema::VectorizerInfo& a, const schema::VectorizerInfo& b) {
  return a.endpoint == b.endpoint && a.model == b.model && a.dimensions == b.dimensions &&
         a.send_dimensions == b.send_dimensions;
}

double ms_since(Instant begin) { return 1000 * to_seconds(std::chrono::steady_clock::now() - begin); }

}  // namespace embedd::app
