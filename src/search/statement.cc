#include "search/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pg/quoting.h"
#include "schema/capture_plan.h"
#include "schema/score.h"
#include "schema/sql_text.h"
#include "search/extras.h"
#include "search/filter_sql.h"
#include "search/guards.h"
#include "search/search.h"

namespace embedd::search {
namespace {

/// An index over half precision proposes this many times the candidates; the stored vectors decide which are
/// nearest.
constexpr int kHalfvecProposals = 4;

class Builder {
 public:
  Builder(const Subject& subject, const Request& request, Legs legs, const std::vector<float>& vector)
      : subject_(subject),
        info_(subject.info),
        request_(request),
        legs_(legs),
        alias_(info_.stores() ? "s" : "t") {
    const std::size_t n = info_.key_columns.size();
    keys_ = pg::join_each(n, ", ", [](std::size_t i) { return fmt::format("k{}", i); });
    own_keys_ = named_keys(alias_);
    if (legs_.vector)
      vector_ = request_.similar_to ? "(SELECT o.v FROM origin o)" : binder_.bind(vector_literal(vector));
    if (legs_.text || request_.highlight) query_ = binder_.bind(request_.query);
  }

  Result<Statement> build() {
    TRY(read_conditions());
    const std::string row = TRY(row_sql()), facets = TRY(facets_of());
    std::string legs = TRY(origin());
    if (legs_.vector) legs += vector_leg();
    if (legs_.text) legs += text_leg();
    std::string sql = "WITH " + known_sql(subject_) + types_sql(subject_, named_columns(), legs_.score) +
                      legs + fusion() + scored() + best() + page() + last(row, facets);
    return Statement{std::move(sql), std::move(binder_).take()};
  }

 private:
  /// The columns of the source that the request names.
  [[nodiscard]] std::set<std::string> named_columns() const {
    std::set<std::string> names;
    for (const auto* filter : {&request_.filter, &request_.mandatory, &request_.similar_to})
      if (*filter) collect_columns(**filter, names);
    for (const Facet& facet : request_.facets) names.insert(facet.column);
    for (const std::string& name : columns()) names.insert(name);
    if (!request_.rerank.empty())
      for (const std::string& name : subject_.text.columns()) names.insert(name);
    return names;
  }

  static void collect_columns(const Filter& filter, std::set<std::string>& names) {
    if (filter.kind == Filter::Kind::test) names.insert(filter.column);
    for (const Filter& part : filter.parts) collect_columns(part, names);
  }

  [[nodiscard]] std::string named_keys(std::string_view alias) const {
    return pg::join_each(info_.key_columns.size(), ", ", [&](std::size_t i) {
      return fmt::format("{}.{} AS k{}", alias, pg::quote_identifier(info_.key_columns[i - 1]), i);
    });
  }

  [[nodiscard]] std::string same_keys(std::string_view left, std::string_view right) const {
    return pg::join_each(info_.key_columns.size(), " AND ", [&](std::size_t i) {
      const std::string name = pg::quote_identifier(info_.key_columns[i - 1]);
      return fmt::format("{}.{} OPERATOR(pg_catalog.=) {}.{}", left, name, right, name);
    });
  }

  [[nodiscard]] std::string source() const {
    return pg::quote_qualified(info_.source_schema, info_.source_table) + " t";
  }

  /// Sets where the rows with vectors are, and their conditions. A store has chunks of covered rows only.
  Result<void> read_conditions() {
    std::string filter;
    if (request_.mandatory) {
      mandatory_ = TRY(mandatory_sql(*request_.mandatory, subject_.source, info_.name, binder_));
      filter = mandatory_;
    }
    if (request_.filter)
      filter += " AND (" + TRY(filter_sql(*request_.filter, subject_.source, binder_)) + ")";
    filtered_ = !filter.empty();
    const std::string covered = info_.filter_sql ? fmt::format(" AND ({})", *info_.filter_sql) : "";
    row_conditions_ = covered + filter;
    if (info_.stores()) {
      from_ = subject_.vectors_table() + " s";
      if (filtered_) from_ += fmt::format(" JOIN {} ON {}", source(), same_keys("s", "t"));
      conditions_ = filter;
    } else {
      from_ = source();
      conditions_ = row_conditions_;
    }
    if (!request_.similar_to) return {};
    conditions_ +=
        " AND NOT (" + TRY(filter_sql(*request_.similar_to, subject_.source, binder_, alias_)) + ")";
    return {};
  }

