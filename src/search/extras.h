/// SQL for what an answer contains beside rows and scores: marked words, counts of values, and the chunks
/// next to a hit's chunk. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "search/request.h"
#include "search/subject.h"

namespace embedd::search {

/// Characters that stand for Highlight::start and Highlight::end in the database's answer: no text has them.
inline constexpr char kMarkStart = '\x01', kMarkEnd = '\x02';
/// Most characters of a text in which words are marked.
inline constexpr int kMaxMarkedCharacters = 50'000;
/// The most characters of a facet's value; longer texts with the same beginning are counted together.
inline constexpr int kMaxFacetCharacters = 256;

/// `options`: of highlight_options(), as SQL.
std::string highlight_sql(const Subject& subject, const std::string& text, std::string_view tsquery,
                          std::string_view options);
std::string highlight_options(const Highlight& highlight);
/// `marked`, from the database, with the markers that the client wants; without NUL, 1 and 2.
std::string with_markers(std::string_view marked, const Highlight& highlight);

/// JSON: {"over": "candidates", "rows": 187, "columns": {"status": [{"value": "open", "count": 120}]}}, of
/// the table `candidates` with the columns k1..kn. `join`: the source t, and its condition over q. Errors:
/// invalid_argument, which names the field.
Result<std::string> facets_sql(const Subject& subject, const Request& request, std::string_view join);

/// JSON: [{"seq": 3, "text": "…"}], of the chunks next to q.seq. `same_keys`: of the tables w and t.
std::string neighbours_sql(const Subject& subject, int neighbours, std::string_view same_keys);

}  // namespace embedd::search
