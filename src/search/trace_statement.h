/// Puts together one statement about traces: the files sql/traces_*.sql with their placeholders filled in.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pg/form.h"
#include "search/filter_sql.h"
#include "search/statement.h"
#include "search/trace_tables.h"

namespace embedd::search {

/// Remembers every column that the statement names, so that the statement is refused, before any of it runs,
/// if a column has another type by now: see types_sql() of search/guards.h.
class TraceStatement {
 public:
  /// `tables` must outlive this object.
  explicit TraceStatement(const TraceTables& tables);

  /// A parameter: "$3".
  std::string bind(std::string value) { return binder_.bind(std::move(value)); }
  /// What a placeholder stands for.
  void set(std::string_view name, std::string sql) {
    words_.insert_or_assign(std::string(name), std::move(sql));
  }

  /// "t"."name", of a column that exists.
  std::string column(const std::string& name) { return column("t", tables_.traces(), name); }
  std::string column(std::string_view alias, const schema::SourceTable& table, const std::string& name);
  /// The text of the column of traces; NULL if there is no such column.
  std::string text(const std::string& name);
  /// JSON of the same.
  std::string json(const std::string& name);
  /// The trust in the row t, as float8: 0 if nothing is known.
  std::string trust();
  /// The vectorizer's own score of the row t; NULL where it is not finite.
  std::string score(std::string_view similarity);
  /// The token's filter over the row t, as " AND (…)"; empty if there is none. Errors: misconfigured.
  Result<std::string> mandatory(const std::optional<Filter>& filter);
  /// `text`, SQL of type text, so that a connection with UTF-8 can read it.
  [[nodiscard]] std::string readable(const std::string& text) const;

  /// Finishes the statement. `parts`: see pg::Forms::form().
  Statement finish(std::string_view file, const pg::Words& parts = {}) &&;

 private:
  void collect(const Filter& filter);

  const TraceTables& tables_;
  const Subject& subject_;
  Binder binder_;
  pg::Words words_;
  /// By alias: the table, and the columns that the statement names.
  struct Used {
    const schema::SourceTable* table;
    std::set<std::string> columns;
  };
  std::map<std::string, Used, std::less<>> used_;
  bool scored_ = false;
};

}  // namespace embedd::search
