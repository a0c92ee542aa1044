/// One search from beginning to end, for the shell.
#pragma once

#include <string>
#include <string_view>

#include "app/search_service.h"
#include "app/settings.h"
#include "base/error.h"
#include "schema/vectorizers.h"
#include "search/request.h"

namespace embedd::app {

struct SearchResult {
  schema::VectorizerInfo vectorizer;
  SearchAnswer answer;
  std::string waiting;    ///< which rows a search by meaning may have missed; empty: none
  bool by_words = false;  ///< the built-in model finds shared words, not meaning
};

/// What the search service answers to `request`. Errors: invalid_argument (no such vectorizer, its endpoint
/// is not configured here, the request does not fit it), unauthenticated (the vectors alone are searched, and
/// the model has no key), canceled (the deadline), the endpoint's, and the connection's.
Result<SearchResult> search(const Settings& settings, std::string_view vectorizer, search::Request request);

}  // namespace embedd::app
