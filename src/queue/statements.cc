#include "queue/statements.h"

#include <fmt/format.h>

#include <string>

#include "base/check.h"
#include "pg/form.h"
#include "pg/quoting.h"
#include "queue/forms.h"
#include "schema/sql_text.h"

namespace embedd::queue {

/// Fills in the placeholders of a statement's form:
///
///   {queue} {ledger} {source} {id}       names, the vectorizer's id
///   {types}                              a first part of WITH: no statement on columns of other types
///   {text} {hash}                        over alias t; NULL if the row is not covered or its text is empty
///   {vector_hash}                        over alias t, of the stored vector; NULL if there is none
///   {refusal}                            guarded: why nobody can judge the row; else NULL or ''
///   {not_utf8}                           guarded: the SQLSTATE with which r.text cannot be converted
///   {has_vector} {written_since}         over alias t: whether there is a vector; written lately
///   {has_any}                            over alias q, of a walk: whether anything is there to be cleared
///   {keys} {keys:q} {keys:t}             k1, k2   q.k1, q.k2   t."id" AS k1, t."part" AS k2
///   {here}                               true if source and store have these names; else the statement fails
///   {out:f}                              k1..kn of f, as the worker receives them
///   {in}                                 k1..kn of a settlement's jobs, as they are stored
///   {row:t} {desc:p}                     t."id", t."part"   p.k1 DESC, p.k2 DESC
///   {q=j} {t=f}                          the keys of the two are equal
///   {$3}                                 one of the parameters after the jobs: {$1} is the first
class QueueStatements::Form {
 public:
  Form(const Definition& definition, bool guarded)
      : definition_(definition), n_(definition.key_columns.size()) {
    const std::optional<std::string>& filter = definition.filter_sql;
    const std::string not_utf8 = guarded ? "embedd.utf8_problem(r.text)" : "NULL::text";
    guarded = guarded && filter;
    const std::string refusal =
        guarded ? fmt::format("embedd.refusal({}, t.*)", pg::quote_literal(*filter)) : "NULL::text";
    const std::string covered =
        filter ? fmt::format("CASE WHEN {} THEN {} END", guarded ? refusal + " IS NULL" : *filter,
                             definition.text_sql)
               : definition.text_sql;
    words_ = {
        {"queue", schema::queue_table(definition.vectorizer.id)},
        {"ledger", schema::ledger_table(definition.vectorizer.id)},
        {"source", definition.source},
        {"id", std::to_string(definition.vectorizer.id)},
        {"here", these_tables(definition)},
        {"types",
         fmt::format("types AS (SELECT FROM {} t WHERE {})", definition.source, definition.types_sql)},
        {"text", "(" + covered + ")"},
        {"refusal", refusal},
        {"not_utf8", not_utf8},
        {"hash", "pg_catalog.hashtextextended((" + covered + ") COLLATE pg_catalog.\"C\", 0)"},
        {"destination", pg::quote_identifier(definition.destination_column)},
        {"vector_hash", schema::vector_hash_sql(definition.destination_type,
                                                "t." + pg::quote_identifier(definition.destination_column))},
        {"has_vector", fmt::format("t.{} IS NOT NULL", pg::quote_identifier(definition.destination_column))},
        {"has_any", "q.stored"},
        {"written_since", "pg_catalog.age(t.xmin) <= (SELECT age FROM proven_rows)"},
        {"forget_chunks", ""},
        {"forget_staged", ""},
        {"watched", ""},
        {"triggers", "5"},
        {"kept_task", "2"},
        {"cut:q", ""},
        {"cut:f", ""},
        {"cut_from", "NULL::bigint, NULL::bigint, NULL::bytea, NULL::boolean, NULL::bigint"},
        {"claimed", "f.text"},
        {"dead_chunk", ""},
        {"vector", definition.vector_type},
        {"stored", definition.destination_type},
        {"key_json", definition.key_json_sql},
        {"margin", "interval '2 s'"},
        {"keys", each(", ", [](std::size_t i) { return fmt::format("k{}", i); })},
        {"key_arrays", each(", ",
                            [&](std::size_t i) {
                              return fmt::format("${}::{}[]", i + 1, as_bytes(i) ? "bytea" : type(i));
                            })},
        {"in", each(", ",
                    [&](std::size_t i) {
                      const std::string key = fmt::format("k{}", i);
                      return as_bytes(i) ? fmt::format("{} AS {}", stored(key, i), key) : key;
                    })},
        {"cursor", each(", ",
                        [&](std::size_t i) {
                          const std::string parameter =
                              fmt::format("${}::{}", i + 5, as_bytes(i) ? "bytea" : type(i));
                          return as_bytes(i) ? stored(parameter, i) : parameter;
                        })},
        {"set_model", set_model()},
        {"unset_model", unset_model()}};
    if (definition.store) describe(*definition.store);
  }

