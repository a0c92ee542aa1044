#include "schema/declared.h"

#include <utility>

#include "pg/quoting.h"

namespace embedd::schema {
namespace {

/// Of a vectorizer: names as SQL writes them, and what VectorizerInfo lacks. A view counts if embedd has made
/// it over the store.
constexpr const char* kMore = R"(
SELECT pg_catalog.format('%I.%I', $2::text, $3::text), pg_catalog.format('%I.%I', $4::text, $5::text), v.text_search,
  (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
   FROM embedd.made m JOIN pg_catalog.pg_class c ON c.oid = m.object AND c.relkind = 'v'
   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
   JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = v.store
   WHERE m.kind = 'view' ORDER BY m.id LIMIT 1)
FROM embedd.vectorizers v WHERE v.id = $1::bigint)";

VectorizerSpec spec_of(const VectorizerInfo& info) {
  VectorizerSpec spec;
  spec.name = info.name;
  spec.text = info.text_template;
  spec.key = info.key_columns;
  spec.where = info.filter.value_or("");
  spec.score = info.score.value_or("");
  spec.endpoint = info.endpoint;
  spec.model = info.model;
  spec.dimensions = info.dimensions;
  spec.send_dimensions = info.send_dimensions;
  spec.long_texts = info.long_texts;
  spec.index = info.index_kind;
  spec.capture_rows = info.capture_rows;
  spec.budget = info.budget;
  if (info.stores()) {
    spec.chunk = info.chunk_rule;
    spec.chunk_template = info.chunk_template;
    spec.halfvec = info.destination_type == "halfvec";
    return spec;
  }
  spec.column = info.destination_column;
  spec.model_id_column = info.model_id_column.value_or("");
  spec.model_version_column = info.model_version_column.value_or("");
  return spec;
}

/// Whether both name the same table; a name without a schema is looked up as the session finds it.
Result<bool> same_table(pg::Connection& db, const std::string& one, const std::string& other) {
  if (one == other) return true;
  const auto rows =
      TRY(db.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL AND pg_catalog.to_regclass($1) = "
                  "pg_catalog.to_regclass($2)",
                  {one, other}));
  return rows.flag(0, 0);
}

/// The same of a store, whose name without a schema belongs to its table's schema.
Result<bool> same_store(pg::Connection& db, const std::string& wanted, const VectorizerSpec& there) {
  const auto rows = TRY(db.exec(R"(
SELECT (CASE WHEN $1 = '' THEN ARRAY[(pg_catalog.parse_ident($3))[1], (pg_catalog.parse_ident($3))[2] || '_embedding_store']
             WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1
             THEN ARRAY[(pg_catalog.parse_ident($3))[1]] || pg_catalog.parse_ident($1)
             ELSE pg_catalog.parse_ident($1) END) = pg_catalog.parse_ident($2))",
                                {wanted, *there.store, there.table}));
  return rows.flag(0, 0);
}

}  // namespace

Result<std::vector<DeclaredVectorizer>> list_declared(pg::Connection& db) {
  std::vector<DeclaredVectorizer> out;
  for (const VectorizerInfo& info : TRY(list_vectorizers(db))) {
    if (!info.next_of.empty() || !info.old_of.empty()) continue;
    const auto more = TRY(db.exec(kMore, {std::to_string(info.id), info.source_schema, info.source_table,
                                          info.store_schema, info.store_table}));
    if (more.empty()) continue;  // dropped meanwhile
    DeclaredVectorizer each{.spec = spec_of(info), .paused = info.paused};
    each.spec.table = more.text(0, 0);
    if (info.stores()) each.spec.store = more.text(0, 1);
    if (!more.is_null(0, 2)) each.text_search = more.text(0, 2);
    if (!more.is_null(0, 3)) each.spec.view = more.text(0, 3);
    out.push_back(std::move(each));
  }
  return out;
}

Result<std::vector<std::string>> differences(pg::Connection& db, const DeclaredVectorizer& wanted,
                                             const DeclaredVectorizer& there) {
  std::vector<std::string> out;
  const VectorizerSpec &w = wanted.spec, &t = there.spec;
  const auto check = [&out](const char* name, bool same) {
    if (!same) out.emplace_back(name);
  };
  check("table", TRY(same_table(db, w.table, t.table)));
  check("key", w.key.empty() || w.key == t.key);
  check("store",
        w.store.has_value() == t.store.has_value() && (!w.store || TRY(same_store(db, *w.store, t))));
  check("column", w.column == t.column);
  check("model_id_column", w.model_id_column == t.model_id_column);
  check("model_version_column", w.model_version_column == t.model_version_column);
  check("capture", w.capture_rows == t.capture_rows);
  check("text", w.text == t.text);
  check("where", w.where == t.where);
  check("endpoint", w.endpoint == t.endpoint);
  check("model", w.model.empty() || w.model == t.model);
  check("dimensions", w.dimensions == 0 || w.dimensions == t.dimensions);
  check("send_dimensions", !w.send_dimensions || w.send_dimensions == t.send_dimensions);
  check("chunk", !w.store || w.chunk == t.chunk);
  check("chunk_template", w.chunk_template == t.chunk_template);
  check("halfvec", !w.store || w.halfvec == t.halfvec);
  check("long_texts", w.long_texts == t.long_texts);
  // What saves money comes before what takes long.
  check("budget_usd_per_day", !wanted.budget.usd || *wanted.budget.usd == t.budget.usd);
  check("budget_tokens_per_day", !wanted.budget.tokens || *wanted.budget.tokens == t.budget.tokens);
  check("paused", wanted.paused == there.paused);
  check("index", w.index == t.index);
  check("score", w.score == t.score);
  check("text_search",
        wanted.text_search == there.text_search || there.text_search == "pg_catalog." + wanted.text_search);
  return out;
}

}  // namespace embedd::schema
