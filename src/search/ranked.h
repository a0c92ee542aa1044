/// Runs a search and returns its page of hits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pg/one_trip.h"
#include "search/request.h"
#include "search/statement.h"
#include "search/subject.h"

namespace embedd::search {

struct Hit {
  std::string key;              ///< JSON: {"id": 5}
  std::optional<double> score;  ///< orders the hits; none: the vectorizer's score of this row is not finite
  double fused = 0;             ///< of the legs' ranks; orders the hits if the vectorizer has no score
  std::optional<double> similarity;  ///< none: the row has no vector, or no vector was compared
  std::optional<std::int64_t> vector_rank, text_rank;
  std::string row;               ///< JSON
  std::optional<int> chunk_seq;  ///< of a store
  std::string chunk;
  std::optional<std::string> highlight;  ///< if it was asked for
  std::string text;                      ///< its beginning, if hits are to be reranked
  std::optional<double> rerank_score;    ///< orders the hits that have one, which come first
  std::string neighbours;                ///< JSON; empty: there are none, or none were asked for
};

/// A step of the plan that reads a table.
struct PlanStep {
  std::string node, relation, index;
};

/// Whether the row of `similar_to` exists, and whether it has a vector.
enum class Origin : std::uint8_t { missing, without_vector, good };

struct Answer {
  std::vector<Hit> hits;
  Origin origin = Origin::good;
  std::string facets;          ///< JSON; empty: none were asked for
  std::string returned_fewer;  ///< why there are fewer than k although more exist; empty: there are no more
  bool backlog = false;        ///< some rows of a store that have no chunks yet were not searched
  bool many_matches = false;   ///< more rows have the words than the text leg ranks
  std::vector<PlanStep> plan;  ///< if it was asked for
};

/// Errors: invalid_argument (the request does not fit the table), canceled (it took too long), and the
/// connection's.
Result<Answer> ranked_search(pg::OneTrip& trip, const Subject& subject, const Request& request, Legs legs,
                             const std::vector<float>& vector, Instant deadline);

}  // namespace embedd::search
