/// The statements of the traces service: find traces, read one, add one, list the tags. docs/traces.md
/// describes them.
///
/// Each is one statement, in one round trip. Token filters (`mandatory`) apply to every row that is shown.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "pg/one_trip.h"
#include "search/request.h"
#include "search/trace_tables.h"

namespace embedd::search {

inline constexpr int kMaxTraces = 50;         ///< of an answer
inline constexpr int kTraceCandidates = 100;  ///< rows that the score puts in order
inline constexpr int kTraceEffort = 64;       ///< hnsw.ef_search
inline constexpr int kMaxRelatedTraces = 3;   ///< of a trace
inline constexpr int kMaxListedTags = 10'000;

struct TraceQuery {
  std::string q;                  ///< empty: by tags alone
  std::vector<std::string> tags;  ///< each once, normalised; a trace must have all of them
  int limit = 10;                 ///< 1 to kMaxTraces
  bool include_expired = true;
  bool scored = true;                 ///< by the vectorizer's score, if it has one
  std::optional<Filter> mandatory{};  ///< the token's filter
};

struct NewTrace {
  std::string title, context_text, solution_text;
  std::vector<std::string> tags;                              ///< each once, normalised
  std::vector<std::pair<std::string, std::string>> values{};  ///< of further columns: text, or JSON as text
  std::string contributor{};                                  ///< a uuid, for contributor_id; empty: nobody
};

struct Trace {
  std::string id, title, context_text, solution_text;
  double trust = 0;
  double similarity = 0;          ///< of a search; 0 if there was no q
  std::optional<double> score;    ///< of a search; none: the vectorizer's score is not finite
  std::vector<std::string> tags;  ///< in order
  std::string related;            ///< JSON: an array of at most kMaxRelatedTraces
  /// JSON values of trace_fields(): null for a column that the table lacks.
  std::vector<std::string> fields;
};

struct AddedTrace {
  std::string id;
  std::string status;  ///< empty: the table has no column of that name
};

/// Whether `text` is a uuid as PostgreSQL writes them, in either case.
bool is_uuid(std::string_view text);

/// The names of a trace's further fields. `whole`: of read_trace(); otherwise of a search, whose fields come
/// first.
std::span<const std::string_view> trace_fields(bool whole);
/// Fields that an answer of read_trace() has.
inline constexpr bool kWhole = true;

/// `vector`: the query's, if there is a q. Errors of all: canceled (it took too long), invalid_argument,
/// misconfigured (the token's filter does not fit), and the connection's.
Result<std::vector<Trace>> search_traces(pg::OneTrip& trip, const TraceTables& tables,
                                         const TraceQuery& query, const std::vector<float>& vector,
                                         Instant deadline);
/// None: there is no such trace. `id` is a uuid.
Result<std::optional<Trace>> read_trace(pg::OneTrip& trip, const TraceTables& tables, const std::string& id,
                                        const std::optional<Filter>& mandatory, Instant deadline);
/// In order, at most kMaxListedTags.
Result<std::vector<std::string>> list_tags(pg::OneTrip& trip, const TraceTables& tables,
                                           const std::optional<Filter>& mandatory, Instant deadline);
/// Adds the trace, and those of its tags that are not there. `id` is a new uuid; a trace that has it already
/// is left as it is. Further errors: invalid_argument, which names the field that the table has no column
/// for, or the value that the table refuses; misconfigured, if a column needs a value that nobody gives.
Result<AddedTrace> add_trace(pg::OneTrip& trip, const TraceTables& tables, const std::string& id,
                             const NewTrace& trace, Instant deadline);

}  // namespace embedd::search
