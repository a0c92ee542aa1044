#include "search/extras.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/quoting.h"

namespace embedd::search {
namespace {

/// Whether values of the column can be told apart and put in order by PostgreSQL's own functions alone.
bool is_countable(const schema::SourceColumn& column) {
  if (column.foreign) return column.kind == 'e';
  return std::string_view("NSBDTEIVA").find(column.category) != std::string_view::npos ||
         column.type_name == "uuid";
}

bool is_text_array(const schema::SourceColumn& column) {
  return column.category == 'A' && (column.base_type.contains("text") || column.base_type.contains("char"));
}

std::string shortened(const std::string& text) {
  return fmt::format("pg_catalog.\"left\"({}::pg_catalog.text, {})", text, kMaxFacetCharacters);
}

std::string counts_sql(const schema::SourceColumn& column, int most, std::string_view join) {
  const std::string name = "t." + pg::quote_identifier(column.name);
  std::string value = column.category == 'S' ? shortened(name) : name, from(join);
  if (column.category == 'A') {  // a row counts once for each element
    value = "e.v";
    from = fmt::format("{} CROSS JOIN LATERAL (SELECT DISTINCT {} AS v FROM pg_catalog.unnest({}) u (v)) e",
                       join, is_text_array(column) ? shortened("u.v") : "u.v", name);
  }
  return fmt::format(
      "(SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('value', z.v, 'count', z.c) ORDER "
      "BY "
      "z.c DESC, z.v), '[]'::pg_catalog.json) FROM (SELECT {0} AS v, pg_catalog.count(*) AS c FROM "
      "candidates "
      "q JOIN {1} WHERE {0} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {2}) z)",
      value, from, most);
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default: out += c;
  }
}

}  // namespace

std::string highlight_sql(const Subject& subject, const std::string& text, std::string_view tsquery,
                          std::string_view options) {
  return fmt::format(
      "pg_catalog.ts_headline({}::pg_catalog.regconfig, pg_catalog.translate(pg_catalog.\"left\"({}, {}), "
      "pg_catalog.chr(1) OPERATOR(pg_catalog.||) pg_catalog.chr(2), ''::pg_catalog.text), {}, "
      "{}::pg_catalog.text)",
      pg::quote_literal(subject.text_search), text, kMaxMarkedCharacters, tsquery, options);
}

std::string highlight_options(const Highlight& highlight) {
  return fmt::format(
      "StartSel={}, StopSel={}, MaxFragments={}, MaxWords={}, MinWords={}, FragmentDelimiter=\" ... \"",
      kMarkStart, kMarkEnd, highlight.fragments, highlight.words, std::max(1, highlight.words / 3));
}

std::string with_markers(std::string_view marked, const Highlight& highlight) {
  std::string out;
  for (const char c : marked) {
    if (c == kMarkStart)
      out += highlight.start;
    else if (c == kMarkEnd)
      out += highlight.end;
    else if (highlight.escape)
      append_escaped(out, c);
    else
      out += c;
  }
  return out;
}

Result<std::string> facets_sql(const Subject& subject, const Request& request, std::string_view join) {
  std::string columns;
  for (const Facet& facet : request.facets) {
    const schema::SourceColumn* column = subject.source.find(facet.column);
    if (column == nullptr)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("facets.{0}: there is no column '{0}'.{1}", facet.column,
                              subject.source.suggest(facet.column)));
    if (!is_countable(*column))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("facets.{}: the column is of type {}, whose values cannot be counted",
                              facet.column, column->type));
    if (!columns.empty()) columns += ", ";
    columns += fmt::format("{}::pg_catalog.text, {}", pg::quote_literal(facet.column),
                           counts_sql(*column, facet.most, join));
  }
  return fmt::format(
      "pg_catalog.json_build_object('over', 'candidates', 'rows', (SELECT pg_catalog.count(*) FROM "
      "candidates), 'columns', "
      "pg_catalog.json_build_object({}))::pg_catalog.text",
      columns);
}

std::string neighbours_sql(const Subject& subject, int neighbours, std::string_view same_keys) {
  return fmt::format(
      "(SELECT pg_catalog.json_agg(pg_catalog.json_build_object('seq', w.chunk_seq, 'text', w.chunk) ORDER "
      "BY "
      "w.chunk_seq) FROM {0} w WHERE {1} AND w.chunk_seq OPERATOR(pg_catalog.>=) (q.seq "
      "OPERATOR(pg_catalog.-) {2}) AND w.chunk_seq OPERATOR(pg_catalog.<=) (q.seq OPERATOR(pg_catalog.+) "
      "{2}) "
      "AND w.chunk_seq OPERATOR(pg_catalog.<>) q.seq)::pg_catalog.text",
      subject.vectors_table(), same_keys, neighbours);
}

}  // namespace embedd::search
