#include "schema/successor.h"

#include <fmt/format.h>

#include <utility>

#include "core/models.h"
#include "pg/quoting.h"
#include "schema/change_table.h"
#include "schema/declaration.h"
#include "schema/made.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

std::string next(const std::string& name) { return name + "_next"; }

std::string next(const std::optional<std::string>& name) { return name ? next(*name) : ""; }

Result<void> check_length(std::string_view name) {
  constexpr std::size_t kMost = 63;  // NAMEDATALEN - 1
  if (name.size() <= kMost) return {};
  return wrong("the name {} has more than {} bytes, PostgreSQL's limit; give it a shorter one first", name,
               kMost);
}

Result<int> dimensions_after(const VectorizerInfo& living, const Change& change) {
  if (change.dimensions) return *change.dimensions;
  if (!change.model || *change.model == living.model) return living.dimensions;
  if (const ModelFacts* model = model_facts(*change.model)) return model->dimensions;
  return wrong("how many dimensions {} has is not known here; say it with --dimensions", *change.model);
}

std::string source_of(const VectorizerInfo& info) {
  return pg::quote_qualified(info.source_schema, info.source_table);
}

std::string store_of(const VectorizerInfo& info) {
  return pg::quote_qualified(info.store_schema, info.store_table);
}

/// Adds the new columns, nullable and without defaults, so that PostgreSQL rewrites no row.
Result<void> add_columns(pg::Connection& db, const VectorizerInfo& living, const VectorizerSpec& spec) {
  const std::string table = source_of(living);
  const auto add = [&](const std::string& column, const std::string& type) -> Result<void> {
    if (column.empty()) return {};
    const auto there = TRY(db.exec(
        "SELECT FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2 AND NOT attisdropped",
        {table, column}));
    if (!there.empty()) return {};
    const std::string statement =
        fmt::format("ALTER TABLE {} ADD COLUMN {} {}", table, pg::quote_identifier(column), type);
    auto added = db.exec(statement);
    if (!added && db.last_sqlstate() == "42501")
      return fail(
          ErrorKind::misconfigured,
          fmt::format("this role may not add the column; as the owner, run: {}; then again", statement));
    if (!added) return std::unexpected(added.error());
    return record_made(db, Made::Kind::column, table, column);
  };
  const char* type = spec.halfvec ? "halfvec" : "vector";
  TRY(add(spec.column, fmt::format("{}.{}({})", living.vector_schema, type, spec.dimensions)));
  TRY(add(spec.model_id_column, "text"));
  return add(spec.model_version_column, "text");
}

/// The vectorizer that is next_of or old_of `name`.
Result<VectorizerInfo> find_related(pg::Connection& db, std::string_view name, const char* relation,
                                    std::string_view lacking) {
  const VectorizerInfo living = TRY(find_vectorizer(db, name));
  const auto rows = TRY(db.exec(fmt::format("SELECT name FROM embedd.vectorizers WHERE {} = $1", relation),
                                {std::to_string(living.id)}));
  if (rows.empty()) return wrong("{} {}", name, lacking);
  return find_vectorizer(db, rows.text(0, 0));
}

Result<void> drop_destination(pg::Connection& db, const VectorizerInfo& info) {
  if (info.stores()) {
    TRY(forget_made_table(db, store_of(info)));
    TRY(db.exec("DROP TABLE IF EXISTS " + store_of(info)));
    return {};
  }
  TRY(db.exec(
      fmt::format("DROP INDEX IF EXISTS {}", pg::quote_qualified(info.source_schema, text_index(info.id)))));
  std::string drops;
  for (const auto& column :
       {std::optional(info.destination_column), info.model_id_column, info.model_version_column})
    if (column) {
      TRY(forget_made_column(db, source_of(info), *column));
      drops +=
          fmt::format("{}DROP COLUMN IF EXISTS {}", drops.empty() ? "" : ", ", pg::quote_identifier(*column));
    }
  TRY(db.exec(fmt::format("ALTER TABLE {} {}", source_of(info), drops)));
  return {};
}

