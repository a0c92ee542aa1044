#include "schema/declaration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/job.h"
#include "core/models.h"
#include "pg/quoting.h"
#include "schema/declarer.h"
#include "schema/pgai.h"
#include "schema/store.h"
#include "schema/text_columns.h"
#include "schema/vector_index.h"
#include "text/chunker.h"

namespace embedd::schema {
namespace {

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

Result<void> check_store_words(const VectorizerSpec& spec) {
  if (!spec.column.empty()) return wrong("--column and --store exclude each other: choose one");
  if (!spec.model_id_column.empty() || !spec.model_version_column.empty())
    return wrong(
        "--model-id-column and --model-version-column go with --column: a store's own columns model_id and "
        "model_version say the model");
  TRY(parse_chunk_rule(spec.chunk));
  TRY(parse_chunk_template(spec.chunk_template));
  if (chunks_name(spec.name).size() > 63)
    return wrong("'{}' is too long for a vectorizer with a store: use at most {} characters", spec.name,
                 63 - chunks_name("").size());
  return {};
}

}  // namespace

Result<void> check_words(const VectorizerSpec& spec) {
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  const bool name_fits =
      !spec.name.empty() && spec.name.size() <= 63 && kFirst.contains(spec.name.front()) &&
      std::ranges::all_of(spec.name, [&](char c) { return kFirst.contains(c) || c == '.' || c == '-'; });
  if (!name_fits)
    return wrong(
        "'{}' cannot name a vectorizer: use 1 to 63 of A-Z a-z 0-9 _ . -, beginning with none of . and -",
        spec.name);
  if (spec.store) {
    TRY(check_store_words(spec));
  } else {
    if (spec.column.empty())
      return wrong(
          "name the column that takes the vectors with --column, or have them put into a table with --store");
    if (spec.chunk != "none" || !spec.chunk_template.empty() || spec.halfvec)
      return wrong(
          "--chunk, --chunk-template and --halfvec go with --store: a column holds one vector a row");
  }
  if (spec.endpoint.empty()) return wrong("name an endpoint with --endpoint");
  if (spec.model.empty()) return wrong("name a model with --model");
  if (spec.dimensions < 0 || spec.dimensions > 16'000)
    return wrong("--dimensions {} is out of range; pgvector stores 1 to 16000", spec.dimensions);
  if (spec.view && !spec.store) return wrong("--view joins a store with its table: it goes with --store");
  if (spec.trust_all && !spec.adopt_existing) return wrong("--trust-all goes with --adopt-existing");
  if (spec.adopt_existing && !spec.store && spec.model_id_column.empty() && !spec.trust_all)
    return wrong(
        "--adopt-existing trusts the vectors of rows whose model id column says {}: name that column with "
        "--model-id-column. Where there is none, --trust-all takes every vector for that model's",
        spec.model);
  return {};
}

namespace {

Result<void> check_migrated(pg::Connection& db) {
  // to_regclass() would need a privilege, and all missing privileges are to be named at once.
  auto rows = TRY(db.exec("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'embedd'"));
  if (rows.empty())
    return fail(ErrorKind::misconfigured, "the schema embedd is not there yet; run: embedd migrate");
  return {};
}

Result<void> check_free(pg::Connection& db, const VectorizerSpec& spec, const SourceTable& source) {
  auto named = TRY(db.exec("SELECT FROM embedd.vectorizers WHERE name = $1", {spec.name}));
  if (!named.empty())
    return wrong(
        "there is a vectorizer {} already; choose another name, or remove it with: embedd vectorizer drop {}",
        spec.name, spec.name);
  auto filled =
      TRY(db.exec("SELECT name FROM embedd.vectorizers WHERE embedd.source_of(id) = $1::oid AND "
                  "destination_column = $2 AND "
                  "store IS NULL",
                  {std::to_string(source.oid), spec.column}));
  if (!filled.empty())
    return wrong("the vectorizer {} fills {}.{} already; two would overwrite each other: use another column",
                 filled.view(0, 0), source.name, spec.column);
  return {};
}

/// Checks what else may write the destination: the column, or the store's column.
Result<void> check_no_other_writer(pg::Connection& db, const VectorizerSpec& spec, Declaration& out) {
  if (out.destination && out.destination->not_null)
    out.notes.push_back(fmt::format(
        "the column '{}' is NOT NULL, so a row that loses its text could not lose its vector; better "
        "run: ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL",
        spec.column, out.source.quoted(), pg::quote_identifier(spec.column)));
  if (out.store && !out.store->exists) return {};
  const PgaiCatalog catalog = TRY(find_pgai(db));
  if (catalog.state == PgaiCatalog::State::absent) return {};
  if (catalog.state == PgaiCatalog::State::untrusted) {
    out.notes.emplace_back(
        "there is an ai.vectorizer, as pgai has one, that this role may not read, or whose owner could have "
        "code of his own run by whoever reads it: make sure that no vectorizer of pgai writes the same "
        "column");
    return {};
  }
  const std::string& schema = out.store ? out.store->schema : out.source.schema;
  const std::string& table = out.store ? out.store->name : out.source.name;
  const std::string& column = out.store ? "embedding" : spec.column;
  const auto writing =
      TRY(pgai_writer(db, schema, table, column, spec.predecessor ? spec.predecessor->pgai_id : ""));
  if (!writing) return {};
  return wrong(
      "pgai's vectorizer {} writes {}.{}, and each would overwrite the other's vectors: have embedd take it "
      "over with "
      "embedd from-pgai --remove, remove it with SELECT ai.drop_vectorizer(...), or name another destination",
      *writing, table, column);
}

/// A key is sent as an array of each column's values, so arrays cannot be keys. The triggers and the worker
/// look only at pg_catalog, which lacks the comparisons of other types: rows would be missed (citext), or
/// writes to the table would fail. A composite's comparison is that of its columns.
Result<void> check_key_types(const SourceTable& source, const std::vector<std::string>& key) {
  for (const std::string& name : key) {
    const SourceColumn* column = source.find(name);
    constexpr std::string_view kInstead = "name other columns with --key";
    if (column->category == 'A')
      return wrong("the key column '{}' is an array ({}); {}", name, column->type, kInstead);
    if (column->kind == 'c')
      return wrong("the key column '{}' is of the composite type {}; {}", name, column->type, kInstead);
    if (column->named_object)
      return wrong("the key column '{}' is of type {}, which each session writes in its own way; {}", name,
                   column->type, kInstead);
    if (column->foreign && column->kind != 'e')
      return wrong("a key column is of type {}, which is not PostgreSQL's own; {}", column->type_name,
                   kInstead);
  }
  return {};
}

Result<std::vector<std::string>> check_key(pg::Connection& db, const VectorizerSpec& spec,
                                           const SourceTable& source) {
  if (spec.key.empty()) {
    if (source.primary_key.empty())
      return wrong(
          "{} has no primary key; add one, or name not-null columns with a unique index: --key COLUMN,...",
          source.quoted());
    return source.primary_key;
  }
  for (const std::string& name : spec.key) {
    const SourceColumn* column = source.find(name);
    if (!column)
      return wrong("{} has no column '{}', named by --key.{}", source.quoted(), name, source.suggest(name));
    if (!column->not_null)
      return wrong("the key column '{}' may be NULL; run: ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", name,
                   source.quoted(), pg::quote_identifier(name));
  }
  auto unique = TRY(is_unique(db, source, spec.key));
  if (!unique)
    return wrong(
        "no unique index of {} covers exactly the columns of --key; make one: CREATE UNIQUE INDEX ON {} ({})",
        source.quoted(), source.quoted(), pg::join_each(spec.key.size(), ", ", [&](std::size_t i) {
          return pg::quote_identifier(spec.key[i - 1]);
        }));
  return spec.key;
}

Result<void> check_model_column(const SourceTable& source, const std::string& name, std::string_view option) {
  if (name.empty()) return {};
  const SourceColumn* column = source.find(name);
  if (!column)
    return wrong("{} has no column '{}', named by --{}.{}", source.quoted(), name, option,
                 source.suggest(name));
  if (column->category != 'S' || column->generated)
    return wrong("the column '{}' (--{}) is of type {}; it must be text or varchar, and not generated", name,
                 option, column->type);
  return {};
}

/// The dimensions of the vectors in a column that takes any number; 0: it has no vectors that this role may
/// see.
Result<int> dimensions_there(pg::Connection& db, const SourceTable& source, const SourceColumn& column) {
  auto readable = TRY(db.exec("SELECT has_column_privilege($1::oid, $2, 'SELECT')",
                              {std::to_string(source.oid), column.name}));
  if (!readable.flag(0, 0)) return 0;
  auto rows = TRY(db.exec(fmt::format(
      "SELECT coalesce(min(d), 0), coalesce(max(d), 0) FROM (SELECT {} AS d FROM {} t WHERE t.{} IS NOT NULL "
      "LIMIT 1000) x",
      dimensions_of(column, "t"), source.quoted(), pg::quote_identifier(column.name))));
  if (rows.integer(0, 0) != rows.integer(0, 1))
    return wrong(
        "the column '{}' holds vectors of {} and of {} dimensions; say with --dimensions which it shall have",
        column.name, rows.integer(0, 0), rows.integer(0, 1));
  return static_cast<int>(rows.integer(0, 0));
}

/// Chooses the dimensions of vectors in a column that takes any number.
Result<int> choose_dimensions(pg::Connection& db, const VectorizerSpec& spec, const SourceTable& source,
                              const SourceColumn& column) {
  if (spec.dimensions > 0) return spec.dimensions;
  auto there = dimensions_there(db, source, column);
  if (!there || *there > 0) return there;
  if (const ModelFacts* model = model_facts(spec.model)) return model->dimensions;
  return wrong(
      "how many dimensions {} has is not known here, and the column '{}' takes any number: say it with "
      "--dimensions",
      spec.model, column.name);
}

/// Checks that the model's vectors can have out.dimensions, as `place`, the column or store, takes them.
Result<void> check_model_dimensions(const VectorizerSpec& spec, const std::string& place, Declaration& out) {
  const ModelFacts* model = model_facts(spec.model);
  const bool differs =
      model && model->may_have != ModelFacts::Dimensions::any && out.dimensions != model->dimensions;
  const bool reducible = model && model->may_have == ModelFacts::Dimensions::reduced;
  if (differs && (!reducible || out.dimensions > model->dimensions))
    return wrong("{} answers with {} dimensions{}, but {} would take {}; choose another model, or {}",
                 spec.model, model->dimensions, reducible ? " or fewer" : "", place, out.dimensions,
                 spec.store ? "say with --dimensions how many it gives" : "a column of that size");
  out.send_dimensions = spec.send_dimensions.value_or(differs);
  if (!model && spec.dimensions > 0 && !out.send_dimensions)
    out.notes.push_back(fmt::format(
        "the endpoint is not asked for {} dimensions: {} must have them anyway; --send-dimensions asks",
        spec.dimensions, spec.model));
  return {};
}

Result<void> check_destination(pg::Connection& db, const VectorizerSpec& spec, Declaration& out) {
  const SourceTable& source = out.source;
  const SourceColumn* column = source.find(spec.column);
  const ModelFacts* model = model_facts(spec.model);
  const int wished = spec.dimensions > 0 ? spec.dimensions : model ? model->dimensions : kDefaultDimensions;
  if (!column)
    return wrong("{} has no column '{}'.{} To add it: ALTER TABLE {} ADD COLUMN {} vector({})",
                 source.quoted(), spec.column, source.suggest(spec.column), source.quoted(),
                 pg::quote_identifier(spec.column), wished);
  if ((column->type_name != "vector" && column->type_name != "halfvec") || column->generated)
    return wrong(
        "the column '{}' is of type {}{}; vectors need one of type vector or halfvec: ALTER TABLE {} ADD "
        "COLUMN embedding vector({})",
        spec.column, column->type, column->generated ? ", generated" : "", source.quoted(), wished);
  if (column->modifier > 0 && spec.dimensions > 0 && column->modifier != spec.dimensions)
    return wrong(
        "the column '{}' is {}, but --dimensions is {}; leave --dimensions away, or run: ALTER TABLE {} "
        "ALTER "
        "COLUMN {} TYPE {}({})",
        spec.column, column->type, spec.dimensions, source.quoted(), pg::quote_identifier(spec.column),
        column->type_name, spec.dimensions);
  out.destination = column;
  out.dimensions = column->modifier;
  if (column->modifier <= 0) {
    auto chosen = TRY(choose_dimensions(db, spec, source, *column));
    out.dimensions = chosen;
  }
  TRY(check_model_dimensions(spec, fmt::format("the column '{}'", spec.column), out));
  if (auto note = index_note(*column, spec.index, out.dimensions)) out.notes.push_back(std::move(*note));
  return {};
}

Result<void> check_store_destination(pg::Connection& db, const VectorizerSpec& spec, Declaration& out) {
  CapturePlan::Store store = TRY(check_store(db, spec, out.source, out.key));
  const ModelFacts* model = model_facts(spec.model);
  if (store.exists && spec.dimensions > 0 && spec.dimensions != store.dimensions)
    return wrong("the vectors of {} have {} dimensions, but --dimensions is {}; leave --dimensions away",
                 store.table, store.dimensions, spec.dimensions);
  if (!store.exists && spec.dimensions == 0 && !model)
    return wrong("how many dimensions {} has is not known here; say it with --dimensions", spec.model);
  out.dimensions = store.exists          ? store.dimensions
                   : spec.dimensions > 0 ? spec.dimensions
                                         : model->dimensions;
  store.type += fmt::format("({})", out.dimensions);
  TRY(check_model_dimensions(spec, "the store", out));
  const SourceColumn column{.name = "embedding", .type_name = store.type_name, .modifier = out.dimensions};
  TRY(check_index_kind(out.source, column, spec.index, out.dimensions));
  if (auto note = index_note(column, spec.index, out.dimensions)) out.notes.push_back(std::move(*note));
  out.store = std::move(store);
  return {};
}

/// The worker must not write what it reads: otherwise each vector would cause the next.
Result<void> check_no_loop(const VectorizerSpec& spec, const Declaration& declared) {
  const std::vector<std::string> texts = declared.text.columns();
  for (const std::string& written : {spec.column, spec.model_id_column, spec.model_version_column}) {
    if (written.empty()) continue;
    auto holds = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), written) != names.end();
    };
    if (holds(texts)) return wrong("the template reads '{}', which this vectorizer writes", written);
    if (declared.filter && holds(declared.filter->columns))
      return wrong(
          "--where reads '{}', which this vectorizer writes; rows that have their vector are left alone "
          "anyway",
          written);
    if (holds(declared.key)) return wrong("'{}' is part of the key; this vectorizer would write it", written);
  }
  return {};
}

