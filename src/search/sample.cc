#include "search/sample.h"

#include <fmt/format.h>

#include <charconv>

#include "pg/quoting.h"
#include "schema/sql_text.h"
#include "text/utf8.h"

namespace embedd::search {
namespace {

using schema::VectorizerInfo;

/// Characters of a row's text that are cut to find its chunks again.
constexpr int kWindowCharacters = 64 * 1024;

std::string table_of(const VectorizerInfo& v) {
  return pg::quote_qualified(v.vectors_schema(), v.vectors_table());
}

std::string column_of(const VectorizerInfo& v, std::string_view alias) {
  return fmt::format("{}.{}", alias, pg::quote_identifier(v.destination_column));
}

std::string same_rows(const VectorizerInfo& v, std::string_view a, std::string_view b) {
  return pg::join_each(v.key_columns.size(), " AND ", [&](std::size_t i) {
    const std::string key = pg::quote_identifier(v.key_columns[i - 1]);
    return fmt::format("{}.{} OPERATOR(pg_catalog.=) {}.{}", a, key, b, key);
  });
}

/// "[0.5,-2]" as pgvector writes it.
std::vector<float> parse_vector(std::string_view text) {
  std::vector<float> out;
  for (const char* at = text.data() + 1; at < text.data() + text.size();) {
    float value = 0;
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), value);
    if (error != std::errc()) break;
    out.push_back(value);
    at = end + 1;
  }
  return out;
}

/// The percentage of the table's blocks that has about kTimes as many rows as `most`.
Result<double> share_of_blocks(pg::Connection& db, const VectorizerInfo& v, int most) {
  const auto rows = TRY(db.exec(
      "SELECT coalesce(sum(nullif(greatest(c.reltuples, -1), -1)), -1)::float8 FROM pg_class c WHERE c.oid = "
      "to_regclass($1) AND c.relkind <> 'p' OR c.oid IN (SELECT relid FROM "
      "pg_partition_tree(to_regclass($1)) "
      "WHERE isleaf)",
      {table_of(v)}));
  constexpr double kTimes = 20;
  const double count = rows.number(0, 0);
  return count <= most * kTimes ? 100.0 : 100.0 * kTimes * most / count;
}

struct Shape {
  std::string other = "NULL::text";   ///< over aliases t and o
  std::string window = "NULL::text";  ///< over alias w
  std::string joins;
  std::string where;
};

Result<std::vector<SampledVector>> sample(pg::Connection& db, const VectorizerInfo& v, int most,
                                          Shape shape) {
  const std::string keys = pg::join_each(v.key_columns.size(), ", ", [&](std::size_t i) {
    return fmt::format("t.{} AS k{}", pg::quote_identifier(v.key_columns[i - 1]), i);
  });
  return db.transaction([&]() -> Result<std::vector<SampledVector>> {
    TRY(db.exec("SET TRANSACTION READ ONLY"));
    TRY(pg::pin_settings(db));
    const double share = TRY(share_of_blocks(db, v, most));
    const pg::Connection::OverRows over_rows(db);
    const std::string statement = fmt::format(
        "WITH types AS (SELECT FROM {source} t WHERE {types}) SELECT {key}::text, q.seq, {text}, q.vector, "
        "q.other, {window} FROM (SELECT {keys}, {seq} AS seq, {row_text} AS text, {column}::text AS vector, "
        "{other} AS "
        "other, {row_window} AS sampled FROM {table} t TABLESAMPLE SYSTEM ({share}){joins} WHERE {column} IS "
        "NOT NULL{where} "
        "ORDER BY pg_catalog.random() LIMIT {most}) q",
        fmt::arg("source", pg::quote_qualified(v.source_schema, v.source_table)),
        fmt::arg("types", v.types_sql),
        fmt::arg("key", db.is_utf8() ? v.key_json_sql : db.readable(v.key_json_sql + "::text")),
        fmt::arg("seq", v.stores() ? "t.chunk_seq" : "0"), fmt::arg("text", db.readable("q.text")),
        fmt::arg("window", db.readable("q.sampled")), fmt::arg("keys", keys),
        fmt::arg("row_text", v.stores() ? "t.chunk" : v.text_sql), fmt::arg("column", column_of(v, "t")),
        fmt::arg("other", shape.other), fmt::arg("row_window", shape.window), fmt::arg("table", table_of(v)),
        fmt::arg("share", share), fmt::arg("joins", shape.joins), fmt::arg("where", shape.where),
        fmt::arg("most", most));
    const auto rows = TRY(db.exec(statement));
    std::vector<SampledVector> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (rows.is_null(i, 2)) continue;  // the row lost its text just now
      out.push_back({.key = rows.text(i, 0),
                     .chunk_seq = static_cast<int>(rows.integer(i, 1)),
                     .text = rows.text(i, 2),
                     .vector = parse_vector(rows.view(i, 3)),
                     .other = rows.is_null(i, 4) ? std::vector<float>() : parse_vector(rows.view(i, 4)),
                     .window_is_all = static_cast<int>(utf8::characters(rows.view(i, 5))) < kWindowCharacters,
                     .window = rows.is_null(i, 5) ? "" : rows.text(i, 5)});
    }
    return out;
  });
}

/// SQL that leaves out rows that wait, because their vectors may be of another text.
std::string waits(const VectorizerInfo& v) {
  return fmt::format(" AND NOT EXISTS (SELECT FROM {} w WHERE {})", schema::queue_table(v.id),
                     schema::same_key("w", v.key_columns));
}

}  // namespace

Result<std::vector<SampledVector>> sample_vectors(pg::Connection& db, const VectorizerInfo& vectorizer,
                                                  int most, bool with_windows) {
  Shape shape{.where = waits(vectorizer)};
  if (!vectorizer.stores() && vectorizer.filter_sql)
    shape.where += fmt::format(" AND ({})", *vectorizer.filter_sql);
  if (vectorizer.stores() && with_windows)
    shape.window = fmt::format(
        "(SELECT pg_catalog.\"left\"(w.text, {}) FROM (SELECT {} AS text FROM {} t WHERE {} OFFSET 0) w)",
        kWindowCharacters, vectorizer.text_sql,
        pg::quote_qualified(vectorizer.source_schema, vectorizer.source_table),
        same_rows(vectorizer, "t", "chunk"));
  if (!shape.window.starts_with("NULL"))
    shape.joins = fmt::format(" CROSS JOIN LATERAL (SELECT {}) chunk",
                              pg::join_each(vectorizer.key_columns.size(), ", ", [&](std::size_t i) {
                                const std::string key = pg::quote_identifier(vectorizer.key_columns[i - 1]);
                                return fmt::format("t.{} AS {}", key, key);
                              }));
  return sample(db, vectorizer, most, std::move(shape));
}

Result<std::vector<SampledVector>> sample_pairs(pg::Connection& db, const VectorizerInfo& one,
                                                const VectorizerInfo& other, int most) {
  Shape shape;
  if (one.stores()) {
    shape.joins = fmt::format(" JOIN {} o ON {} AND o.chunk_seq = t.chunk_seq AND o.chunk = t.chunk",
                              table_of(other), same_rows(one, "o", "t"));
    shape.other = column_of(other, "o") + "::text";
  } else {
    shape.other = column_of(other, "t") + "::text";
    shape.where = fmt::format(" AND {} IS NOT NULL", column_of(other, "t"));
  }
  return sample(db, one, most, std::move(shape));
}

}  // namespace embedd::search