  /// The vector of the row that hits are to be similar to; of a store, the mean of the chunks' vectors.
  Result<std::string> origin() {
    if (!request_.similar_to) return "";
    const Filter& key = *request_.similar_to;
    TRY(check_key(key, info_.key_columns));
    const std::string column = fmt::format("{}.{}", alias_, pg::quote_identifier(info_.destination_column));
    const std::string vector =
        info_.stores() ? fmt::format("(SELECT {}.avg({}) FROM {} s WHERE {})", subject_.pgvector.schema,
                                     column, subject_.vectors_table(), same_keys("s", "t"))
                       : column;
    return fmt::format("origin AS MATERIALIZED (SELECT {} AS v FROM {} WHERE {}{} LIMIT 1), ", vector,
                       source(), TRY(filter_sql(key, subject_.source, binder_)), mandatory_);
  }

  Result<std::string> facets_of() const {
    if (request_.facets.empty()) return "NULL::pg_catalog.text";
    return readable(TRY(facets_sql(
        subject_, request_, fmt::format("{} ON {}", source(), schema::same_key("q", info_.key_columns)))));
  }

  [[nodiscard]] std::string seq() const { return info_.stores() ? "s.chunk_seq" : "0"; }

  [[nodiscard]] std::string distance() const {
    return fmt::format("{}.{} OPERATOR({}.<=>) {}::{}.{}", alias_,
                       pg::quote_identifier(info_.destination_column), subject_.pgvector.schema, vector_,
                       subject_.pgvector.schema, info_.destination_type);
  }

  [[nodiscard]] bool by_half_precision() const {
    return info_.index_kind == "halfvec" && info_.destination_type == "vector";
  }

  /// The distance by which a vector index can order: the operator alone.
  [[nodiscard]] std::string indexed_distance() const {
    if (!by_half_precision()) return distance();
    return fmt::format("{0}.{1}::{2}.halfvec({3}) OPERATOR({2}.<=>) {4}::{2}.halfvec({3})", alias_,
                       pg::quote_identifier(info_.destination_column), subject_.pgvector.schema,
                       info_.dimensions, vector_);
  }

  [[nodiscard]] std::string nearest(const std::string& and_where, const std::string& order, int limit) const {
    const char* origin =
        request_.similar_to ? " AND EXISTS (SELECT FROM origin o WHERE o.v IS NOT NULL)" : "";
    return fmt::format(
        "SELECT {}, {} AS seq, {} AS d FROM {} WHERE {}.{} IS NOT NULL{}{}{} ORDER BY {} LIMIT {}", own_keys_,
        seq(), distance(), from_, alias_, pg::quote_identifier(info_.destination_column), conditions_, origin,
        and_where, order, limit);
  }

  /// The nearest of all rows by distance, then key. No index can give this order.
  [[nodiscard]] std::string exact(const std::string& and_where) const {
    const std::string order =
        fmt::format("(({}) OPERATOR(pg_catalog.+) 0::pg_catalog.float8), {}, seq", distance(), key_order());
    return nearest(and_where, order, request_.candidates);
  }

  [[nodiscard]] std::string key_order() const { return keys_; }

  [[nodiscard]] std::string vector_leg() {
    const int n = request_.candidates;
    std::string out, from = "near";
    if (request_.exact || !subject_.vector_index) {
      out = fmt::format("near AS MATERIALIZED ({}), ", exact(""));
    } else {
      const int proposals = by_half_precision() ? n * kHalfvecProposals : n;
      out = fmt::format("near AS MATERIALIZED ({}), ", nearest("", indexed_distance(), proposals));
      // An index scan may give up before it has found enough rows that pass the filter. Then few rows pass,
      // and all of these are read.
      if (filtered_ || !subject_.pgvector.iterative_scan) {
        const std::string few =
            fmt::format("(SELECT count(*) FROM near) {} {}", "OPERATOR(pg_catalog.<)", proposals);
        out += fmt::format("rest AS MATERIALIZED ({}), ", exact(" AND " + few));
        from = fmt::format("(SELECT * FROM near WHERE NOT {} UNION ALL SELECT * FROM rest) near", few);
      }
    }
    std::string threshold;
    if (request_.min_similarity)
      threshold = fmt::format(" WHERE d OPERATOR(pg_catalog.<=) {}::pg_catalog.float8",
                              binder_.bind(fmt::format("{}", 1 - *request_.min_similarity)));
    return out +
           fmt::format(
               "v AS (SELECT * FROM (SELECT *, row_number() OVER (ORDER BY d, {0}, seq) AS r FROM {1}{2}) "
               "ranked WHERE r OPERATOR(pg_catalog.<=) {3}), ",
               keys_, from, threshold, n);
  }