Result<VectorizerInfo> drop_with_vectors(pg::Connection& db, VectorizerInfo info) {
  TRY(check_may_change(db, info));
  TRY(change_table(db, source_of(info), [&]() -> Result<void> {
    TRY(drop_in_transaction(db, info, /*keep_proofs=*/false));
    return drop_destination(db, info);
  }));
  return info;
}

}  // namespace

std::string next_name(std::string_view name) { return std::string(name) + ".next"; }

std::string old_name(std::string_view name) { return std::string(name) + ".old"; }

Result<VectorizerSpec> successor_spec(const VectorizerInfo& living, const Change& change) {
  if (!living.next_of.empty() || !living.old_of.empty())
    return wrong("{} belongs to a change of {} already; change that one", living.name,
                 living.next_of + living.old_of);
  if (!living.stores() && (change.chunk || change.chunk_template))
    return wrong(
        "{} writes into a column, which holds one vector a row; for chunks, create another vectorizer with "
        "--store",
        living.name);
  VectorizerSpec spec;
  spec.name = next_name(living.name);
  spec.table = source_of(living);
  spec.key = living.key_columns;
  spec.text = change.text.value_or(living.text_template);
  spec.where = change.where.value_or(living.filter.value_or(""));
  spec.endpoint = change.endpoint.value_or(living.endpoint);
  spec.model = change.model.value_or(living.model);
  spec.dimensions = TRY(dimensions_after(living, change));
  if (change.send_dimensions)
    spec.send_dimensions = change.send_dimensions;
  else if (spec.model == living.model && spec.dimensions == living.dimensions)
    spec.send_dimensions = living.send_dimensions;
  spec.halfvec = change.halfvec.value_or(living.destination_type == "halfvec");
  spec.long_texts = change.long_texts.value_or(living.long_texts);
  spec.capture_rows = living.capture_rows;
  spec.index = change.index.value_or(living.index_kind);
  spec.score = living.score.value_or("");
  spec.budget = living.budget;
  if (living.stores()) {
    spec.store = pg::quote_qualified(living.store_schema, next(living.store_table));
    spec.chunk = change.chunk.value_or(living.chunk_rule);
    spec.chunk_template = change.chunk_template.value_or(living.chunk_template);
    TRY(check_length(next(living.store_table)));
    return spec;
  }
  spec.column = next(living.destination_column);
  spec.model_id_column = next(living.model_id_column);
  spec.model_version_column = next(living.model_version_column);
  for (const std::string& name : {spec.column, spec.model_id_column, spec.model_version_column})
    TRY(check_length(name));
  return spec;
}

Result<Declared> begin_change(pg::Connection& db, const VectorizerInfo& living, const VectorizerSpec& spec) {
  TRY(check_may_change(db, living));
  return change_table(db, source_of(living), [&]() -> Result<Declared> {
    const auto rows = TRY(db.exec("SELECT name FROM embedd.vectorizers WHERE next_of = $1 OR name = $2",
                                  {std::to_string(living.id), spec.name}));
    if (!rows.empty())
      return wrong(
          "{} is to be replaced by {} already; switch to that one (embedd vectorizer switch {}) or give the "
          "change up (embedd vectorizer change {} --cancel) first",
          living.name, rows.view(0, 0), living.name, living.name);
    if (!living.stores()) TRY(add_columns(db, living, spec));
    // The column's type says whether the vectors are halfvec.
    VectorizerSpec own = spec;
    if (!living.stores()) own.halfvec = false;
    Declared declared = TRY(declare_in_transaction(db, own));
    TRY(
        db.exec("UPDATE embedd.vectorizers SET next_of = $2, text_search = (SELECT text_search FROM "
                "embedd.vectorizers WHERE id = $2) WHERE id = $1",
                {std::to_string(declared.info.id), std::to_string(living.id)}));
    declared.info.next_of = living.name;
    return declared;
  });
}

Result<VectorizerInfo> cancel_change(pg::Connection& db, std::string_view name) {
  return drop_with_vectors(db, TRY(find_related(db, name, "next_of", "has no successor: nothing to cancel")));
}

Result<VectorizerInfo> prune_vectorizer(pg::Connection& db, std::string_view name) {
  return drop_with_vectors(db, TRY(find_related(db, name, "old_of", "replaced nothing: nothing to prune")));
}

}  // namespace embedd::schema