  /// The statement in sql/`file`.sql. `more`: placeholders of that file alone, whose words may have
  /// placeholders.
  [[nodiscard]] pg::Statement statement(std::string_view file, const pg::Words& more = {}) const {
    const std::string form = forms().form(file);
    const bool reads_source = form.contains("{source}");
    return pg::Statement(pg::fill(form, [&](std::string_view name) {
      if (name == "here" && !reads_source) return std::string("true");
      const auto found = more.find(name);
      return found == more.end() ? word(name) : filled(found->second);
    }));
  }

  /// A statement that settles jobs. `columns` and `arrays`: what comes with each job beside its key.
  [[nodiscard]] pg::Statement settling(std::string_view file, const std::string& columns = "",
                                       const std::string& arrays = "") const {
    return statement(file, {{"columns", columns}, {"arrays", arrays}});
  }

  [[nodiscard]] pg::Statement staging() const {
    if (!stores()) return pg::Statement("");
    return settling("stage", ", hash, next_characters, next_chunks, next_state",
                    ", {$1}::bigint[], {$2}::bigint[], {$3}::int[], {$4}::bytea[]");
  }

  [[nodiscard]] bool stores() const { return definition_.store.has_value(); }

 private:
  /// Sets what the placeholders mean if the vectors are in a store: the files store_*.sql.
  void describe(const Definition::Store& store) {
    const VectorizerId id = definition_.vectorizer.id;
    const auto set = [this](const char* name, std::string value) { words_[name] = std::move(value); };
    const auto vector_hash = [this](const char* alias) {
      return schema::vector_hash_sql(definition_.destination_type, fmt::format("{}.embedding", alias));
    };
    const auto piece_hash = [&](const char* alias) {
      return schema::piece_hash_sql(definition_.destination_type, alias);
    };
    set("store", store.table);
    set("staged", schema::staged_table(id));
    set("placed", schema::placed_table(id));
    set("chunks", schema::chunks_table(id));
    set("chunks_id", std::to_string(store.chunks));
    set("names",
        each(", ", [&](std::size_t i) { return pg::quote_identifier(definition_.key_columns[i - 1]); }));
    set("key_types:s", each(" AND ", [&](std::size_t i) {
          return fmt::format("embedd.exactly({}, NULL::{})", key("s", i), type(i));
        }));
    set("source_types", words_.find("types")->second);
    set("vector_hash:p", vector_hash("p"));
    set("piece_hash:p", piece_hash("p"));
    set("piece_hash:s", piece_hash("s"));
    set("chunk_vector", schema::chunk_vector_sql(id, store.table, definition_.key_columns, vector_hash("s")));
    set("window", std::to_string(kWindowCharacters));
    set("watched", fmt::format(" UNION ALL SELECT {}::regclass", pg::quote_literal(store.table)));
    set("triggers", "4");
    set("cut:q", ", q.cut_hash, q.cut_characters, q.cut_chunks, q.cut_state");
    set("cut:f",
        ", f.cut_hash = s.hash AND f.cut_characters >= 0 AS begun, f.cut_characters, "
        "f.cut_chunks, f.cut_state");
    const auto file = [&](const char* name, const char* from, const char* after = "") {
      set(name, filled(forms().form(from)) + after);
    };
    file("vector_hash", "store_vector_hash");
    file("has_vector", "store_has_vector");
    set("has_any", filled("EXISTS (SELECT FROM {store} s WHERE {s=q})"));
    file("written_since", "store_written_since");
    file("forget_chunks", "store_forget", "\n");
    file("forget_staged", "store_forget_staged", "\n");
    file("types", "store_types");
    file("kept_task", "store_kept_task");
    file("cut_from", "store_cut_from");
    file("claimed", "store_claimed");
    file("dead_chunk", "store_refusal", " ");
  }

  template <typename F>
  [[nodiscard]] std::string each(std::string_view separator, F&& f) const {
    return pg::join_each(n_, separator, std::forward<F>(f));
  }

  /// SQL that is true, or fails the statement as a missing table would. After a renaming, until the next poll
  /// tells the new names, the old names may belong to another table, or to another vectorizer's column.
  static std::string these_tables(const Definition& definition) {
    const auto is_called = [](const std::string& table, const char* column) {
      return fmt::format("{}::pg_catalog.regclass OPERATOR(pg_catalog.=) v.{}", pg::quote_literal(table),
                         column);
    };
    std::string are_called = is_called(definition.source, "source");
    if (definition.store) {
      are_called += " AND " + is_called(definition.store->table, "store");
    } else {
      const auto is_written = [](const std::optional<std::string>& name, const char* column) {
        return fmt::format(" AND coalesce(v.{}, '') OPERATOR(pg_catalog.=) {}", column,
                           pg::quote_literal(name.value_or("")));
      };
      are_called += is_written(definition.destination_column, "destination_column") +
                    is_written(definition.model_id_column, "model_id_column") +
                    is_written(definition.model_version_column, "model_version_column");
    }
    return fmt::format(
        "CASE WHEN (SELECT {} FROM embedd.vectorizers v WHERE v.id = {}) THEN true "
        "ELSE pg_catalog.regclass({}::pg_catalog.text) IS NULL END",
        are_called, definition.vectorizer.id,
        pg::quote_literal(pg::quote_identifier("the table that this vectorizer reads")));
  }

