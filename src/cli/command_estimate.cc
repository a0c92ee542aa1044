#include <fmt/format.h>

#include <algorithm>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "core/price.h"
#include "pg/estimate.h"
#include "text/catalog.h"

namespace embedd::cli {

namespace {

struct Estimate {
  std::uint64_t rows = 0;
  std::uint64_t tokens = 0;
  std::uint64_t too_long = 0;  ///< texts that are longer than the model takes
  bool exact = false;          ///< tokens are counted, not bounded
  double usd = 0;              ///< 0: free, or of an unknown price
  double minutes = 0;          ///< at the configured limits; 0: none are configured
};

/// The least time that the endpoint's configured limits allow.
double minutes_at(const EndpointLimits& limits, const Estimate& estimate) {
  const auto over = [](std::uint64_t amount, std::int64_t per_minute) {
    return per_minute > 0 ? static_cast<double>(amount) / static_cast<double>(per_minute) : 0.0;
  };
  const std::uint64_t inputs = std::max<std::uint64_t>(1, limits.max_inputs);
  const std::uint64_t request_tokens = std::max<std::uint64_t>(1, limits.max_request_tokens);
  const std::uint64_t requests = std::max((estimate.rows + inputs - 1) / inputs,
                                          (estimate.tokens + request_tokens - 1) / request_tokens);
  return std::max(over(requests, limits.requests_per_minute),
                  over(estimate.tokens, limits.tokens_per_minute));
}

/// What becomes of texts that are longer than the model takes.
std::string_view fate_of(LongTexts policy) {
  switch (policy) {
    case LongTexts::average: return "are embedded in pieces, of which the mean is stored";
    case LongTexts::discard: return "become dead letters";
    case LongTexts::truncate: break;
  }
  return "are cut";
}

LongTexts policy_of(const pg::VectorizerInfo& info) {
  return long_texts_named(info.long_texts).value_or(LongTexts::truncate);
}

/// Of a text's tokens, those that are paid for.
std::uint64_t paid(std::uint64_t tokens, std::uint64_t most, LongTexts policy) {
  if (tokens <= most || policy == LongTexts::average) return tokens;
  return policy == LongTexts::discard ? 0 : most;
}

void print_estimate(const Estimate& estimate, const pg::VectorizerInfo& info) {
  const auto count = [](std::uint64_t n) { return human_count(static_cast<std::int64_t>(n)); };
  print(fmt::format("rows    {}\n", count(estimate.rows)));
  print(fmt::format("tokens  {}{}\n", estimate.exact ? "" : "at most ", count(estimate.tokens)));
  if (estimate.too_long > 0)
    print(fmt::format("        {} texts are longer than the model takes, and {}\n", count(estimate.too_long),
                      fate_of(policy_of(info))));
  if (usd_per_million_tokens(info.model) > 0)
    print(
        fmt::format("cost    {}USD {:.4f} at list price\n", estimate.exact ? "" : "at most ", estimate.usd));
  else
    print(fmt::format("cost    no price is known for {}\n", printable(info.model)));
  if (estimate.minutes > 0)
    print(fmt::format("time    {} or more, by the endpoint's configured limits\n",
                      human_age(estimate.minutes * 60)));
}

}  // namespace

Result<int> estimate(Context& context, const std::string& name) {
  auto db = app::connect(context.config);
  if (!db) return std::unexpected(db.error());
  auto info = pg::find_vectorizer(*db, name);
  if (!info) return std::unexpected(info.error());

  const EndpointConfig* endpoint = context.config.endpoint(info->endpoint);
  const EndpointLimits limits = endpoint == nullptr ? EndpointLimits{} : endpoint->limits;
  const std::string prefix = endpoint == nullptr ? std::string() : endpoint->document_prefix;
  const Tokenizers tokenizers(context.config.values.text("tokenizer_ranks"));
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(info->model);
  Estimate estimate;
  estimate.exact = tokenizers.exact_for(info->model);
  auto read = pg::for_each_waiting_text(*db, *info, [&](std::string_view text) {
    const std::size_t tokens = tokenizer.count(prefix + std::string(text));
    ++estimate.rows;
    estimate.too_long += tokens > limits.max_input_tokens ? 1 : 0;
    estimate.tokens += paid(tokens, limits.max_input_tokens, policy_of(*info));
  });
  if (!read) return std::unexpected(read.error());
  estimate.usd = usd_of(info->model, estimate.tokens);
  estimate.minutes = minutes_at(limits, estimate);

  if (context.json) {
    JsonWriter json;
    json.object().key("vectorizer").value(info->name).key("rows").value(estimate.rows);
    json.key("tokens").value(estimate.tokens).key("tokens_exact").value(estimate.exact);
    json.key("too_long").value(estimate.too_long).key("long_texts").value(info->long_texts).key("cost_usd");
    usd_per_million_tokens(info->model) > 0 ? json.value(estimate.usd) : json.null();
    json.key("minutes_at_least");
    estimate.minutes > 0 ? json.value(estimate.minutes) : json.null();
    print(json.end().str() + "\n");
    return kDone;
  }
  print_estimate(estimate, *info);
  return kDone;
}

}  // namespace embedd::cli