  [[nodiscard]] std::string tsquery() const {
    return fmt::format("pg_catalog.websearch_to_tsquery({}::pg_catalog.regconfig, {})",
                       pg::quote_literal(subject_.text_search), query_);
  }

  [[nodiscard]] std::string ranked(const std::string& keys, const std::string& seq,
                                   const std::string& document, const std::string& from,
                                   const std::string& and_where) const {
    return fmt::format(
        "SELECT {0}, {1} AS seq, pg_catalog.ts_rank_cd({2}, {3}) AS rank FROM {4} WHERE {2} "
        "OPERATOR(pg_catalog.@@) {3}{5}",
        keys, seq, document, tsquery(), from, and_where);
  }

  [[nodiscard]] std::string text_leg() const {
    std::string out = fmt::format(
        "matches AS MATERIALIZED ({} LIMIT {}), ",
        ranked(own_keys_, seq(), subject_.document_sql(std::string(alias_) + "."), from_, conditions_),
        kMaxMatches + 1);
    std::string found = "SELECT * FROM matches";
    if (info_.stores()) {
      out += waiting();
      if (const std::string document = subject_.row_document_sql("t."); !document.empty())
        found += " UNION ALL " + ranked(named_keys("t"), "-1", document,
                                        fmt::format("waiting q JOIN {} ON {}", source(),
                                                    schema::same_key("q", info_.key_columns)),
                                        row_conditions_);
    }
    return out + fmt::format(
                     "x AS (SELECT *, row_number() OVER (ORDER BY rank DESC, {0}, seq) AS r FROM ({1}) found "
                     "ORDER BY rank DESC, {0}, seq LIMIT {2}), ",
                     keys_, found, request_.candidates);
  }

  /// The rows of a store that wait for their first chunks.
  [[nodiscard]] std::string waiting() const {
    const std::string same = pg::join_each(info_.key_columns.size(), " AND ", [&](std::size_t i) {
      return fmt::format("s.{} OPERATOR(pg_catalog.=) q.k{}", pg::quote_identifier(info_.key_columns[i - 1]),
                         i);
    });
    return fmt::format(
        "queued AS MATERIALIZED (SELECT {} FROM {} LIMIT {}), waiting AS MATERIALIZED (SELECT q.* FROM "
        "queued "
        "q WHERE NOT EXISTS (SELECT FROM {} s WHERE {}) LIMIT {}), ",
        keys_, schema::queue_table(info_.id), kMaxQueued + 1, subject_.vectors_table(), same,
        kMaxWaiting + 1);
  }

  /// Whether rows without chunks may have been left out. Rows that no walk has found are not in the queue.
  [[nodiscard]] std::string backlog() const {
    return fmt::format(
        "((SELECT count(*) FROM queued) OPERATOR(pg_catalog.>) {} OR (SELECT count(*) FROM waiting) "
        "OPERATOR(pg_catalog.>) {} OR (SELECT v.walked_at IS NULL FROM embedd.vectorizers v WHERE v.id "
        "OPERATOR(pg_catalog.=) {}))",
        kMaxQueued, kMaxWaiting, info_.id);
  }

  [[nodiscard]] std::string share(const char* leg, double weight, bool is_vector) {
    return fmt::format(
        "SELECT {}, seq, {}::pg_catalog.float8 OPERATOR(pg_catalog./) (r OPERATOR(pg_catalog.+) "
        "{}::pg_catalog.int8)::pg_catalog.float8 AS share, {} AS rv, {} AS rt FROM {}",
        keys_, binder_.bind(fmt::format("{}", weight)), binder_.bind(std::to_string(request_.rrf_k)),
        is_vector ? "r" : "NULL::pg_catalog.int8", is_vector ? "NULL::pg_catalog.int8" : "r", leg);
  }

  [[nodiscard]] std::string fusion() {
    std::string shares;
    if (legs_.vector) shares = share("v", request_.vector_weight, true);
    if (legs_.text) shares += (shares.empty() ? "" : " UNION ALL ") + share("x", request_.text_weight, false);
    return fmt::format(
        "fused AS (SELECT {0}, seq, pg_catalog.sum(share) AS fused, pg_catalog.min(rv) AS rv, "
        "pg_catalog.min(rt) AS rt "
        "FROM ({1}) shares GROUP BY {0}, seq), ",
        keys_, shares);
  }