/// The worker reads and writes for the role that creates the vectorizer, so that role must have the same
/// rights itself.
Result<void> check_privileges(pg::Connection& db, const VectorizerSpec& spec, const Declaration& declared) {
  DeclarerNeeds needs{declared.text.columns(),
                      {spec.column, spec.model_id_column, spec.model_version_column},
                      !spec.where.empty()};
  for (const Template::Value& value : declared.context) needs.read.push_back(value.column);
  needs.read.insert(needs.read.end(), declared.key.begin(), declared.key.end());
  auto lacking = TRY(grants_to_declare(db, declared.source, needs));
  if (lacking.empty()) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("this role lacks privileges; as the owner, run: {};", fmt::join(lacking, "; ")));
}

}  // namespace

Result<Declaration> check_declaration(pg::Connection& db, const VectorizerSpec& spec) {
  TRY(check_words(spec));
  TRY(check_migrated(db));
  if (!long_texts_named(spec.long_texts))
    return wrong("long texts can be truncate, average or discard, not '{}'", spec.long_texts);
  auto source = TRY(inspect_table(db, spec.table));

  Declaration out;
  out.rows_only = spec.capture_rows;
  out.source = std::move(source);
  out.text = TRY(template_over(out.source, spec.text));
  if (spec.store) out.context = TRY(chunk_template_over(out.source, spec.chunk_template)).values();
  auto key = TRY(check_key(db, spec, out.source));
  out.key = std::move(key);
  TRY(check_key_types(out.source, out.key));
  if (spec.store) {
    TRY(check_store_destination(db, spec, out));
  } else {
    TRY(check_destination(db, spec, out));
    TRY(check_index_kind(out.source, *out.destination, spec.index, out.dimensions));
  }
  TRY(check_model_column(out.source, spec.model_id_column, "model-id-column"));
  TRY(check_model_column(out.source, spec.model_version_column, "model-version-column"));
  TRY(check_privileges(db, spec, out));
  TRY(check_free(db, spec, out.source));
  TRY(check_no_other_writer(db, spec, out));
  if (!spec.where.empty()) {
    out.filter = TRY(compile_filter(db, out.source, spec.where));
    TRY(check_not_virtual(out.source, out.filter->columns, "--where"));
  }
  TRY(check_no_loop(spec, out));
  return out;
}

}  // namespace embedd::schema
