#include "schema/existing_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "embedded/schema_sql.h"
#include "pg/form.h"
#include "pg/quoting.h"
#include "pg/session_settings.h"
#include "schema/pgvector.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

/// $1: the table. Its owner, if the current role does not have that role's rights; why rows are hidden; the
/// vectorizer that fills it; columns of a domain; columns that the worker's INSERT leaves out and that are
/// then refused, unless they are among $2.
constexpr const char* kFacts = R"(
SELECT CASE WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN pg_catalog.pg_get_userbyid(c.relowner) END,
       embedd.hidden_rows(c.oid), (SELECT v.name FROM embedd.vectorizers v WHERE v.store = c.oid LIMIT 1),
       (SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY ($2::text[]) AND t.typtype = 'd' LIMIT 1),
       (SELECT a.attname FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL ($2::text[]) AND a.attnotnull
          AND NOT a.atthasdef AND a.attidentity = '' ORDER BY a.attnum LIMIT 1)
FROM pg_catalog.pg_class c WHERE c.oid = $1::oid)";

/// The columns that the worker writes, apart from the key's.
const std::vector<std::string> kWritten = {"chunk_seq", "chunk", "embedding", "model_id", "model_version"};

Result<void> check_facts(pg::Connection& db, const SourceTable& table, const std::vector<std::string>& key) {
  std::vector<std::string> written = kWritten;
  written.insert(written.end(), key.begin(), key.end());
  const auto facts = TRY(db.exec(kFacts, {std::to_string(table.oid), pg::array_literal(written)}));
  if (!facts.is_null(0, 2))
    return wrong("the vectorizer {} fills {} already: name another store", facts.view(0, 2), table.quoted());
  if (!facts.is_null(0, 0))
    return fail(ErrorKind::misconfigured,
                fmt::format("only the owner of {} can have its chunks taken over: run this as the role {}",
                            table.quoted(), facts.view(0, 0)));
  if (!facts.is_null(0, 1)) return fail(ErrorKind::misconfigured, facts.text(0, 1));
  if (!facts.is_null(0, 3))
    return wrong("the column '{}' of {} is of a domain: ALTER TABLE {} ALTER COLUMN {} TYPE its base type",
                 facts.view(0, 3), table.quoted(), table.quoted(), pg::quote_identifier(facts.view(0, 3)));
  if (!facts.is_null(0, 4))
    return wrong(
        "new chunks would lack a value for the column '{0}': ALTER TABLE {1} ALTER COLUMN {2} DROP NOT NULL, "
        "or give it a default",
        facts.view(0, 4), table.quoted(), pg::quote_identifier(facts.view(0, 4)));
  return {};
}

Result<void> check_column(const SourceTable& table, std::string_view name, std::string_view type) {
  const SourceColumn* column = table.find(name);
  if (!column || column->generated || (column->type_name != type))
    return wrong("{} is no store: it needs a column {} of type {}", table.quoted(), name, type);
  return {};
}

Result<void> check_columns(const SourceTable& table, const SourceTable& source,
                           const std::vector<std::string>& key) {
  for (const std::string& name : key) {
    const SourceColumn* column = table.find(name);
    const SourceColumn& own = *source.find(name);
    if (!column || column->generated || !column->not_null || column->base_type != own.base_type ||
        column->collation != own.collation)
      return wrong("{} is no store of {}: it needs the key column '{}' as that table has it, {}{} NOT NULL",
                   table.quoted(), source.quoted(), name, own.base_type,
                   own.collation.empty() ? "" : " COLLATE " + own.collation);
  }
  TRY(check_column(table, "chunk_seq", "int4"));
  TRY(check_column(table, "chunk", "text"));
  for (const char* name : {"model_id", "model_version"}) {
    const SourceColumn* column = table.find(name);
    if (column && (column->category != 'S' || column->generated))
      return wrong("the column '{}' of {} is of type {}; a store's is text", name, table.quoted(),
                   column->type);
  }
  return {};
}

Result<void> check_vectors(const SourceTable& table, const VectorizerSpec& spec, CapturePlan::Store& store) {
  const SourceColumn* column = table.find("embedding");
  if (!column || column->generated || (column->type_name != "vector" && column->type_name != "halfvec"))
    return wrong("{} is no store: it needs a column embedding of type vector or halfvec", table.quoted());
  if (column->modifier <= 0)
    return wrong(
        "the column embedding of {0} takes vectors of any length: ALTER TABLE {0} ALTER COLUMN embedding "
        "TYPE {1}(...), with the number that they have",
        table.quoted(), column->type_name);
  if (spec.halfvec && column->type_name != "halfvec")
    return wrong("the vectors of {} are of type vector: leave --halfvec away", table.quoted());
  store.type_name = column->type_name;
  store.dimensions = column->modifier;
  return {};
}

