#include "schema/status_workers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

namespace embedd::schema {
namespace {

/// Splits lines; an empty text has none.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// 0 for what is no number: roles that may write the table can write anything into it.
double number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && std::isfinite(value) ? value : 0;
}

}  // namespace

Result<std::vector<WorkerStatus>> read_workers(pg::Connection& db) {
  auto rows = TRY(db.exec(R"(
SELECT id, hostname, pid, version, extract(epoch FROM now() - started_at), extract(epoch FROM now() - seen_at),
       rows_embedded, requests_in_flight, leases, draining,
       (SELECT string_agg(translate(concat_ws(': ', v.name, t ->> 'endpoint', t ->> 'state', t ->> 'message'), chr(10), ' '), chr(10))
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(w.problems) = 'array' THEN w.problems ELSE '[]' END) t
        LEFT JOIN embedd.vectorizers v ON v.id::text = t ->> 'vectorizer')
FROM embedd.workers w
WHERE seen_at > now() - interval '10 minutes' AND NOT stopped AND database = embedd.this_database() ORDER BY started_at)"));
  std::vector<WorkerStatus> out;
  for (int i = 0; i < rows.size(); ++i)
    out.push_back({rows.text(i, 0), rows.text(i, 1), static_cast<int>(rows.integer(i, 2)), rows.text(i, 3),
                   rows.number(i, 4), rows.number(i, 5), rows.integer(i, 6),
                   static_cast<int>(rows.integer(i, 7)), static_cast<int>(rows.integer(i, 8)),
                   rows.flag(i, 9), lines_of(rows.view(i, 10))});
  return out;
}

Result<std::vector<EndpointStatus>> read_endpoints(pg::Connection& db) {
  auto rows = TRY(db.exec(R"(
WITH said AS (
  SELECT t ->> 'endpoint' AS name, t ->> 'state' AS state, t ->> 'message' AS message, t ->> 'in_flight' AS in_flight,
         t ->> 'concurrency' AS concurrency, t ->> 'inputs_per_second' AS inputs_per_second
  FROM embedd.workers w,
       jsonb_array_elements(CASE WHEN jsonb_typeof(w.endpoints) = 'array' THEN w.endpoints ELSE '[]' END) t
  WHERE w.seen_at > now() - interval '1 minute' AND NOT w.stopped AND w.database = embedd.this_database())
SELECT name, state, message, in_flight, concurrency, inputs_per_second
FROM said WHERE name IS NOT NULL
ORDER BY name, count(*) OVER (PARTITION BY name, state) DESC, state)"));
  std::vector<EndpointStatus> out;
  for (int i = 0; i < rows.size(); ++i) {
    // The state of most workers comes first.
    if (out.empty() || out.back().name != rows.view(i, 0))
      out.push_back({.name = rows.text(i, 0), .state = rows.text(i, 1), .message = rows.text(i, 2)});
    EndpointStatus& endpoint = out.back();
    ++endpoint.workers;
    endpoint.in_flight += number_of(rows.view(i, 3));
    endpoint.concurrency += number_of(rows.view(i, 4));
    endpoint.inputs_per_second += number_of(rows.view(i, 5));
  }
  return out;
}

}  // namespace embedd::schema
