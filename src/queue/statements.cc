#include "queue/statements.h"

#include <fmt/format.h>

#include <string>

#include "base/check.h"
#include "pg/form.h"
#include "pg/quoting.h"
#include "queue/sql_file.h"
#include "schema/sql_text.h"

namespace embedd::queue {
namespace {

/// Fills in the placeholders of a statement's form:
///
///   {queue} {ledger} {source} {id}       names, the vectorizer's id
///   {types}                              a first part of WITH: no statement on columns of other types
///   {text} {hash}                        over alias t; NULL if the row is not covered or its text is empty
///   {vector_hash}                        over alias t, of the stored vector; NULL if there is none
///   {refusal}                            guarded: why nobody can judge the row; else NULL or ''
///   {not_utf8}                           guarded: the SQLSTATE with which r.text cannot be converted
///   {keys} {keys:q} {keys:t}             k1, k2   q.k1, q.k2   t."id" AS k1, t."part" AS k2
///   {out:f}                              k1..kn of f as we are sent them
///   {in}                                 those of a settlement's jobs as they are stored
///   {row:t} {desc:p}                     t."id", t."part"   p.k1 DESC, p.k2 DESC
///   {q=j} {t=f}                          the keys of the two are equal
///   {$3}                                 one of the parameters after the jobs: {$1} is the first
class Form {
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
        {"types",
         fmt::format("types AS (SELECT FROM {} t WHERE {})", definition.source, definition.types_sql)},
        {"text", "(" + covered + ")"},
        {"refusal", refusal},
        {"not_utf8", not_utf8},
        {"hash", "pg_catalog.hashtextextended((" + covered + ") COLLATE pg_catalog.\"C\", 0)"},
        {"destination", pg::quote_identifier(definition.destination_column)},
        {"vector_hash", schema::vector_hash_sql(definition.destination_type,
                                                "t." + pg::quote_identifier(definition.destination_column))},
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
  }

  /// The statement in sql/`file`.sql. `parts` are placeholders of that file alone, which may hold others.
  [[nodiscard]] pg::Statement statement(std::string_view file, const pg::Words& parts = {}) const {
    std::string form(sql_file(file));
    if (!parts.empty())
      form = pg::fill(form, [&](std::string_view name) {
        const auto part = parts.find(name);
        return part != parts.end() ? part->second : fmt::format("{{{}}}", name);
      });
    return pg::Statement(pg::fill(form, [this](std::string_view name) { return word(name); }));
  }

  /// What the steps of one action need of sql/settle.sql. `columns` and `arrays`: what comes with each job
  /// beside its key. `fenced`: more columns of the jobs that are still ours. `outcome`: over `j`, NULL for
  /// what is not fenced.
  struct Settling {
    std::string columns{}, arrays{}, fenced{}, outcome;
  };
  [[nodiscard]] pg::Statement settle(std::string_view file, const Settling& settling) const {
    return statement("settle", {{"columns", settling.columns},
                                {"arrays", settling.arrays},
                                {"fenced", settling.fenced},
                                {"steps", std::string(sql_file(file))},
                                {"outcome", settling.outcome}});
  }

 private:
  template <typename F>
  [[nodiscard]] std::string each(std::string_view separator, F&& f) const {
    return pg::join_each(n_, separator, std::forward<F>(f));
  }

  [[nodiscard]] std::string key(std::string_view alias, std::size_t i) const {
    if (alias == "t") return "t." + pg::quote_identifier(definition_.key_columns[i - 1]);
    return fmt::format("{}.k{}", alias, i);
  }

  [[nodiscard]] bool as_bytes(std::size_t i) const { return travels_as_bytes(definition_, i - 1); }
  [[nodiscard]] const std::string& type(std::size_t i) const { return definition_.key_types[i - 1]; }
  [[nodiscard]] std::string stored(std::string_view bytes, std::size_t i) const {
    return fmt::format("embedd.text_of({})::{}", bytes, type(i));
  }