class StoreSql {
 public:
  StoreSql(const VectorizerSpec& spec, const VectorizerInfo& info, const CapturePlan::Store& store,
           std::string source, bool utf8)
      : key_(info.key_columns) {
    const std::string type = store.type.substr(0, store.type.find('('));
    const std::string covered = info.filter_sql
                                    ? fmt::format("CASE WHEN {} THEN {} END", *info.filter_sql, info.text_sql)
                                    : info.text_sql;
    const std::string model = pg::quote_literal(info.model);
    words_ = {
        {"store", store.table},
        {"source", std::move(source)},
        {"ledger", ledger_table(info.id)},
        {"placed", placed_table(info.id)},
        {"keys", each([](std::size_t i, const std::string&) { return fmt::format("k{}", i); })},
        {"ledger_keys", each([](std::size_t i, const std::string&) { return fmt::format("l.k{}", i); })},
        {"store_keys",
         each([](std::size_t i, const std::string& name) { return fmt::format("s.{} AS k{}", name, i); })},
        {"store_names", each([](std::size_t, const std::string& name) { return "s." + name; })},
        {"t_is_h", same_key("h", key_)},
        {"l_is_s", pg::join_each(key_.size(), " AND ",
                                 [&](std::size_t i) {
                                   return fmt::format("l.k{} OPERATOR(pg_catalog.=) s.{}", i,
                                                      pg::quote_identifier(key_[i - 1]));
                                 })},
        {"hash", "pg_catalog.hashtextextended((" + covered + ") COLLATE pg_catalog.\"C\", 0)"},
        {"piece_hash", piece_hash_sql(type, "s")},
        {"vector_hash", vector_hash_sql(type, "s.embedding")},
        {"of_this_model",
         !store.has_model_id ? "true"
         : spec.trust_all
             ? fmt::format("(s.model_id IS NULL OR s.model_id::pg_catalog.text OPERATOR(pg_catalog.=) {})",
                           model)
             : fmt::format("s.model_id::pg_catalog.text OPERATOR(pg_catalog.=) {}", model)},
        {"and_not_waiting",
         and_not_waiting(spec, key_, [](std::size_t i) { return fmt::format("h.k{}", i); })},
        // With a template, the text that was sent is not known, unless pgai stored that text: then a hash
        // that no chunk has.
        {"sent_hash", (spec.chunk_template.empty() || spec.predecessor) && utf8
                          ? "pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(s."
                            "chunk, 'UTF8')), 1, 16), 'hex')::uuid"
                          : "pg_catalog.gen_random_uuid()"}};
  }

  [[nodiscard]] std::string form(std::string_view name) const {
    static const pg::Forms forms(embedded::schema_sql());
    return pg::fill(forms.form(name), words_);
  }

 private:
  template <typename F>
  [[nodiscard]] std::string each(F&& f) const {
    return pg::join_each(key_.size(), ", ",
                         [&](std::size_t i) { return f(i, pg::quote_identifier(key_[i - 1])); });
  }

  const std::vector<std::string>& key_;
  pg::Words words_;
};

}  // namespace

std::string and_not_waiting(const VectorizerSpec& spec, const std::vector<std::string>& key,
                            const std::function<std::string(std::size_t)>& key_of) {
  std::string out;
  if (!spec.predecessor) return out;
  for (const std::string& table : spec.predecessor->waiting)
    out += fmt::format(" AND NOT EXISTS (SELECT FROM {} q WHERE {})", table,
                       pg::join_each(key.size(), " AND ", [&](std::size_t i) {
                         return fmt::format("q.{} OPERATOR(pg_catalog.=) {}",
                                            pg::quote_identifier(key[i - 1]), key_of(i));
                       }));
  return out;
}

Result<void> check_existing_store(pg::Connection& db, const VectorizerSpec& spec, const SourceTable& source,
                                  const std::vector<std::string>& key, CapturePlan::Store& store) {
  const SourceTable table = TRY(inspect_table(db, store.table));
  if (table.oid == source.oid) return wrong("{} cannot be its own store", source.quoted());
  if (table.by_row)
    return wrong("{} is a partition, or has partitions: a store that exists must be a table by itself",
                 store.table);
  TRY(check_columns(table, source, key));
  TRY(check_vectors(table, spec, store));
  std::vector<std::string> numbered = key;
  numbered.emplace_back("chunk_seq");
  if (!TRY(is_unique(db, table, numbered, Unique::at_once)))
    return wrong(
        "{0} is no store: nothing keeps a row's chunk from being there twice; run: ALTER TABLE {0} ADD "
        "UNIQUE ({1}, chunk_seq)",
        store.table,
        pg::join_each(key.size(), ", ", [&](std::size_t i) { return pg::quote_identifier(key[i - 1]); }));
  TRY(check_facts(db, table, key));
  store.has_model_id = table.find("model_id") != nullptr;
  // A temporary default gives all present rows this value, and rewrites none.
  const auto add = [&](const char* column, const std::string& value) {
    if (table.find(column)) return;
    store.added.emplace_back(column);
    store.alterations.push_back(fmt::format("ALTER TABLE {} ADD COLUMN {} text DEFAULT {}", store.table,
                                            column, pg::quote_literal(value)));
    store.alterations.push_back(
        fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", store.table, column));
  };
  add("model_id", spec.model);
  add("model_version", "");
  return {};
}

Result<ExistingVectors> take_stock_of_store(pg::Connection& db, const VectorizerSpec& spec,
                                            const Declaration& declared, const VectorizerInfo& info) {
  TRY(pg::pin_settings(db));
  const pg::Connection::OverRows over_rows(db);
  const StoreSql sql(spec, info, *declared.store, declared.source.quoted(), db.is_utf8());
  const auto counted = TRY(db.exec(sql.form("adopt_store")));
  TRY(db.exec(sql.form("adopt_chunks")));
  ExistingVectors out{.counted = true};
  out.rows = counted.integer(0, 0);
  out.proven = out.adopted = counted.integer(0, 1);
  return out;
}

}  // namespace embedd::schema
