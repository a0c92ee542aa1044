/// A refusal as RFC 9457 has it: application/problem+json. Pure.
///
///   {"type": "urn:embedd:problem:invalid_request", "title": "Invalid request", "status": 400,
///    "detail": "k: must be a whole number from 1 to 1000",
///    "errors": [{"field": "k", "message": "must be a whole number from 1 to 1000"}]}
#pragma once

#include <string>
#include <string_view>

#include "serve/http_server.h"

namespace embedd::serve {

/// `code`: the last part of the type, a stable word of docs/search.md. `detail` says what to do. If `code` is
/// invalid_request and `detail` begins with a field, `errors` names the field.
HttpReply problem_reply(int status, std::string_view code, std::string_view detail);

/// Turns `reply` into such a refusal, but keeps its route and its vectorizer. Of the route embeddings,
/// `error` says the same in OpenAI's shape.
void refuse(HttpReply& reply, int status, std::string_view code, std::string_view detail);

/// The status for a failure of the search service (app::SearchFailure). `invalid`: of a request that is
/// wrong.
int status_of(std::string_view code, int invalid = 400);

}  // namespace embedd::serve
