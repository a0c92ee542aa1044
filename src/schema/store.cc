#include "schema/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pg/quoting.h"
#include "schema/existing_store.h"
#include "schema/made.h"
#include "schema/pgvector.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

constexpr std::string_view kOwnColumns[] = {"embedding_uuid", "chunk_seq", "chunk",
                                            "embedding",      "model_id",  "model_version"};

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

/// Schema and name. `suffix` makes the name if none is given.
Result<std::pair<std::string, std::string>> name_of(pg::Connection& db, const std::string& given,
                                                    const SourceTable& source, const std::string& option,
                                                    const std::string& suffix) {
  if (given.empty()) return std::pair(source.schema, source.name + suffix);
  auto parts = db.exec("SELECT parse_ident($1)", {given});
  const auto names = parts ? parts->array(0, 0) : std::vector<std::string>();
  if (names.empty() || names.size() > 2)
    return wrong("'{0}' is no name; write {1} NAME or {1} SCHEMA.NAME", given, option);
  return names.size() == 2 ? std::pair(names[0], names[1]) : std::pair(source.schema, names[0]);
}

}  // namespace

std::string chunks_name(std::string_view name) { return std::string(name) + ".chunks"; }

Result<CapturePlan::Store> check_store(pg::Connection& db, const VectorizerSpec& spec,
                                       const SourceTable& source, const std::vector<std::string>& key) {
  const auto [schema, name] = TRY(name_of(db, *spec.store, source, "--store", "_embedding_store"));
  CapturePlan::Store store{.schema = schema,
                           .name = name,
                           .table = pg::quote_qualified(schema, name),
                           .type_name = spec.halfvec ? "halfvec" : "vector"};
  const auto there = TRY(db.exec("SELECT to_regclass($1) IS NOT NULL", {store.table}));
  store.exists = there.flag(0, 0);
  if (store.exists && !spec.adopt_existing)
    return wrong(
        "there is a table {} already; keep its chunks with --adopt-existing, name another one with --store, "
        "or drop it",
        store.table);
  if (!store.exists && spec.adopt_existing)
    return wrong(
        "there is no table {} whose chunks --adopt-existing could keep; leave the option away, or name the "
        "table with --store",
        store.table);
  for (const std::string& each : key) {
    if (std::ranges::find(kOwnColumns, each) != std::end(kOwnColumns))
      return wrong("the key column '{}' has the name of a store's own column; rename it, or use --column",
                   each);
    const SourceColumn& column = *source.find(each);
    store.key_types.push_back(column.type + (column.collation.empty() ? "" : " COLLATE " + column.collation));
  }
  if (store.exists) TRY(check_existing_store(db, spec, source, key, store));
  store.type = fmt::format("{}.{}", TRY(find_pgvector(db)).schema, store.type_name);
  return store;
}

Result<void> create_view(pg::Connection& db, const std::string& name, const SourceTable& source,
                         const CapturePlan::Store& store, const std::vector<std::string>& key) {
  const auto [schema, view] = TRY(name_of(db, name, source, "--view", "_embedding"));
  const std::string quoted = pg::quote_qualified(schema, view);
  const auto there = TRY(db.exec("SELECT to_regclass($1) IS NOT NULL", {quoted}));
  if (there.flag(0, 0)) return wrong("there is a {} already; name another one with --view", quoted);
  std::string columns, joins;
  for (const std::string_view own : {"embedding_uuid", "chunk_seq", "chunk", "embedding"}) {
    if (source.find(own) != nullptr)
      return wrong(
          "{0} has a column {1}, and so has its store: leave --view out, and create a view of your own",
          source.quoted(), own);
    if (own != "embedding_uuid" || !store.exists) columns += fmt::format("s.{}, ", own);
  }
  for (const SourceColumn& column : source.columns)
    columns += "t." + pg::quote_identifier(column.name) + ", ";
  for (const std::string& each : key)
    joins += fmt::format("{}t.{} OPERATOR(pg_catalog.=) s.{}", joins.empty() ? "" : " AND ",
                         pg::quote_identifier(each), pg::quote_identifier(each));
  columns.resize(columns.size() - 2);
  TRY(db.exec(fmt::format("CREATE VIEW {}{} AS SELECT {} FROM {} s JOIN {} t ON {}", quoted,
                          db.server_version() >= 150000 ? " WITH (security_invoker = true)" : "", columns,
                          store.table, source.quoted(), joins)));
  return record_made(db, Made::Kind::view, quoted, view);
}

VectorizerSpec chunks_spec(const VectorizerSpec& spec, VectorizerId id, int dimensions) {
  VectorizerSpec out;
  out.name = chunks_name(spec.name);
  out.table = chunks_table(id);
  out.text = "{sent}";
  out.column = "embedding";
  out.endpoint = spec.endpoint;
  out.model = spec.model;
  out.dimensions = dimensions;
  out.send_dimensions = spec.send_dimensions;
  out.model_id_column = "model_id";
  out.model_version_column = "model_version";
  out.long_texts = spec.long_texts;
  out.capture_rows = spec.capture_rows;
  return out;
}

}  // namespace embedd::schema
