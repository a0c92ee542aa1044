#include "search/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "pg/quoting.h"

namespace embedd::search {
namespace {

/// A tsvector has at most 1 MiB. A text of this length stays below it, so that an index over the expression
/// fails no user's INSERT.
constexpr int kMaxDocumentCharacters = 100'000;

constexpr const char* kIndexes = R"(
SELECT m.amname, (SELECT max(o.option_value::int) FROM pg_catalog.pg_options_to_table(c.reloptions) o
                  WHERE o.option_name = 'lists')
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisvalid AND m.amname IN ('hnsw', 'ivfflat'))";

std::string value_sql(const Subject& subject, const Template::Value& value, std::string_view alias) {
  const std::string column = std::string(alias) + pg::quote_identifier(value.column);
  const schema::SourceColumn* found = subject.source.find(value.column);
  if (found == nullptr || found->foreign) return "";
  if (!value.keys.empty() && found->type == "json") return "";  // an index would call a function of embedd's
  if (!value.keys.empty())
    return fmt::format("pg_catalog.jsonb_extract_path_text({}, {})", column,
                       pg::join_each(value.keys.size(), ", ", [&](std::size_t i) {
                         return pg::quote_literal(value.keys[i - 1]) + "::pg_catalog.text";
                       }));
  if (found->category != 'S') return "";
  return column + "::pg_catalog.text";
}

std::string tsvector_sql(const Subject& subject, const std::string& text) {
  return fmt::format("pg_catalog.to_tsvector({}::pg_catalog.regconfig, pg_catalog.\"left\"({}, {}))",
                     pg::quote_literal(subject.text_search), text, kMaxDocumentCharacters);
}

Result<Subject> read_subject(pg::Connection& db, schema::VectorizerInfo info, std::string text_search) {
  Subject out{.info = std::move(info), .text_search = std::move(text_search), .utf8 = db.is_utf8()};
  out.pgvector = TRY(schema::find_pgvector(db));
  out.source =
      TRY(schema::inspect_table(db, pg::quote_qualified(out.info.source_schema, out.info.source_table)));
  std::vector<std::string> names;
  std::ranges::transform(out.source.columns, std::back_inserter(names), &schema::SourceColumn::name);
  out.text = TRY(parse_template(out.info.text_template, names));
  if (out.document_sql("").empty()) out.text_search.clear();  // a successor's template may read no text
  const auto indexes = TRY(db.exec(kIndexes, {out.vectors_table()}));
  out.vector_index = !indexes.empty();
  for (int i = 0; i < indexes.size(); ++i)
    out.probes = std::max(out.probes, static_cast<int>(std::ceil(std::sqrt(indexes.number(i, 1)))));
  return out;
}

}  // namespace

std::string Subject::row_text_sql(std::string_view alias) const {
  std::string joined;
  for (const Template::Value& value : text.values()) {
    const std::string sql = value_sql(*this, value, alias);
    if (sql.empty()) continue;
    if (!joined.empty()) joined += " OPERATOR(pg_catalog.||) E'\\n' OPERATOR(pg_catalog.||) ";
    joined += fmt::format("coalesce({}, '')", sql);
  }
  return joined;
}

std::string Subject::row_document_sql(std::string_view alias) const {
  const std::string text = row_text_sql(alias);
  return text.empty() ? "" : tsvector_sql(*this, text);
}

std::string Subject::document_sql(std::string_view alias) const {
  if (info.stores()) return tsvector_sql(*this, fmt::format("{}chunk", alias));
  return row_document_sql(alias);
}

std::string Subject::vectors_table() const {
  return pg::quote_qualified(info.vectors_schema(), info.vectors_table());
}

Result<std::shared_ptr<const Subject>> load_subject(pg::Connection& db, std::string_view name) {
  return db.transaction([&]() -> Result<std::shared_ptr<const Subject>> {
    const auto found =
        TRY(db.exec("SELECT text_search FROM embedd.vectorizers WHERE name = $1 AND rows_of IS NULL",
                    {std::string(name)}));
    if (found.empty()) return nullptr;
    auto info = TRY(schema::find_vectorizer(db, name));
    return std::make_shared<const Subject>(
        TRY(read_subject(db, std::move(info), found.maybe(0, 0).value_or(""))));
  });
}

}  // namespace embedd::search
