#include "schema/capture_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "pg/quoting.h"
#include "schema/pgvector.h"

namespace embedd::schema {
namespace {

/// Of `names`, those whose type is not PostgreSQL's own.
std::set<std::string> foreign_of(const SourceTable& source, const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (const std::string& name : names)
    if (source.find(name)->foreign) out.insert(name);
  return out;
}

/// The size of a vector out of line, as pg_column_size() returns it, without the header of four bytes: two
/// numbers of two bytes each, and the elements.
int stored_bytes(const Declaration& declared) {
  if (declared.destination->modifier <= 0) return 0;
  return 4 + declared.destination->modifier * (declared.destination->type_name == "halfvec" ? 2 : 4);
}

CapturePlan plan_from(const Declaration& declared) {
  CapturePlan plan;
  plan.source = declared.source.quoted();
  plan.rows_only = declared.rows_only;
  plan.by_row = declared.source.by_row || plan.rows_only;
  plan.key_columns = declared.key;
  plan.key_own_types = own_types(declared.source, declared.key);
  for (const std::string& name : declared.key) {
    const SourceColumn* column = declared.source.find(name);
    plan.key_types.push_back(column->base_type);
    plan.key_collations.push_back(column->collation);
  }
  const auto read = [&plan](const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (std::ranges::find(plan.read, name) == plan.read.end()) plan.read.push_back(name);
  };
  read(declared.text.columns());
  for (const Template::Value& value : declared.context) read({value.column});
  if (declared.filter) read(declared.filter->columns);
  read(declared.key);
  plan.store = declared.store;
  if (declared.destination) {
    plan.destination = declared.destination->name;
    plan.destination_type = declared.destination->own_type;
    plan.destination_base_type = declared.destination->base_type;
    plan.stored_bytes = stored_bytes(declared);
  }
  plan.key_json_sql =
      compile_key_json(plan.key_columns, plan.key_types, foreign_of(declared.source, plan.key_columns));
  return plan;
}

/// A superuser gives the trigger functions to kCaptureRole, so that nothing runs with a superuser's rights on
/// behalf of a user who writes to the table. That role then looks up the key's types by name.
Result<bool> prepare_capture_role(pg::Connection& db, const Declaration& declared) {
  auto may = TRY(db.exec(
      "SELECT rolsuper AND EXISTS (SELECT FROM pg_roles WHERE rolname = $1) FROM pg_roles WHERE rolname = "
      "current_user",
      {kCaptureRole}));
  if (!may.flag(0, 0)) return false;
  std::vector<std::string> columns = declared.key;
  if (declared.destination) columns.push_back(declared.destination->name);
  const auto lacking = [&] {
    return db.exec(
        "SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $3::text) FROM pg_attribute a "
        "JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace "
        "OR n.nspname = $4 OR n.oid = (SELECT extnamespace FROM pg_extension WHERE extname = 'vector') WHERE "
        "a.attrelid = "
        "$1::oid AND a.attname = ANY ($2::text[]) AND n.nspname <> 'pg_catalog' AND NOT "
        "EXISTS (SELECT FROM aclexplode(n.nspacl) g WHERE g.grantee = $3::regrole AND g.privilege_type = "
        "'USAGE')",
        {std::to_string(declared.source.oid), pg::array_literal(columns), kCaptureRole,
         declared.store ? pg::Param(declared.store->schema) : pg::Param()});
  };
  auto grants = lacking();
  if (grants && !grants->empty()) {
    // PostgreSQL lets no two transactions at once grant anything on one schema.
    TRY(db.exec("SELECT pg_advisory_xact_lock(111516266161254)"));
    grants = lacking();
  }
  if (!grants) return std::unexpected(grants.error());
  for (int i = 0; i < grants->size(); ++i) TRY(db.exec(grants->text(i, 0)));
  return true;
}

}  // namespace

std::vector<std::string> own_types(const SourceTable& source, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(source.find(name)->own_type);
  return out;
}

TextTypes text_types(const SourceTable& source) {
  TextTypes out;
  for (const SourceColumn& column : source.columns) {
    if (column.foreign) out.foreign.insert(column.name);
    if (column.category == 'A') out.arrays.insert(column.name);
    if (column.type == "json") out.json.insert(column.name);
  }
  return out;
}

Result<CapturePlan> plan_for(pg::Connection& db, const Declaration& declared) {
  CapturePlan plan = plan_from(declared);
  plan.vector_type = TRY(find_pgvector(db)).schema + ".vector";
  plan.by_role = TRY(prepare_capture_role(db, declared));
  plan.tells_toast_apart = db.server_version() >= 170000;
  return plan;
}

Result<CapturePlan> plan_of(pg::Connection& db, const VectorizerInfo& vectorizer) {
  Declaration declared;
  declared.source =
      TRY(inspect_table(db, pg::quote_qualified(vectorizer.source_schema, vectorizer.source_table)));
  declared.key = vectorizer.key_columns;
  for (const std::string& name : declared.key)
    if (declared.source.find(name) == nullptr)
      return fail(ErrorKind::invalid_argument, "a key column is gone: embedd status says more");
  if (vectorizer.stores()) {
    declared.store =
        CapturePlan::Store{.schema = vectorizer.store_schema,
                           .table = pg::quote_qualified(vectorizer.store_schema, vectorizer.store_table),
                           .type = fmt::format("{}.{}({})", vectorizer.vector_schema,
                                               vectorizer.destination_type, vectorizer.dimensions),
                           .key_types = vectorizer.key_types};
  } else {
    declared.destination = declared.source.find(vectorizer.destination_column);
    if (declared.destination == nullptr)
      return fail(ErrorKind::invalid_argument, "the column of the vectors is gone: embedd status says more");
  }
  CapturePlan plan = TRY(plan_for(db, declared));
  plan.id = vectorizer.id;
  const auto read =
      TRY(db.exec("SELECT read_columns FROM embedd.vectorizers WHERE id = $1", {std::to_string(plan.id)}));
  plan.read = read.array(0, 0);
  return plan;
}

}  // namespace embedd::schema