  [[nodiscard]] std::string filled(std::string_view form) const {
    return pg::fill(form, [this](std::string_view name) { return word(name); });
  }

  [[nodiscard]] std::string key(std::string_view alias, std::size_t i) const {
    if (alias == "t" || alias == "s")
      return fmt::format("{}.{}", alias, pg::quote_identifier(definition_.key_columns[i - 1]));
    return fmt::format("{}.k{}", alias, i);
  }

  [[nodiscard]] bool as_bytes(std::size_t i) const { return travels_as_bytes(definition_, i - 1); }
  [[nodiscard]] const std::string& type(std::size_t i) const { return definition_.key_types[i - 1]; }
  [[nodiscard]] std::string stored(std::string_view bytes, std::size_t i) const {
    return fmt::format("embedd.text_of({})::{}", bytes, type(i));
  }

  [[nodiscard]] std::string word(std::string_view name) const {
    if (const auto found = words_.find(name); found != words_.end()) return found->second;
    if (name.starts_with('$')) return fmt::format("${}", n_ + 1 + static_cast<std::size_t>(name[1] - '0'));
    if (name.starts_with("keys:")) {
      const std::string_view alias = name.substr(5);
      return each(", ", [&](std::size_t i) {
        return alias == "t" ? fmt::format("{} AS k{}", key(alias, i), i) : key(alias, i);
      });
    }
    if (name.starts_with("out:"))
      return each(", ", [&](std::size_t i) {
        const std::string out = key(name.substr(4), i);
        return as_bytes(i) ? fmt::format("pg_catalog.convert_to({}, pg_catalog.getdatabaseencoding())", out)
                           : out;
      });
    if (name.starts_with("desc:"))
      return each(", ", [&](std::size_t i) { return key(name.substr(5), i) + " DESC"; });
    if (name.starts_with("row:")) return each(", ", [&](std::size_t i) { return key(name.substr(4), i); });
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos)
      return each(" AND ", [&](std::size_t i) {
        // Qualified, because varchar has no `=` of its own, and a stranger's `=` would win over text's.
        return key(name.substr(0, equals), i) + " OPERATOR(pg_catalog.=) " + key(name.substr(equals + 1), i);
      });
    CHECK(false, "no placeholder {}", name);
  }

  [[nodiscard]] std::string set_model() const {
    std::string out;
    std::size_t parameter = n_ + 5;  // after the jobs, slots, hashes and vectors
    for (const auto& column : {definition_.model_id_column, definition_.model_version_column})
      if (column) out += fmt::format(", {} = ${}::text", pg::quote_identifier(*column), parameter++);
    return out;
  }

  [[nodiscard]] std::string unset_model() const {
    std::string out;
    for (const auto& column : {definition_.model_id_column, definition_.model_version_column})
      if (column) out += fmt::format(", {} = NULL", pg::quote_identifier(*column));
    return out;
  }

  const Definition& definition_;
  std::size_t n_;
  pg::Words words_;
};

pg::Statement QueueStatements::walk_page_from(const Form& form, bool first) {
  return form.statement("walk_page", {{"after_page", first ? "" : "AND ({row:t}) > ({cursor})"},
                                      {"after_proofs", first ? "" : "AND ({row:l}) > ({cursor})"},
                                      // A worker that takes over the walk reads this page again.
                                      {"begins_at", first ? "NULL::bytea" : "$5::bytea"},
                                      // A row whose vector was replaced this often is left as it is.
                                      {"most_repairs", "3"},
                                      {"first", first ? "true" : "false"}});
}

bool travels_as_bytes(const Definition& definition, std::size_t column) {
  const std::string& type = definition.key_types[column];
  return definition.encoding != "UTF8" &&
         (type == "text" || type == "name" || type == "bpchar" || type.starts_with("character"));
}

QueueStatements::QueueStatements(const Definition& definition, bool guarded)
    : QueueStatements(Form(definition, guarded)) {}

QueueStatements::QueueStatements(const Form& form)
    : claim(form.statement("claim")),
      complete(form.settling(form.stores() ? "swap" : "complete", ", slot, hash",
                             ", {$1}::int[], {$2}::bigint[]")),
      keep(form.settling("keep", ", slot, hash", ", {$1}::int[], {$2}::bigint[]")),
      clear(form.settling(form.stores() ? "empty" : "clear")),
      drop(form.settling("drop")),
      reschedule(form.settling("reschedule", ", row_hash, purchases", ", {$1}::bigint[], {$2}::int[]")),
      extend(form.settling("extend")),
      discard(form.settling(form.stores() ? "bury" : "discard", ", hash", ", {$1}::bigint[]")),
      stage(form.staging()),
      begin_walk(form.statement("walk_begin")),
      walk_page_first(walk_page_from(form, true)),
      walk_page(walk_page_from(form, false)) {}

}  // namespace embedd::queue