  [[nodiscard]] std::string similarity() const {
    return legs_.vector ? fmt::format("(1::pg_catalog.float8 OPERATOR(pg_catalog.-) ({}))", distance())
                        : "NULL::pg_catalog.float8";
  }

  /// Each candidate with the score that decides its place.
  [[nodiscard]] std::string scored() const {
    if (!legs_.score) return "scored AS (SELECT *, fused AS score FROM fused), ";
    return fmt::format(
        "scored AS MATERIALIZED (SELECT q.*, {} AS score FROM fused q JOIN {} ON {}{} OFFSET 0), ",
        schema::score_call(info_, similarity()), source(), schema::same_key("q", info_.key_columns),
        join_chunk());
  }

  /// The place of a candidate. A score may be NULL.
  [[nodiscard]] std::string order() const {
    return fmt::format("score DESC NULLS LAST, {}{}, seq", legs_.score ? "fused DESC, " : "", keys_);
  }

  [[nodiscard]] std::string best() const {
    if (info_.stores() && request_.group_by_row)
      return fmt::format("best AS (SELECT DISTINCT ON ({0}) * FROM scored ORDER BY {0}, {1}), ", keys_,
                         order());
    return "best AS (SELECT * FROM scored), ";
  }

  [[nodiscard]] std::string page() {
    std::string candidates;
    if (!request_.facets.empty())
      candidates = fmt::format("candidates AS MATERIALIZED (SELECT DISTINCT {} FROM best), ", keys_);
    return candidates +
           fmt::format(
               "page AS (SELECT *, row_number() OVER (ORDER BY {0}) AS n FROM best ORDER BY {0} LIMIT "
               "{1}::pg_catalog.int8 OFFSET {2}::pg_catalog.int8) ",
               order(), binder_.bind(std::to_string(request_.k)),
               binder_.bind(std::to_string(request_.offset)));
  }

  [[nodiscard]] std::vector<std::string> columns() const {
    if (request_.columns) return *request_.columns;
    std::vector<std::string> out = info_.key_columns;
    for (const std::string& name : subject_.text.columns())
      if (std::ranges::find(out, name) == out.end() && out.size() < kMaxColumns) out.push_back(name);
    return out;
  }

  /// The row as JSON. A value of a foreign type is written by its type's output function, because a cast
  /// may call any function of the type's owner.
  Result<std::string> row_sql() const {
    std::string out;
    for (const std::string& name : columns()) {
      const schema::SourceColumn* column = subject_.source.find(name);
      if (column == nullptr)
        return fail(ErrorKind::invalid_argument,
                    fmt::format("columns: there is no column '{}'.{}", name, subject_.source.suggest(name)));
      const std::string quoted = "t." + pg::quote_identifier(name);
      if (!out.empty()) out += ", ";
      out += pg::quote_literal(name) + "::pg_catalog.text, ";
      out += column->foreign
                 ? fmt::format("CASE WHEN {0} IS NOT NULL THEN pg_catalog.format('%s', {0}) END", quoted)
                 : quoted;
    }
    return fmt::format("pg_catalog.json_build_object({})::pg_catalog.text", out);
  }

  [[nodiscard]] std::string readable(const std::string& text) const {
    return subject_.utf8 ? text : fmt::format("embedd.readable({})", text);
  }

  /// The text leg's text of a hit, with marks.
  [[nodiscard]] std::string highlight() {
    if (!request_.highlight) return "NULL::pg_catalog.text";
    std::string text = subject_.row_text_sql("t.");
    if (info_.stores() && text.empty()) text = "NULL::pg_catalog.text";
    if (info_.stores())
      text = fmt::format("CASE WHEN q.seq OPERATOR(pg_catalog.<) 0 THEN {} ELSE s.chunk END", text);
    return readable(
        highlight_sql(subject_, text, tsquery(), binder_.bind(highlight_options(*request_.highlight))));
  }

  [[nodiscard]] std::string neighbours() const {
    if (request_.neighbours == 0 || !info_.stores()) return "NULL::pg_catalog.text";
    return readable(neighbours_sql(subject_, request_.neighbours, same_keys("w", "t")));
  }

  /// The beginning of the text that is embedded of a hit: of a store its chunk, without what a template adds.
  [[nodiscard]] std::string text() const {
    if (request_.rerank.empty()) return "NULL::pg_catalog.text";
    std::string text = fmt::format(
        "coalesce({}, '')",
        schema::compile_text(subject_.text, schema::text_types(subject_.source), kMaxRerankCharacters));
    if (info_.stores())
      text = fmt::format(
          "CASE WHEN q.seq OPERATOR(pg_catalog.<) 0 THEN {} ELSE pg_catalog.\"left\"(s.chunk, {}) END", text,
          kMaxRerankCharacters);
    return readable(text);
  }

