/// What the server answers when a use case fails. Pure.
#pragma once

#include "app/search_failure.h"
#include "serve/http_server.h"

namespace embedd::serve {

/// The refusal that follows from `failure`, with the route and the vectorizer of `reply`. `invalid`: the
/// status of a request that is wrong.
HttpReply failed(HttpReply reply, const app::SearchFailure& failure, int invalid = 400);

}  // namespace embedd::serve
