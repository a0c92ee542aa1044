#include "schema/text_columns.h"

#include <fmt/format.h>

#include "pg/quoting.h"

namespace embedd::schema {
namespace {

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

Result<void> check_keys(const SourceColumn& column, const std::string& first) {
  if ((column.type == "jsonb" || column.type == "json") && !column.foreign) return {};
  return wrong(
      "the template takes the key '{0}' of the column '{1}', which is of type {2}; only jsonb and json have "
      "keys. Write {{{1}}} for the whole column",
      first, column.name, column.type);
}

Result<void> check_values(const SourceTable& source, const std::vector<Template::Value>& values,
                          std::string_view reader) {
  std::vector<std::string> names;
  for (const Template::Value& value : values) {
    const SourceColumn* column = source.find(value.column);
    if (!column)
      return wrong("{} has no column '{}', which {} names.{}", source.quoted(), value.column, reader,
                   source.suggest(value.column));
    if (column->named_object)
      return wrong(
          "the column '{}' is of type {}, which each session writes in its own way: its rows would be "
          "embedded again and again. Let {} name a text column",
          column->name, column->type, reader);
    if (!value.keys.empty()) TRY(check_keys(*column, value.keys.front()));
    names.push_back(value.column);
  }
  return check_not_virtual(source, names, reader);
}

}  // namespace

Result<Template> template_over(const SourceTable& source, std::string_view text) {
  std::vector<std::string> names;
  for (const SourceColumn& column : source.columns) names.push_back(column.name);
  auto parsed = TRY(parse_template(text, names));
  TRY(check_values(source, parsed.values(), "the template"));
  return parsed;
}

Result<ChunkTemplate> chunk_template_over(const SourceTable& source, std::string_view text) {
  auto parsed = TRY(parse_chunk_template(text));
  TRY(check_values(source, parsed.values(), "the chunk template"));
  return parsed;
}

/// Triggers see NULL in these columns.
Result<void> check_not_virtual(const SourceTable& source, const std::vector<std::string>& names,
                               std::string_view reader) {
  for (const std::string& name : names) {
    const SourceColumn* column = source.find(name);
    if (column && column->is_virtual)
      return wrong(
          "{} reads '{}', a VIRTUAL generated column, whose changes no trigger sees: name the columns that "
          "it is made of instead, or make it anew with GENERATED ALWAYS AS (...) STORED",
          reader, name);
  }
  return {};
}

}  // namespace embedd::schema
