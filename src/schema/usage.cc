#include "schema/usage.h"

#include <fmt/format.h>

namespace embedd::schema {
namespace {

/// The first day that counts, as SQL over $1.
Result<std::string> first_day(pg::Connection& db, const std::string& since) {
  if (since.empty()) return std::string("'-infinity'::date");
  // PostgreSQL reads a bare number as seconds, and "7 days ago" as a time to come.
  constexpr const char *kLength = "(now() AT TIME ZONE 'UTC' - $1::interval)::date", *kDay = "$1::date";
  const bool number = since.find_first_not_of("0123456789. ") == std::string::npos;
  if (since.find('-') == std::string::npos && !number)
    if (const auto past = db.exec("SELECT $1::interval >= '0'", {since}); past && past->flag(0, 0))
      return std::string(kLength);
  if (!number && db.exec(fmt::format("SELECT {}", kDay), {since})) return std::string(kDay);
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("--since {} is neither a day nor a length of time; write for example 2026-11-28 or 7d",
                  since));
}

}  // namespace

Result<std::vector<UsageSum>> sum_usage(pg::Connection& db, const UsageQuery& query) {
  const std::string since = TRY(first_day(db, query.since));
  const auto part = [](bool wanted, const char* sql) { return wanted ? sql : "''"; };
  const auto rows = TRY(db.exec(
      fmt::format(R"(
SELECT {}, {}, {}, least(sum(u.requests), 9223372036854775807),
       least(coalesce(sum(u.rows) FILTER (WHERE owner.id IS NULL), 0), 9223372036854775807),
       least(sum(u.tokens), 9223372036854775807),
       CASE WHEN sum(u.unpriced_tokens) < sum(u.tokens) OR sum(u.tokens) = 0 THEN sum(u.cost_usd) END,
       least(sum(u.unpriced_tokens), 9223372036854775807)
FROM embedd.usage u LEFT JOIN embedd.vectorizers v ON v.id = u.vectorizer_id
LEFT JOIN embedd.vectorizers owner ON owner.id = v.rows_of
WHERE u.database = embedd.this_database() AND u.day >= {}
GROUP BY 1, 2, 3 HAVING count(*) > 0 ORDER BY 3, 1, 2)",
                  part(query.by_vectorizer, "coalesce(owner.name, v.name, '#' || u.vectorizer_id)"),
                  part(query.by_model, "u.model"), part(query.by_day, "to_char(u.day, 'YYYY-MM-DD')"), since),
      query.since.empty() ? std::vector<pg::Param>() : std::vector<pg::Param>{query.since}));
  std::vector<UsageSum> out;
  for (int i = 0; i < rows.size(); ++i)
    out.push_back({.vectorizer = rows.text(i, 0),
                   .model = rows.text(i, 1),
                   .day = rows.text(i, 2),
                   .requests = rows.integer(i, 3),
                   .rows = rows.integer(i, 4),
                   .tokens = rows.integer(i, 5),
                   .cost_usd = rows.is_null(i, 6) ? std::nullopt : std::optional(rows.number(i, 6)),
                   .unpriced_tokens = rows.integer(i, 7)});
  return out;
}

}  // namespace embedd::schema
