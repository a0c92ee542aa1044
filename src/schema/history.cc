#include "schema/history.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace embedd::schema {
namespace {

/// Adds the counts of a row, which stand with commas between them.
void add_counts(FreshnessCounts& to, std::string_view text) {
  std::vector<std::int64_t> counts;
  for (const char* at = text.data(); at < text.data() + text.size(); ++at) {
    std::int64_t count = 0;
    at = std::from_chars(at, text.data() + text.size(), count).ptr;
    counts.push_back(count);
  }
  to.add(counts);
}

}  // namespace

Result<History> read_history(pg::Connection& db, VectorizerId vectorizer, int minutes) {
  minutes = std::clamp(minutes, 1, kHistoryMinutes);
  History history;
  history.step_seconds = 60 * ((minutes + kHistorySteps - 1) / kHistorySteps);
  auto rows = TRY(
      db.exec(R"(
SELECT floor(extract(epoch FROM at) / $3::bigint)::bigint * $3::bigint, vectorizer_id = $1::bigint, jobs, dead_letters, rows, tokens,
       array_to_string(fresh, ',')
FROM embedd.history
WHERE at > now() - make_interval(mins => $2::integer) AND database = embedd.this_database()
  AND vectorizer_id IN (SELECT id FROM embedd.vectorizers WHERE id = $1::bigint OR rows_of = $1::bigint)
ORDER BY at)",
              {std::to_string(vectorizer), std::to_string(minutes), std::to_string(history.step_seconds)}));
  for (int i = 0; i < rows.size(); ++i) {
    const std::int64_t at = rows.integer(i, 0);
    if (history.steps.empty() || history.steps.back().at != at) {
      const auto [jobs, dead_letters] =
          history.steps.empty() ? std::pair<std::int64_t, std::int64_t>{}
                                : std::pair{history.steps.back().jobs, history.steps.back().dead_letters};
      history.steps.push_back({.at = at, .jobs = jobs, .dead_letters = dead_letters});
    }
    HistoryStep& step = history.steps.back();
    step.tokens += rows.integer(i, 5);
    if (!rows.flag(i, 1)) continue;  // of its chunks
    step.jobs = rows.integer(i, 2);
    step.dead_letters = rows.integer(i, 3);
    step.rows += rows.integer(i, 4);
    add_counts(step.fresh, rows.view(i, 6));
  }
  return history;
}

Result<std::map<VectorizerId, FreshnessCounts>> read_freshness(pg::Connection& db) {
  auto rows = TRY(db.exec(R"(
SELECT vectorizer_id, string_agg(count::text, ',' ORDER BY n)
FROM (SELECT h.vectorizer_id, u.n, sum(u.count) AS count FROM embedd.history h, unnest(h.fresh) WITH ORDINALITY AS u (count, n)
      WHERE h.at > now() - interval '1 hour' AND h.database = embedd.this_database() GROUP BY 1, 2) buckets
GROUP BY 1)"));
  std::map<VectorizerId, FreshnessCounts> out;
  for (int i = 0; i < rows.size(); ++i) add_counts(out[rows.integer(i, 0)], rows.view(i, 1));
  return out;
}

}  // namespace embedd::schema
