#include "schema/score.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "pg/quoting.h"
#include "schema/capture_plan.h"
#include "schema/row_expression.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

constexpr std::string_view kSimilarity = "similarity";

std::string subject_of(const std::string& expression) { return fmt::format("the score '{}'", expression); }

/// The expression with all names qualified. float8larger() with -Infinity changes no number, and makes each
/// kind of number a float8.
Result<RowExpression> compile(pg::Connection& db, const SourceTable& table, const std::string& expression) {
  if (table.find(kSimilarity) != nullptr)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} has a column 'similarity', and a score could not tell the column from the "
                            "search's similarity: rename the column, or search a view in your own SQL",
                            table.quoted()));
  constexpr std::string_view kBegin = "(float8larger(", kEnd = " IS NULL)";
  auto checked = check_condition(
      db, table, "similarity pg_catalog.float8",
      fmt::format("pg_catalog.float8larger(({}\n), '-Infinity'::pg_catalog.float8) IS NULL", expression),
      subject_of(expression), "a number that depends on similarity and");
  if (!checked && checked.error().message.contains("function pg_catalog.float8larger("))
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} must be a number, and has another type", subject_of(expression)));
  auto out = TRY(std::move(checked));
  if (!out.sql.starts_with(kBegin) || !out.sql.ends_with(kEnd))  // parentheses that close what is not theirs
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} must be one expression", subject_of(expression)));
  out.sql = out.sql.substr(1, out.sql.size() - 1 - kEnd.size());
  std::erase(out.columns, kSimilarity);
  return out;
}

std::string call_of(VectorizerId id, const std::vector<std::string>& columns, std::string_view similarity) {
  std::string arguments(similarity);
  for (const std::string& name : columns) arguments += ", t." + pg::quote_identifier(name);
  return fmt::format("{}({})", score_function(id), arguments);
}

/// Whoever created the vectorizer may drop it, so the function belongs to the same role, whoever sets the
/// score.
Result<void> give_to_creator(pg::Connection& db, VectorizerId id) {
  const auto creator = TRY(db.exec(
      "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) FROM pg_catalog.pg_class c "
      "WHERE c.oid = pg_catalog.to_regclass($1) AND c.relowner <> (SELECT r.oid FROM pg_catalog.pg_roles r "
      "WHERE r.rolname = current_user)",
      {queue_table(id)}));
  if (creator.empty()) return {};
  TRY(db.exec(fmt::format("ALTER FUNCTION {} OWNER TO {}", score_function(id), creator.view(0, 0))));
  return {};
}

Result<void> create(pg::Connection& db, VectorizerId id, const SourceTable& table, const RowExpression& score,
                    const std::string& expression) {
  std::string parameters = "similarity pg_catalog.float8";
  for (const std::string& name : score.columns)
    parameters += ", " + pg::quote_identifier(name) + " " + table.find(name)->base_type;
  const std::string sql =
      fmt::format("CREATE FUNCTION {}({}) RETURNS pg_catalog.float8 LANGUAGE sql RETURN {}",
                  score_function(id), parameters, score.sql);
  auto made = with_search_path(db, "", [&] { return db.exec(sql); });
  if (!made)
    return blame(db, subject_of(expression), "cannot be made a function of the row's columns", made.error());
  TRY(refuse_strangers(db, score_function(id), subject_of(expression)));
  for (const std::string_view similarity : {"-1", "0", "1"})
    TRY(try_on_rows(db, table, call_of(id, score.columns, fmt::format("{}::pg_catalog.float8", similarity)),
                    fmt::format("{}, for a similarity of {},", subject_of(expression), similarity)));
  return give_to_creator(db, id);
}

}  // namespace

std::string score_function(VectorizerId id) { return fmt::format("embedd.score_{}", id); }

std::string score_call(const VectorizerInfo& info, std::string_view similarity) {
  return fmt::format(
      "(SELECT CASE WHEN o.score OPERATOR(pg_catalog.>) '-Infinity' AND o.score OPERATOR(pg_catalog.<) "
      "'Infinity' THEN o.score END FROM (SELECT {} AS score OFFSET 0) o)",
      call_of(info.id, info.score_columns, similarity));
}

Result<void> store_score(pg::Connection& db, VectorizerId id, const SourceTable& table,
                         const std::string& expression) {
  RowExpression score;
  if (!expression.empty()) score = TRY(compile(db, table, expression));
  TRY(
      db.exec("UPDATE embedd.vectorizers SET score = nullif($2, ''), score_columns = $3, score_types = $4 "
              "WHERE id = $1",
              {std::to_string(id), expression, pg::array_literal(score.columns),
               pg::array_literal(own_types(table, score.columns))}));
  TRY(db.exec("DROP FUNCTION IF EXISTS " + score_function(id)));
  return expression.empty() ? Result<void>() : create(db, id, table, score, expression);
}

Result<void> set_score(pg::Connection& db, std::string_view vectorizer, const std::string& expression) {
  const auto info = TRY(find_vectorizer(db, vectorizer));
  TRY(check_may_change(db, info));
  return db.transaction([&]() -> Result<void> {
    const auto table = TRY(inspect_table(db, pg::quote_qualified(info.source_schema, info.source_table)));
    return store_score(db, info.id, table, expression == "none" ? "" : expression);
  });
}

}  // namespace embedd::schema
