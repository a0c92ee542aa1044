#include "search/filter_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/quoting.h"

namespace embedd::search {
namespace {

std::string_view sql_of(Operator op) {
  switch (op) {
    case Operator::equal:
    case Operator::in: return "=";
    case Operator::unequal:
    case Operator::not_in: return "<>";
    case Operator::less: return "<";
    case Operator::at_most: return "<=";
    case Operator::greater: return ">";
    case Operator::at_least: return ">=";
    case Operator::like: return "~~";
    case Operator::ilike: return "~~*";
    case Operator::contains: return "@>";
    case Operator::overlaps: return "&&";
    default: return "";
  }
}

/// One test of one column.
class Test {
 public:
  Test(const Filter& filter, const schema::SourceColumn& column, Binder& binder, std::string_view alias)
      : filter_(filter),
        column_(column),
        binder_(binder),
        name_(fmt::format("{}.{}", alias, pg::quote_identifier(column.name))) {}

  Result<std::string> sql() {
    if (filter_.op == Operator::is_null)
      return fmt::format("{} IS {}NULL", name_, filter_.values.front().text == "true" ? "" : "NOT ");
    if (column_.foreign && column_.kind != 'e')
      return wrong("has a type that is not PostgreSQL's own, and only the operator is null takes it");
    switch (filter_.op) {
      case Operator::contains:
      case Operator::overlaps: return of_many();
      case Operator::like:
      case Operator::ilike: return pattern();
      default: break;
    }
    if (column_.category == 'A' || is_json())
      return wrong("is a list or JSON: use contains, overlaps or is null");
    for (const Value& value : filter_.values)
      if (!fits(value)) return wrong(fmt::format("is of type {}: {}", column_.type, what_fits()));
    switch (filter_.op) {
      case Operator::in:
      case Operator::not_in: return one_of();
      case Operator::between:
        return fmt::format("({} AND {})", compare(">=", filter_.values[0]), compare("<=", filter_.values[1]));
      default: return compare(sql_of(filter_.op), filter_.values.front());
    }
  }

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: the column '{}' {}", filter_.field, column_.name, what));
  }

  [[nodiscard]] bool is_json() const { return column_.type_name == "jsonb" || column_.type_name == "json"; }

  [[nodiscard]] bool fits(const Value& value) const {
    if (column_.category == 'N') return value.type != Value::Type::flag;  // a long decimal comes as a string
    if (column_.category == 'B') return value.type == Value::Type::flag;
    return value.type == Value::Type::text;
  }
  [[nodiscard]] std::string_view what_fits() const {
    return column_.category == 'N'   ? "give a number"
           : column_.category == 'B' ? "give true or false"
                                     : "give a string";
  }

  std::string parameter(std::string value, std::string_view suffix = "") {
    return fmt::format("{}::{}{}", binder_.bind(std::move(value)), column_.base_type, suffix);
  }

  std::string compare(std::string_view op, const Value& value) {
    return fmt::format("{} OPERATOR(pg_catalog.{}) {}", name_, op, parameter(value.text));
  }

  Result<std::string> one_of() {
    return fmt::format("{} OPERATOR(pg_catalog.{}) {}({})", name_, sql_of(filter_.op),
                       filter_.op == Operator::in ? "ANY" : "ALL", parameter(list(), "[]"));
  }

  Result<std::string> pattern() {
    if (column_.category != 'S' || filter_.values.front().type != Value::Type::text)
      return wrong(
          fmt::format("is of type {}: {} compares text with a string", column_.type, name_of(filter_.op)));
    return fmt::format("{}::pg_catalog.text OPERATOR(pg_catalog.{}) {}::pg_catalog.text", name_,
                       sql_of(filter_.op), binder_.bind(filter_.values.front().text));
  }

  Result<std::string> of_many() {
    if (column_.type_name == "jsonb" && filter_.op == Operator::contains)
      return fmt::format("{} OPERATOR(pg_catalog.@>) {}", name_, parameter(filter_.json));
    if (column_.category != 'A')
      return wrong(fmt::format("is no list, so {} does not fit", name_of(filter_.op)));
    if (!filter_.json.empty() && filter_.json.front() != '[')
      return wrong("is a list: give the elements as an array");
    if (filter_.json != "[]" && filter_.values.empty() && filter_.op == Operator::contains)
      return wrong("is a list: give strings, numbers, true or false in one array");
    return fmt::format("{} OPERATOR(pg_catalog.{}) {}", name_, sql_of(filter_.op), parameter(list()));
  }

  [[nodiscard]] std::string list() const {
    std::vector<std::string> elements;
    for (const Value& value : filter_.values) elements.push_back(value.text);
    return pg::array_literal(elements);
  }

  const Filter& filter_;
  const schema::SourceColumn& column_;
  Binder& binder_;
  std::string name_;
};

}  // namespace

Result<std::string> filter_sql(const Filter& filter, const schema::SourceTable& table, Binder& binder,
                               std::string_view alias) {
  if (filter.kind == Filter::Kind::test) {
    const schema::SourceColumn* column = table.find(filter.column);
    if (column == nullptr)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: there is no column '{}'.{}", filter.field,
                                                           filter.column, table.suggest(filter.column)));
    return Test(filter, *column, binder, alias).sql();
  }
  std::string out;
  for (const Filter& part : filter.parts) {
    if (!out.empty()) out += filter.kind == Filter::Kind::all ? " AND " : " OR ";
    out += "(" + TRY(filter_sql(part, table, binder, alias)) + ")";
  }
  // A negation finds what its part does not find, NULL included.
  return filter.kind == Filter::Kind::negation ? out + " IS NOT TRUE" : "(" + out + ")";
}

Result<std::string> mandatory_sql(const Filter& filter, const schema::SourceTable& table,
                                  std::string_view vectorizer, Binder& binder) {
  auto sql = filter_sql(filter, table, binder);
  if (sql) return " AND (" + *sql + ")";
  return fail(ErrorKind::misconfigured,
              fmt::format("the filter of this token does not fit {}: {}", vectorizer, sql.error().message));
}

Result<void> check_key(const Filter& key, const std::vector<std::string>& columns) {
  for (const Filter& part : key.parts)
    if (std::ranges::find(columns, part.column) == columns.end())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: is not of the key: {}", part.field, fmt::join(columns, ", ")));
  if (key.parts.size() != columns.size())
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: must have each column of the key: {}", key.field, fmt::join(columns, ", ")));
  return {};
}

}  // namespace embedd::search