  [[nodiscard]] std::string word(std::string_view name) const {
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
        // Qualified, since a varchar has no `=` of its own: somebody else's would be preferred to text's.
        return key(name.substr(0, equals), i) + " OPERATOR(pg_catalog.=) " + key(name.substr(equals + 1), i);
      });
    const auto found = words_.find(name);
    CHECK(found != words_.end(), "no placeholder {}", name);
    return found->second;
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

constexpr const char* kIfFenced = "CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'd' END";

pg::Statement make_complete(const Form& form) {
  return form.settle(
      "complete",
      {.columns = ", slot, hash",
       .arrays = ", {$1}::int[], {$2}::bigint[]",
       .fenced = ", q.kept_at, CASE WHEN j.slot < 0 AND q.kept_hash = j.hash THEN q.kept END AS kept",
       .outcome = "CASE WHEN j.n IN (SELECT n FROM wrote) THEN 'd' WHEN j.n IN (SELECT n FROM left_over "
                  "WHERE held) THEN 'k' WHEN j.n IN (SELECT n FROM left_over) THEN 's' END"});
}

pg::Statement make_keep(const Form& form) {
  return form.settle("keep", {.columns = ", slot, hash",
                              .arrays = ", {$1}::int[], {$2}::bigint[]",
                              .fenced = ", q.kept_at",
                              .outcome = "CASE WHEN j.n IN (SELECT n FROM fenced) THEN 'k' END"});
}

pg::Statement make_clear(const Form& form) {
  return form.settle(
      "clear",
      {.fenced = ", q.kept_at",
       .outcome = "CASE WHEN j.n IN (SELECT n FROM cleared) THEN 'd' WHEN j.n IN (SELECT n FROM left_over "
                  "WHERE filled) THEN 's' WHEN j.n IN (SELECT n FROM left_over) THEN 'k' END"});
}

pg::Statement make_drop(const Form& form) {
  return form.settle("drop", {.outcome = "CASE WHEN j.n IN (SELECT n FROM proven) THEN 'd' WHEN j.n IN "
                                         "(SELECT n FROM fenced) THEN 's' END"});
}

pg::Statement make_reschedule(const Form& form) {
  return form.settle(
      "reschedule",
      {.columns = ", row_hash, purchases", .arrays = ", {$1}::bigint[], {$2}::int[]", .outcome = kIfFenced});
}

pg::Statement make_extend(const Form& form) { return form.settle("extend", {.outcome = kIfFenced}); }

pg::Statement make_discard(const Form& form) {
  return form.settle("discard",
                     {.columns = ", hash",
                      .arrays = ", {$1}::bigint[]",
                      .fenced = ", q.attempt + 1 AS attempts, {key_json} AS key_json",
                      .outcome = "CASE WHEN j.n IN (SELECT n FROM buried) THEN 'd' WHEN j.n IN (SELECT n "
                                 "FROM stale) THEN 's' WHEN j.n IN (SELECT n FROM fenced) THEN 'b' END"});
}

/// A row whose vector was replaced so often is left as it is.
constexpr int kMostRepairs = 3;

pg::Statement make_reconcile(const Form& form, bool first) {
  // What the triggers missed until now, this walk finds; if it does not get to its end, it is due again.
  const std::string_view made_up =
      first ? "DELETE FROM embedd.missed_changes m WHERE m.vectorizer_id = {id} AND (SELECT yes FROM walks) "
              "RETURNING 1"
            : "SELECT 1 WHERE false";
  return form.statement("reconcile", {{"after_page", first ? "" : "AND ({row:t}) > ({cursor})"},
                                      {"after_proofs", first ? "" : "AND ({row:l}) > ({cursor})"},
                                      // Whoever takes the walk over looks at this page again.
                                      {"begins_at", first ? "NULL::bytea" : "$5::bytea"},
                                      {"most_repairs", std::to_string(kMostRepairs)},
                                      {"made_up", std::string(made_up)}});
}

}  // namespace

bool travels_as_bytes(const Definition& definition, std::size_t column) {
  const std::string& type = definition.key_types[column];
  return definition.encoding != "UTF8" &&
         (type == "text" || type == "name" || type == "bpchar" || type.starts_with("character"));
}

QueueStatements::QueueStatements(const Definition& definition, bool guarded)
    : claim(Form(definition, guarded).statement("claim")),
      complete(make_complete(Form(definition, guarded))),
      keep(make_keep(Form(definition, guarded))),
      clear(make_clear(Form(definition, guarded))),
      drop(make_drop(Form(definition, guarded))),
      reschedule(make_reschedule(Form(definition, guarded))),
      extend(make_extend(Form(definition, guarded))),
      discard(make_discard(Form(definition, guarded))),
      begin_walk(Form(definition, guarded).statement("walk_begin")),
      reconcile_first(make_reconcile(Form(definition, guarded), true)),
      reconcile(make_reconcile(Form(definition, guarded), false)) {}

}  // namespace embedd::queue
