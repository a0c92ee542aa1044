/// Changes a vectorizer that is in use: declares a successor, compares, switches and verifies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/vectorizer.h"
#include "schema/successor.h"

namespace embedd::app {

/// Declares the successor of `name`. If no index is named, the successor gets the same kind as `name` has.
/// Errors: schema::begin_change()'s, and invalid_argument if nothing is to change.
Result<CreatedVectorizer> change_vectorizer(const Settings& settings, std::string_view name,
                                            schema::Change change);

/// One query's nearest rows by both vectorizers.
struct ComparedQuery {
  std::string text;
  std::vector<std::string> before, after;  ///< keys of rows, nearest first
  std::vector<std::string> before_texts, after_texts;
  int common = 0;          ///< rows in both
  double correlation = 0;  ///< Spearman's, of the common rows' ranks; 0 if fewer than two are common
};

struct CompareRequest {
  std::string name;
  std::vector<std::string> queries;  ///< empty: rows of a sample are the queries, which costs nothing
  int sample = 100;
  int hits = 10;
};

struct Comparison {
  schema::VectorizerInfo before, after;
  std::vector<ComparedQuery> queries;  ///< least common rows first
  double common = 0;                   ///< mean share of the nearest rows that both find
  double correlation = 0;              ///< mean over the queries with at least two common rows
  std::uint64_t tokens = 0;            ///< bought for queries, of both models together
};

/// Sends the same queries to a vectorizer and its successor (or the one that it replaced, if it has none).
/// Uses indexes as searches do. Errors: invalid_argument (there is nothing to compare with; no row has both
/// vectors), the endpoints', the connection's.
Result<Comparison> compare(const Settings& settings, const CompareRequest& request);

struct VerifyRequest {
  std::string name;
  int sample = 100;
  double tolerance = 0.001;  ///< of 1 - cosine
};

struct VerifiedRow {
  std::string key;
  int chunk_seq = 0;
  double cosine = 0;
};

struct Verification {
  schema::VectorizerInfo vectorizer;
  std::vector<VerifiedRow> rows;  ///< least alike first
  std::uint64_t left_out = 0;     ///< sampled, but too long for one piece
  std::uint64_t tokens = 0;       ///< bought
  std::optional<double> usd;      ///< none: the price is unknown
  std::uint64_t beyond = 0;       ///< rows beyond the tolerance
};

/// Embeds a sample of rows that have a vector again, and compares, to see whether the provider has changed
/// the model under the same name. Buys the sample's tokens. Errors: invalid_argument (no such vectorizer, no
/// vectors), unauthenticated, the endpoint's, the connection's.
Result<Verification> verify(const Settings& settings, const VerifyRequest& request);

}  // namespace embedd::app
