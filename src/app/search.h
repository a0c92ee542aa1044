/// Finds the rows nearest in meaning to a query.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "schema/vectorizers.h"
#include "search/search.h"

namespace embedd::app {

struct SearchResult {
  schema::VectorizerInfo vectorizer;
  std::vector<search::SearchHit> hits;  ///< nearest first
  bool by_words = false;                ///< the built-in model finds shared words, not meaning
};

/// Embeds `query` with the vectorizer's model and returns the `limit` (1 to 1000) nearest rows. Errors:
/// invalid_argument (an empty query, no such vectorizer, its endpoint is not configured here),
/// unauthenticated (the model has no key), the endpoint's, and the connection's.
Result<SearchResult> search(const Settings& settings, std::string_view vectorizer, std::string_view query,
                            int limit);

}  // namespace embedd::app