  /// A join with the store's chunk of candidate `q`.
  [[nodiscard]] std::string join_chunk() const {
    if (!info_.stores()) return "";
    return fmt::format(" LEFT JOIN {} s ON {} AND s.chunk_seq OPERATOR(pg_catalog.=) q.seq",
                       subject_.vectors_table(), same_keys("s", "t"));
  }

  [[nodiscard]] std::string last(const std::string& row, const std::string& facets) {
    const std::string chunk = info_.stores() ? "s.chunk" : "NULL::pg_catalog.text";
    const auto count = [](bool there, const char* from) {
      return there ? fmt::format("(SELECT count(*) FROM {})", from) : std::string("0");
    };
    return fmt::format(
        "SELECT f.key, f.score, f.fused, f.similarity, f.rv, f.rt, f.row, f.seq, f.chunk, f.highlight, "
        "f.neighbours, f.text, "
        "c.page, c.near, c.found, c.matches, c.backlog, c.facets, c.origin "
        "FROM (SELECT (SELECT count(*) FROM page) AS page, {near} AS near, {found} AS found, {matches} AS "
        "matches, {backlog} AS backlog, {facets} AS facets, {origin} AS origin) c "
        "LEFT JOIN (SELECT *, pg_catalog.sum(pg_catalog.octet_length(r.row) OPERATOR(pg_catalog.+) "
        "coalesce(pg_catalog.octet_length(r.chunk), 0) OPERATOR(pg_catalog.+) "
        "coalesce(pg_catalog.octet_length(r.highlight), 0) OPERATOR(pg_catalog.+) "
        "coalesce(pg_catalog.octet_length(r.neighbours), 0) OPERATOR(pg_catalog.+) "
        "coalesce(pg_catalog.octet_length(r.text), 0)) OVER (ORDER BY r.n) AS bytes, row_number() OVER "
        "(ORDER BY r.n) "
        "AS nth FROM (SELECT q.n, {key} AS key, q.score, q.fused, {similarity} AS similarity, q.rv, q.rt, "
        "{row} AS "
        "row, {seq} "
        "AS seq, {chunk} AS chunk, {highlight} AS highlight, {neighbours} AS neighbours, {text} AS text FROM "
        "page q JOIN "
        "{source} ON {same}{store} OFFSET 0) r) f ON f.bytes "
        "OPERATOR(pg_catalog.<=) {most} OR f.nth OPERATOR(pg_catalog.=) 1 WHERE (SELECT ok FROM known) ORDER "
        "BY f.n",
        fmt::arg("near", count(legs_.vector, "v")), fmt::arg("found", count(legs_.text, "x")),
        fmt::arg("matches", count(legs_.text, "matches")),
        fmt::arg("backlog", legs_.text && info_.stores() ? backlog() : "false"),
        fmt::arg("key", readable(info_.key_json_sql + "::pg_catalog.text")),
        fmt::arg("similarity", similarity()), fmt::arg("row", readable(row)),
        fmt::arg("seq", info_.stores() ? "q.seq" : "NULL::pg_catalog.int4"),
        fmt::arg("chunk", readable(chunk)), fmt::arg("source", source()), fmt::arg("facets", facets),
        fmt::arg("highlight", highlight()), fmt::arg("neighbours", neighbours()), fmt::arg("text", text()),
        fmt::arg("origin", request_.similar_to
                               ? "coalesce((SELECT CASE WHEN o.v IS NULL THEN 1 ELSE 2 END FROM origin o), 0)"
                               : "2"),
        fmt::arg("same", schema::same_key("q", info_.key_columns)), fmt::arg("store", join_chunk()),
        fmt::arg("most", kMaxAnswerBytes));
  }

  const Subject& subject_;
  const schema::VectorizerInfo& info_;
  const Request& request_;
  Legs legs_;
  std::string_view alias_;
  Binder binder_;
  std::string keys_, own_keys_;  ///< k1, k2; t."id" AS k1, …
  std::string vector_, query_;   ///< the parameters of the query's vector and text
  std::string from_, conditions_, row_conditions_, mandatory_;
  bool filtered_ = false;
};

}  // namespace

Result<Statement> build_statement(const Subject& subject, const Request& request, Legs legs,
                                  const std::vector<float>& vector) {
  return Builder(subject, request, legs, vector).build();
}

}  // namespace embedd::search
