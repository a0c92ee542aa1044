/// A search as a client asks for it: one JSON object, read in full and refused with the field that is wrong.
///
///   {"query": "slow start", "k": 5, "filter": {"column": "status", "op": "=", "value": "open"}}
///
/// docs/search.md describes each field. Everything is bounded: kMaxQueryBytes, kMaxHits, kMaxOffset,
/// kMaxCandidates, kMaxFilterDepth, kMaxFilterTests, kMaxFilterValues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace embedd::search {

inline constexpr std::size_t kMaxQueryBytes = 8192;
inline constexpr int kMaxHits = 1000;
inline constexpr int kMaxOffset = 10'000;
inline constexpr int kMaxCandidates = kMaxOffset + kMaxHits;
inline constexpr int kMaxRrfK = 1000;
inline constexpr int kMaxNeighbours = 5;
inline constexpr int kMinDeadlineMs = 50, kMaxDeadlineMs = 30'000;
inline constexpr std::size_t kMaxColumns = 50;
inline constexpr std::size_t kMaxKeyColumns = 32;
inline constexpr std::size_t kMaxFacets = 10;
inline constexpr std::size_t kMaxMarkerBytes = 64;
inline constexpr int kMaxFilterDepth = 8;
inline constexpr int kMaxFilterTests = 64;
inline constexpr std::size_t kMaxFilterValues = 1000;  ///< of one test
inline constexpr std::size_t kMaxValueBytes = 8192;
inline constexpr std::size_t kMaxRerankName = 64;

enum class Mode : std::uint8_t { vector, text, hybrid };
std::string_view name_of(Mode mode);

enum class Operator : std::uint8_t {
  equal,
  unequal,
  less,
  at_most,
  greater,
  at_least,
  in,
  not_in,
  like,
  ilike,
  is_null,
  contains,
  overlaps,
  between,
};
/// The operator as clients write it: `not in`.
std::string_view name_of(Operator op);
std::optional<Operator> operator_named(std::string_view name);

/// A value that a column is compared with, as PostgreSQL reads it.
struct Value {
  enum class Type : std::uint8_t { text, number, flag };
  Type type = Type::text;
  std::string text;
  bool operator==(const Value&) const = default;
};

/// A node of the filter: a test of one column, or a combination of filters.
struct Filter {
  enum class Kind : std::uint8_t { test, all, any, negation };
  Kind kind = Kind::test;
  std::vector<Filter> parts;  ///< of a combination; not empty, and one of a negation
  std::string field;          ///< where the node is in the request, such as filter.and[1]
  std::string column;
  Operator op = Operator::equal;
  std::vector<Value> values;  ///< as many as the operator takes; of is_null one flag
  std::string json;           ///< the whole value, for columns of type jsonb
  bool operator==(const Filter&) const = default;
};

/// How the query's words are marked in a hit's text.
struct Highlight {
  std::string start = "<mark>", end = "</mark>";
  bool escape = true;  ///< the text, but not the markers, is escaped for HTML
  int fragments = 3;
  int words = 30;  ///< at most, of a fragment
};

/// Counts the most frequent values of a column.
struct Facet {
  std::string column;
  int most = 10;
};

struct Request {
  std::string query;          ///< empty: `vector` or `similar_to` is given
  std::vector<float> vector;  ///< empty: the query's vector is to be computed
  /// A test `=` for each column of a key: the vector of that row is compared.
  std::optional<Filter> similar_to;
  std::optional<Mode> mode;  ///< default: hybrid if there is a text configuration
  int k = 10;
  int offset = 0;
  /// The rows that each leg proposes. Pages agree with each other if they have the same number of candidates.
  int candidates = 200;
  std::optional<Filter> filter;
  std::optional<Filter> mandatory;  ///< the token's filter, never the request's; rows must pass it, too
  std::optional<std::vector<std::string>> columns;  ///< default: the key and the template's columns
  double vector_weight = 1, text_weight = 1;
  int rrf_k = 60;
  std::optional<double> min_similarity;
  bool group_by_row = true;
  int neighbours = 0;  ///< chunks on each side of a hit's chunk
  std::optional<Highlight> highlight;
  std::vector<Facet> facets;
  std::string rerank;  ///< the name of [rerank.NAME]; empty: the hits keep their order
  bool exact = false;
  bool explain = false;
  milliseconds deadline{5000};
};

/// A filter by itself. Errors: invalid_argument; the message begins with `field`.
Result<Filter> parse_filter(std::string_view json, std::string field);

/// Errors: invalid_argument; the message begins with the field.
Result<Request> parse_request(std::string_view body);

}  // namespace embedd::search
