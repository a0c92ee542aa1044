#include <fmt/format.h>

#include "app/estimate.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "core/job.h"

namespace embedd::cli {

namespace {

/// What the vectorizer does with texts that are longer than the model takes.
std::string_view fate_of(LongTexts policy) {
  switch (policy) {
    case LongTexts::average: return "are embedded in pieces, of which the mean is stored";
    case LongTexts::discard: return "become dead letters";
    case LongTexts::truncate: break;
  }
  return "are cut";
}

void print_json(const app::Estimate& estimate) {
  JsonWriter json;
  json.object().key("vectorizer").value(estimate.vectorizer.name).key("rows").value(estimate.rows);
  if (estimate.chunks) json.key("chunks").value(*estimate.chunks);
  json.key("tokens").value(estimate.tokens).key("tokens_exact").value(estimate.exact);
  json.key("too_long").value(estimate.too_long);
  json.key("long_texts").value(estimate.vectorizer.long_texts).key("cost_usd");
  estimate.usd ? json.value(*estimate.usd) : json.null();
  json.key("minutes_at_least");
  estimate.minutes ? json.value(*estimate.minutes) : json.null();
  print(json.end().str() + "\n");
}

void print_text(const app::Estimate& estimate) {
  const auto count = [](std::uint64_t n) { return human_count(static_cast<std::int64_t>(n)); };
  const std::string_view bound = estimate.exact ? "" : "at most ";
  print(fmt::format("rows    {}\n", count(estimate.rows)));
  if (estimate.chunks) print(fmt::format("chunks  {}\n", count(*estimate.chunks)));
  print(fmt::format("tokens  {}{}\n", bound, count(estimate.tokens)));
  if (estimate.too_long > 0)
    print(fmt::format("        {} texts are longer than the model takes, and {}\n", count(estimate.too_long),
                      fate_of(estimate.long_texts)));
  if (estimate.usd && *estimate.usd == 0)
    print("cost    nothing\n");
  else if (estimate.usd)
    print(fmt::format("cost    {}USD {:.4f} at list price\n", bound, *estimate.usd));
  else
    print(fmt::format("cost    unknown: no price is known for {}\n", printable(estimate.vectorizer.model)));
  if (estimate.minutes)
    print(fmt::format("time    {} or more, by the endpoint's configured limits\n",
                      human_age(*estimate.minutes * 60)));
}

}  // namespace

Result<int> estimate(Context& context, const std::string& name) {
  const auto estimate = TRY(app::estimate(context.config, name));
  if (context.json)
    print_json(estimate);
  else
    print_text(estimate);
  return kDone;
}

}  // namespace embedd::cli
