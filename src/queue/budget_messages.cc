#include <string>
#include <string_view>

#include "pg/form.h"
#include "queue/forms.h"
#include "queue/messages.h"

namespace embedd::queue {
namespace {

/// Stands for a budget without this limit.
constexpr std::int64_t kNoLimit = 4'000'000'000'000'000'000;

}  // namespace

const pg::Statement& budget_statement() {
  static const pg::Statement statement = [] {
    const std::string booked =
        "FROM embedd.usage u WHERE u.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND u.database = "
        "embedd.this_database() AND u.vectorizer_id IN (SELECT v.id FROM embedd.vectorizers v WHERE "
        "'vectorizer ' || coalesce(v.rows_of, v.id) = $1::text OR 'endpoint ' || v.endpoint = $1::text)";
    const auto part = [&](std::string_view row) {
      return pg::fill(forms().form("budget_part"), {{"row", std::string(row)}, {"booked", booked}});
    };
    return pg::Statement(pg::fill(forms().form("spend"), {{"part:a", part("a")}, {"part:s", part("s")}}));
  }();
  return statement;
}

pg::Params budget_params(const BudgetRequest& request) {
  pg::Params params;
  params.text(request.budget_of)
      .integer(request.budget.tokens.value_or(kNoLimit))
      .integer(request.budget.nano_usd.value_or(kNoLimit))
      .integer(request.day)
      .integer(request.returned.tokens)
      .integer(request.returned.nano_usd)
      .integer(request.needed.tokens)
      .integer(request.needed.nano_usd)
      .integer(request.wanted.tokens)
      .integer(request.wanted.nano_usd);
  return params;
}

BudgetAnswer::Part read_budget(const pg::BinaryRows& rows) {
  return {.cost = {.tokens = rows.integer(0, 0), .nano_usd = rows.integer(0, 1)},
          .day = rows.integer(0, 2),
          .day_left = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(rows.real(0, 3)))};
}

const pg::Statement& charge_statement() {
  static const pg::Statement statement{forms().form("charge")};
  return statement;
}

}  // namespace embedd::queue
