#include "schema/estimate.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/sql_text.h"

namespace embedd::schema {

namespace {

constexpr int kPageRows = 200;

/// `sendable`: a condition over alias x that the text can be sent at all. Other texts become dead letters and
/// cost nothing.
std::string waiting_texts(const VectorizerInfo& v, std::string_view sendable) {
  const std::string keys = pg::join_each(v.key_columns.size(), ", ", [&](std::size_t i) {
    return fmt::format("t.{} AS k{}", pg::quote_identifier(v.key_columns[i - 1]), i);
  });
  // A vector that nothing proves to be of this text waits to be replaced. What is proven of a store is not
  // looked at again here: its triggers would have queued the row.
  const std::string column = "t." + pg::quote_identifier(v.destination_column);
  const std::string stored = v.stores() ? "true" : column + " IS NOT NULL";
  const std::string same_vector =
      v.stores() ? "true"
                 : "l.vector_hash = " + vector_hash_sql(v.vector_schema + "." + v.destination_type, column);
  return fmt::format(
      "WITH types AS (SELECT FROM {source} t WHERE {types}) SELECT x.text, x.proven IS NOT NULL FROM (SELECT "
      "{text} AS text, "
      "EXISTS (SELECT FROM {queue} q WHERE {same_key}) AS queued, {stored} AS stored, "
      "(SELECT CASE WHEN l.vector_hash IS NULL OR {same_vector} THEN l.text_hash END FROM "
      "{ledger} l WHERE {proof_key}) AS proven, EXISTS ("
      "SELECT FROM embedd.dead_letters d, (SELECT {keys}) q WHERE d.vectorizer_id = {id} AND d.key = "
      "{key_json}) AS dead FROM {source} t WHERE ({filter}) OFFSET 0) x "
      "WHERE x.text IS NOT NULL AND (x.queued OR NOT x.dead AND (NOT x.stored OR x.proven IS DISTINCT FROM "
      "pg_catalog.hashtextextended(x.text COLLATE pg_catalog.\"C\", 0))){sendable}",
      fmt::arg("ledger", ledger_table(v.id)), fmt::arg("proof_key", same_key("l", v.key_columns)),
      fmt::arg("same_vector", same_vector), fmt::arg("stored", stored), fmt::arg("sendable", sendable),
      fmt::arg("keys", keys), fmt::arg("id", v.id), fmt::arg("key_json", v.key_json_sql),
      fmt::arg("text", v.text_sql), fmt::arg("types", v.types_sql),
      fmt::arg("source", pg::quote_qualified(v.source_schema, v.source_table)),
      fmt::arg("filter", v.filter_sql.value_or("true")), fmt::arg("queue", queue_table(v.id)),
      fmt::arg("same_key", same_key("q", v.key_columns)));
}

}  // namespace

Result<bool> has_bought_chunks(pg::Connection& db, const VectorizerInfo& vectorizer) {
  const auto chunks =
      TRY(db.exec("SELECT id FROM embedd.vectorizers WHERE rows_of = $1", {std::to_string(vectorizer.id)}));
  if (chunks.empty()) return false;
  const auto rows = TRY(db.exec(fmt::format("SELECT EXISTS (SELECT FROM {} WHERE embedding IS NOT NULL)",
                                            chunks_table(vectorizer.id))));
  return rows.flag(0, 0);
}

Result<void> for_each_waiting_text(pg::Connection& db, const VectorizerInfo& vectorizer, const UseText& use) {
  const pg::Connection::OverRows over_rows(db);
  return db.transaction([&]() -> Result<void> {
    TRY(db.exec("SET TRANSACTION READ ONLY"));
    TRY(pg::pin_settings(db));
    const std::string_view sendable = db.is_utf8() ? "" : " AND embedd.utf8_problem(x.text) IS NULL";
    TRY(db.exec("DECLARE embedd_texts NO SCROLL CURSOR FOR " + waiting_texts(vectorizer, sendable)));
    while (true) {
      auto rows = TRY(db.exec(fmt::format("FETCH {} FROM embedd_texts", kPageRows)));
      for (int i = 0; i < rows.size(); ++i) use(rows.view(i, 0), rows.flag(i, 1));
      if (rows.empty()) return {};
    }
  });
}

}  // namespace embedd::schema
