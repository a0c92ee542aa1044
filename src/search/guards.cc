#include "search/guards.h"

#include <fmt/format.h>

#include "pg/quoting.h"

namespace embedd::search {

std::string known_sql(const Subject& subject) {
  const schema::VectorizerInfo& info = subject.info;
  const auto is_called = [](const std::string& table, const char* column) {
    return fmt::format("{}::pg_catalog.regclass OPERATOR(pg_catalog.=) v.{}", pg::quote_literal(table),
                       column);
  };
  std::string is_known = is_called(pg::quote_qualified(info.source_schema, info.source_table), "source") +
                         fmt::format(" AND v.destination_column OPERATOR(pg_catalog.=) {}::pg_catalog.text",
                                     pg::quote_literal(info.destination_column));
  if (info.stores()) is_known += " AND " + is_called(subject.vectors_table(), "store");
  is_known += fmt::format(" AND coalesce(v.score, '') OPERATOR(pg_catalog.=) {}::pg_catalog.text",
                          pg::quote_literal(info.score.value_or("")));
  return fmt::format(
      "known AS MATERIALIZED (SELECT CASE WHEN (SELECT {} FROM embedd.vectorizers v WHERE v.id "
      "OPERATOR(pg_catalog.=) {}) THEN true ELSE "
      "pg_catalog.regclass('what_is_known_of_the_vectorizer'::pg_catalog.text) IS NULL END AS ok), ",
      is_known, info.id);
}

std::string types_sql(const Subject& subject, const std::set<std::string>& names, bool score) {
  const schema::VectorizerInfo& info = subject.info;
  std::string is_same = info.types_sql;
  const auto add = [&is_same](std::string_view alias, const std::string& name, const std::string& type) {
    is_same += fmt::format(" AND embedd.exactly({}.{}, NULL::{})", alias, pg::quote_identifier(name), type);
  };
  for (const std::string& name : names) add("t", name, subject.source.find(name)->own_type);
  if (score)
    for (std::size_t i = 0; i < info.score_columns.size(); ++i)
      add("t", info.score_columns[i], info.score_types[i]);
  std::string from = pg::quote_qualified(info.source_schema, info.source_table) + " t";
  add(info.stores() ? "s" : "t", info.destination_column,
      fmt::format("{}.{}", subject.pgvector.schema, info.destination_type));
  if (info.stores()) {
    from += fmt::format(", {} s", subject.vectors_table());
    for (std::size_t i = 0; i < info.key_columns.size(); ++i)
      add("s", info.key_columns[i], info.key_types[i]);
    add("s", "chunk_seq", "pg_catalog.int4");
    add("s", "chunk", "pg_catalog.text");
  }
  return fmt::format("types AS (SELECT FROM {} WHERE {}), ", from, is_same);
}

}  // namespace embedd::search
