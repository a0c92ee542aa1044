#include "search/search.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/quoting.h"
#include "schema/pgvector.h"

namespace embedd::search {
namespace {

constexpr int kMaxHits = 1000;

/// True if the index is over the column's half precision. Such an index proposes a few more rows than are
/// asked for, and the stored vectors decide which of these are nearest, and in what order.
bool by_half_precision(const schema::VectorizerInfo& v) {
  return v.index_kind == "halfvec" && v.destination_type == "vector";
}

int candidates(const schema::VectorizerInfo& v, int limit) {
  constexpr int kProposals = 4;
  return by_half_precision(v) ? limit * kProposals : limit;
}

/// The inner query orders by the distance operator alone, because only that can use the index.
std::string search_statement(const pg::Connection& db, const schema::VectorizerInfo& v,
                             const schema::Pgvector& extension) {
  const std::string& schema = extension.schema;
  const std::string distance =
      fmt::format("t.{} OPERATOR({}.<=>) $1::{}.{}", pg::quote_identifier(v.destination_column), schema,
                  schema, v.destination_type);
  const std::string nearest = by_half_precision(v)
                                  ? fmt::format("t.{}::{}.halfvec({}) OPERATOR({}.<=>) $1::{}.halfvec({})",
                                                pg::quote_identifier(v.destination_column), schema,
                                                v.dimensions, schema, schema, v.dimensions)
                                  : distance;
  const std::string keys = pg::join_each(v.key_columns.size(), ", ", [&](std::size_t i) {
    return fmt::format("t.{} AS k{}", pg::quote_identifier(v.key_columns[i - 1]), i);
  });
  // A store has only chunks of rows that are covered.
  const bool filtered = v.filter_sql && !v.stores();
  const std::string filter = filtered ? fmt::format(" AND ({})", *v.filter_sql) : "";
  return fmt::format(
      "WITH types AS (SELECT FROM {source} t WHERE {types}) SELECT {key}, 1 - q.embedd_distance, {preview}, "
      "q.embedd_seq "
      "FROM (SELECT {keys}, {distance} AS embedd_distance, {text} AS embedd_text, {seq} AS embedd_seq "
      "FROM {source} t WHERE t.{column} IS NOT NULL{filter} "
      "ORDER BY {nearest} LIMIT $4::int) q ORDER BY q.embedd_distance LIMIT $2::int",
      fmt::arg("key", db.is_utf8() ? v.key_json_sql : db.readable(v.key_json_sql + "::text")),
      fmt::arg("preview", db.readable("\"left\"(q.embedd_text, $3::int)")), fmt::arg("keys", keys),
      fmt::arg("distance", distance), fmt::arg("nearest", nearest),
      fmt::arg("text", v.stores() ? "t.chunk" : v.text_sql),
      fmt::arg("types", v.stores() ? "true" : v.types_sql),
      fmt::arg("seq", v.stores() ? "t.chunk_seq" : "NULL::integer"),
      fmt::arg("source", pg::quote_qualified(v.vectors_schema(), v.vectors_table())),
      fmt::arg("column", pg::quote_identifier(v.destination_column)), fmt::arg("filter", filter));
}

/// How much of an index a scan looks at, for this transaction only.
Result<void> set_effort(pg::Connection& db, const schema::VectorizerInfo& v,
                        const schema::Pgvector& extension, int limit) {
  // An index scan yields at most ef_search rows; an iterative scan goes on, so that a filter costs no
  // hits.
  auto set =
      db.exec(fmt::format("SET LOCAL hnsw.ef_search = {}", std::clamp(candidates(v, limit), 40, 1000)));
  if (set && extension.iterative_scan) set = db.exec("SET LOCAL hnsw.iterative_scan = strict_order");
  if (set && v.index_kind == "ivfflat") {
    // Reading one list, pgvector's default, would miss most neighbours.
    set = db.exec(R"(
SELECT set_config('ivfflat.probes', greatest(10, ceil(sqrt(max(o.option_value::int))))::text, true)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid, pg_options_to_table(c.reloptions) o
WHERE i.indrelid = to_regclass($1) AND o.option_name = 'lists')",
                  {pg::quote_qualified(v.vectors_schema(), v.vectors_table())});
    if (set && extension.iterative_scan) set = db.exec("SET LOCAL ivfflat.iterative_scan = relaxed_order");
  }
  if (!set) return std::unexpected(set.error());
  return {};
}

}  // namespace

std::string vector_literal(std::span<const float> values) {
  std::string out = "[";
  for (const float value : values) {
    if (out.size() > 1) out += ',';
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  return out + ']';
}

Result<std::vector<SearchHit>> search(pg::Connection& db, const schema::VectorizerInfo& vectorizer,
                                      std::span<const float> query, int limit, int preview_characters) {
  if (static_cast<int>(query.size()) != vectorizer.dimensions)
    return fail(ErrorKind::invalid_argument,
                fmt::format("the query has {} dimensions, the vectorizer {} has {}", query.size(),
                            vectorizer.name, vectorizer.dimensions));
  if (limit < 1 || limit > kMaxHits)
    return fail(ErrorKind::invalid_argument, fmt::format("ask for 1 to {} results, not {}", kMaxHits, limit));
  return db.transaction([&]() -> Result<std::vector<SearchHit>> {
    auto extension = TRY(schema::find_pgvector(db));
    TRY(pg::pin_settings(db));
    TRY(set_effort(db, vectorizer, extension, limit));
    const pg::Connection::OverRows over_rows(db);
    auto rows = TRY(db.exec(search_statement(db, vectorizer, extension),
                            {vector_literal(query), std::to_string(limit), std::to_string(preview_characters),
                             std::to_string(candidates(vectorizer, limit))}));
    std::vector<SearchHit> hits;
    for (int i = 0; i < rows.size(); ++i) {
      hits.push_back({rows.text(i, 0), rows.number(i, 1), rows.text(i, 2)});
      if (!rows.is_null(i, 3)) hits.back().chunk_seq = static_cast<int>(rows.integer(i, 3));
    }
    return hits;
  });
}

}  // namespace embedd::search
