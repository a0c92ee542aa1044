#include "schema/filter.h"

#include <fmt/format.h>

#include "pg/quoting.h"

namespace embedd::schema {
namespace {

std::string subject_of(const std::string& where) { return fmt::format("--where '{}'", where); }

}  // namespace

std::string filter_function(VectorizerId id) { return fmt::format("embedd.covers_{}", id); }

Result<RowExpression> compile_filter(pg::Connection& db, const SourceTable& table, const std::string& where) {
  return check_condition(db, table, "", where, subject_of(where), "a condition");
}

Result<std::string> create_filter(pg::Connection& db, VectorizerId id, const SourceTable& table,
                                  const RowExpression& filter, const std::string& where) {
  const std::size_t n = filter.columns.size();
  const std::string parameters = pg::join_each(n, ", ", [&](std::size_t i) {
    const std::string& name = filter.columns[i - 1];
    return pg::quote_identifier(name) + " " + table.find(name)->base_type;
  });
  const std::string create = fmt::format("CREATE FUNCTION {}({}) RETURNS boolean LANGUAGE sql RETURN ({}\n)",
                                         filter_function(id), parameters, filter.sql);
  auto made = with_search_path(db, "", [&] { return db.exec(create); });
  if (!made)
    return blame(db, subject_of(where), "cannot be made a function of the row's columns", made.error());
  TRY(refuse_strangers(db, filter_function(id), subject_of(where)));
  std::string call = fmt::format("{}({})", filter_function(id), pg::join_each(n, ", ", [&](std::size_t i) {
                                   return "t." + pg::quote_identifier(filter.columns[i - 1]);
                                 }));
  TRY(try_on_rows(db, table, call, subject_of(where)));
  return call;
}

}  // namespace embedd::schema
