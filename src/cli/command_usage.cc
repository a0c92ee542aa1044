#include <fmt/format.h>

#include <algorithm>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage_text.h"
#include "schema/usage.h"
#include "serve/status_json.h"

namespace embedd::cli {
namespace {

schema::UsageQuery query_of(const UsageArguments& arguments) {
  const auto by = [&](std::string_view what) {
    return arguments.by.empty() ? what != "day" : std::ranges::find(arguments.by, what) != arguments.by.end();
  };
  return {.by_vectorizer = by("vectorizer"),
          .by_model = by("model"),
          .by_day = by("day"),
          .since = arguments.since};
}

void write_amounts(JsonWriter& json, const schema::UsageSum& sum) {
  json.key("requests").value(sum.requests).key("rows").value(sum.rows).key("tokens").value(sum.tokens);
  serve::write_cost(json, sum.cost_usd, sum.unpriced_tokens);
}

std::string as_json(const schema::UsageQuery& query, const std::vector<schema::UsageSum>& sums,
                    const schema::UsageSum& total) {
  JsonWriter json;
  json.object().key("usage").array();
  for (const schema::UsageSum& sum : sums) {
    json.object();
    if (query.by_vectorizer) json.key("vectorizer").value(sum.vectorizer);
    if (query.by_model) json.key("model").value(sum.model);
    if (query.by_day) json.key("day").value(sum.day);
    write_amounts(json, sum);
    json.end();
  }
  json.end().key("total").object();
  write_amounts(json, total);
  return json.end().end().str() + "\n";
}

std::string as_text(const schema::UsageQuery& query, const std::vector<schema::UsageSum>& sums,
                    const schema::UsageSum& total) {
  std::vector<std::string> header;
  if (query.by_day) header.emplace_back("day");
  if (query.by_vectorizer) header.emplace_back("vectorizer");
  if (query.by_model) header.emplace_back("model");
  for (const char* name : {"requests", "rows", "tokens", "USD"}) header.emplace_back(name);
  Table table(header);
  const auto add = [&](std::vector<std::string> cells, const schema::UsageSum& sum) {
    for (const std::int64_t amount : {sum.requests, sum.rows, sum.tokens})
      cells.push_back(human_count(amount));
    cells.push_back(cost_text(sum.cost_usd, sum.unpriced_tokens));
    table.add(std::move(cells));
  };
  for (const schema::UsageSum& sum : sums) {
    std::vector<std::string> cells;
    if (query.by_day) cells.push_back(sum.day);
    if (query.by_vectorizer) cells.push_back(printable(sum.vectorizer, 30));
    if (query.by_model) cells.push_back(printable(sum.model, 30));
    add(std::move(cells), sum);
  }
  std::vector<std::string> in_all(header.size() - 4);
  in_all.front() = "in all";
  add(std::move(in_all), total);
  return table.str() + unpriced_note(total.unpriced_tokens);
}

}  // namespace

Result<int> usage(Context& context, const UsageArguments& arguments) {
  auto db = TRY(app::connect(context.config));
  const schema::UsageQuery query = query_of(arguments);
  const auto sums = TRY(schema::sum_usage(db, query));
  const auto whole = TRY(schema::sum_usage(db, {.since = arguments.since}));
  const schema::UsageSum total = whole.empty() ? schema::UsageSum{.cost_usd = 0} : whole.front();
  if (context.json) {
    print(as_json(query, sums, total));
    return kDone;
  }
  if (sums.empty())
    print_note("nothing was bought");
  else
    print(as_text(query, sums, total));
  return kDone;
}

}  // namespace embedd::cli
