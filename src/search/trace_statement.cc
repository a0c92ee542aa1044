#include "search/trace_statement.h"

#include <fmt/format.h>

#include <utility>

#include "pg/quoting.h"
#include "schema/score.h"
#include "search/forms.h"

namespace embedd::search {

TraceStatement::TraceStatement(const TraceTables& tables) : tables_(tables), subject_(*tables.subject) {
  const schema::VectorizerInfo& info = subject_.info;
  set("source", tables.traces().quoted());
  set("source_name", pg::quote_literal(tables.traces().quoted()));
  set("destination", column(info.destination_column).substr(2));
  set("destination_name", pg::quote_literal(info.destination_column));
  set("id", std::to_string(info.id));
  set("score_text", pg::quote_literal(info.score.value_or("")));
  column("id");
}

std::string TraceStatement::column(std::string_view alias, const schema::SourceTable& table,
                                   const std::string& name) {
  Used& used = used_.try_emplace(std::string(alias), Used{&table, {}}).first->second;
  used.columns.insert(name);
  return fmt::format("{}.{}", alias, pg::quote_identifier(name));
}

std::string TraceStatement::readable(const std::string& text) const {
  return subject_.utf8 ? text : fmt::format("embedd.readable({})", text);
}

/// A value of a foreign type is written by the type's output function, because a cast may call any function
/// of the type's owner.
std::string TraceStatement::text(const std::string& name) {
  const schema::SourceColumn* found = tables_.traces().find(name);
  if (found == nullptr) return "NULL::pg_catalog.text";
  const std::string value = column(name);
  return readable(found->foreign
                      ? fmt::format("CASE WHEN {0} IS NOT NULL THEN pg_catalog.format('%s', {0}) END", value)
                      : value + "::pg_catalog.text");
}

std::string TraceStatement::json(const std::string& name) {
  const schema::SourceColumn* found = tables_.traces().find(name);
  if (found == nullptr) return "NULL::pg_catalog.text";
  const std::string value = found->foreign ? text(name) : column(name);
  return readable(fmt::format("pg_catalog.to_json({})::pg_catalog.text", value));
}

std::string TraceStatement::trust() {
  const schema::SourceColumn* found = tables_.traces().find("trust_score");
  if (found == nullptr || found->category != 'N' || found->foreign) return "0::pg_catalog.float8";
  return fmt::format("coalesce({}::pg_catalog.float8, 0)", column("trust_score"));
}

std::string TraceStatement::score(std::string_view similarity) {
  scored_ = true;
  return schema::score_call(subject_.info, similarity);
}

void TraceStatement::collect(const Filter& filter) {
  if (filter.kind == Filter::Kind::test && tables_.has(filter.column)) column(filter.column);
  for (const Filter& part : filter.parts) collect(part);
}

Result<std::string> TraceStatement::mandatory(const std::optional<Filter>& filter) {
  if (!filter) return "";
  collect(*filter);
  return mandatory_sql(*filter, tables_.traces(), subject_.info.name, binder_);
}

Statement TraceStatement::finish(std::string_view file, const pg::Words& parts) && {
  std::string from, same;
  for (const auto& [alias, used] : used_) {
    from += fmt::format("{}{} {}", from.empty() ? "" : ", ", used.table->quoted(), alias);
    for (const std::string& name : used.columns)
      same += fmt::format("{}embedd.exactly({}.{}, NULL::{})", same.empty() ? "" : " AND ", alias,
                          pg::quote_identifier(name), used.table->find(name)->own_type);
  }
  const schema::VectorizerInfo& info = subject_.info;
  for (std::size_t i = 0; scored_ && i < info.score_columns.size(); ++i)
    same += fmt::format(" AND embedd.exactly(t.{}, NULL::{})", pg::quote_identifier(info.score_columns[i]),
                        info.score_types[i]);
  set("tables", from);
  set("types", same);
  return {pg::fill(forms().form(file, parts), words_), std::move(binder_).take()};
}

}  // namespace embedd::search
