#include "search/trace_tables.h"

#include <fmt/format.h>

#include <utility>

#include "pg/quoting.h"

namespace embedd::search {
namespace {

bool is_uuid(const schema::SourceTable& table, std::string_view name) {
  const schema::SourceColumn* column = table.find(name);
  return column != nullptr && column->type == "uuid" && !column->foreign;
}

/// A text of PostgreSQL's own types.
bool is_text(const schema::SourceTable& table, std::string_view name) {
  const schema::SourceColumn* column = table.find(name);
  return column != nullptr && column->category == 'S' && !column->foreign;
}

bool is_number(const schema::SourceTable& table, std::string_view name) {
  const schema::SourceColumn* column = table.find(name);
  return column != nullptr && column->category == 'N' && !column->foreign;
}

Result<std::vector<std::string>> required_columns(pg::Connection& db, const schema::SourceTable& table) {
  const auto rows =
      TRY(db.exec("SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > "
                  "0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''",
                  {std::to_string(table.oid)}));
  std::vector<std::string> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

/// The table of this name, if it is an ordinary one.
Result<std::optional<TraceTables::Table>> find_table(pg::Connection& db, const std::string& schema,
                                                     const std::string& name) {
  const auto there = TRY(
      db.exec("SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
              "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
              {schema, name}));
  if (there.empty()) return std::nullopt;
  auto table = schema::inspect_table(db, pg::quote_qualified(schema, name));
  if (!table && table.error().kind == ErrorKind::invalid_argument) return std::nullopt;
  if (!table) return std::unexpected(std::move(table.error()));
  auto required = TRY(required_columns(db, *table));
  return TraceTables::Table{*std::move(table), std::move(required)};
}

Result<bool> may_read_names(pg::Connection& db, const schema::SourceTable& users) {
  const auto may =
      TRY(db.exec("SELECT pg_catalog.has_column_privilege($1::oid, 'id', 'SELECT') AND "
                  "pg_catalog.has_column_privilege($1::oid, 'display_name', 'SELECT')",
                  {std::to_string(users.oid)}));
  return may.flag(0, 0);
}

Result<void> check_key(const Subject& subject) {
  const schema::SourceTable& table = subject.source;
  if (subject.info.stores())
    return fail(ErrorKind::misconfigured,
                fmt::format("the vectorizer {} has a store, and traces are searched by a column of {}",
                            subject.info.name, table.quoted()));
  if (subject.info.key_columns == std::vector<std::string>{"id"} && is_uuid(table, "id")) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("the key of {} is not a column id of type uuid: search it as the vectorizer {}",
                          table.quoted(), subject.info.name));
}

Result<TraceTables> read_tables(pg::Connection& db, std::shared_ptr<const Subject> subject) {
  TRY(check_key(*subject));
  const std::string& schema = subject->source.schema;
  TraceTables out;
  out.required = TRY(required_columns(db, subject->source));
  out.tags = TRY(find_table(db, schema, "tags"));
  out.links = TRY(find_table(db, schema, "trace_tags"));
  const bool tagged = out.tags && out.links && is_text(out.tags->table, "name") &&
                      is_uuid(out.links->table, "trace_id") && out.tags->table.find("id") &&
                      out.links->table.find("tag_id") && !out.tags->table.find("id")->foreign &&
                      out.tags->table.find("id")->type == out.links->table.find("tag_id")->type;
  if (!tagged) {
    out.tags.reset();
    out.links.reset();
  }
  out.relationships = TRY(find_table(db, schema, "trace_relationships"));
  if (out.relationships) {
    const schema::SourceTable& table = out.relationships->table;
    if (!is_uuid(table, "source_trace_id") || !is_uuid(table, "target_trace_id") ||
        !is_text(table, "relationship_type") || !is_number(table, "strength"))
      out.relationships.reset();
  }
  out.users = TRY(find_table(db, schema, "users"));
  if (out.users) {
    const schema::SourceTable& table = out.users->table;
    const bool named =
        is_uuid(table, "id") && is_text(table, "display_name") && is_uuid(subject->source, "contributor_id");
    if (!named || !TRY(may_read_names(db, table))) out.users.reset();
  }
  out.subject = std::move(subject);
  return out;
}

}  // namespace

Result<std::shared_ptr<const TraceTables>> load_trace_tables(pg::Connection& db,
                                                             std::shared_ptr<const Subject> subject) {
  return db.transaction([&]() -> Result<std::shared_ptr<const TraceTables>> {
    return std::make_shared<const TraceTables>(TRY(read_tables(db, std::move(subject))));
  });
}

}  // namespace embedd::search
