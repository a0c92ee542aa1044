/// The one statement of a search: the legs, their fusion, one page, and the rows on it.
///
/// Each leg proposes `candidates` rows (or chunks) in its own order: distance, or rank of the text, then the
/// key. Fusion is weighted reciprocal rank fusion: the sum of weight / (rrf_k + rank) over the legs, ranks
/// from 1. A score of the vectorizer's owner then decides the order of the candidates, and the fused score
/// among equals. Of a store every chunk is scored, and then a row takes the place of its best chunk. The
/// number of candidates does not depend on the page, so that pages of an unchanged table agree with each
/// other.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pg/connection.h"
#include "search/request.h"
#include "search/subject.h"

namespace embedd::search {

/// Which legs a search has, and whether the vectorizer's score is computed.
struct Legs {
  bool vector = false;
  bool text = false;
  bool score = false;
};

struct Statement {
  std::string sql;
  std::vector<pg::Param> params;
};

/// Columns of the result. A row without a key says that the page is empty.
enum Column : int {
  kKey,
  kScore,  ///< NULL if the vectorizer's score is not finite
  kFused,
  kSimilarity,
  kVectorRank,
  kTextRank,
  kRow,
  kSeq,
  kChunk,
  kHighlight,
  kNeighbours,
  kText,  ///< if hits are to be reranked
  kPage,
  kNear,
  kFound,
  kMatches,
  kBacklog,
  kFacets,
  kOrigin  ///< 0: there is no row `similar_to`; 1: it has no vector; 2: it has one, or none was asked for
};

/// The most bytes of an answer's rows; the first row comes whatever its size.
inline constexpr std::size_t kMaxAnswerBytes = 4 * kMiB;
/// The most rows (of a store: chunks) with the query's words that the text leg ranks.
inline constexpr int kMaxMatches = 10'000;
/// Most rows of a store without chunks that the text leg reads, and most jobs among which it looks for them.
inline constexpr int kMaxWaiting = 1000, kMaxQueued = 10'000;

/// The most characters of a hit's text that is reranked.
inline constexpr int kMaxRerankCharacters = 4000;

/// `vector`: the query's, if there is a vector leg without `similar_to`. If `subject` is outdated, the server
/// refuses the statement with an SQLSTATE of class 42: a column has another type (before any of the statement
/// runs), or the vectorizer has other vectors. Errors: invalid_argument, which names the field.
Result<Statement> build_statement(const Subject& subject, const Request& request, Legs legs,
                                  const std::vector<float>& vector);

/// The settings of the statement's transaction: it is read-only and ends after `timeout`; and how much of a
/// vector index is read.
std::string settings_statement(const Subject& subject, const Request& request, Duration timeout);

}  // namespace embedd::search
