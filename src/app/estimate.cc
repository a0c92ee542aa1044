#include "app/estimate.h"

#include <algorithm>
#include <string>

#include "app/database.h"
#include "core/models.h"
#include "core/tokenizer.h"
#include "schema/estimate.h"
#include "text/catalog.h"

namespace embedd::app {

std::uint64_t paid_tokens(std::uint64_t tokens, std::uint64_t most, LongTexts policy) {
  if (tokens <= most || policy == LongTexts::average) return tokens;
  return policy == LongTexts::discard ? 0 : most;
}

double least_minutes(const EndpointLimits& limits, std::uint64_t rows, std::uint64_t tokens) {
  const auto over = [](std::uint64_t amount, std::int64_t per_minute) {
    return per_minute > 0 ? static_cast<double>(amount) / static_cast<double>(per_minute) : 0.0;
  };
  const std::uint64_t inputs = std::max<std::uint64_t>(1, limits.max_inputs);
  const std::uint64_t request_tokens = std::max<std::uint64_t>(1, limits.max_request_tokens);
  const std::uint64_t requests =
      std::max((rows + inputs - 1) / inputs, (tokens + request_tokens - 1) / request_tokens);
  return std::max(over(requests, limits.requests_per_minute), over(tokens, limits.tokens_per_minute));
}

Result<Estimate> estimate(const Settings& settings, std::string_view vectorizer) {
  auto db = TRY(connect(settings));
  auto info = TRY(schema::find_vectorizer(db, vectorizer));

  const provider::EndpointConfig* endpoint = settings.endpoint(info.endpoint);
  const EndpointLimits limits = endpoint == nullptr ? EndpointLimits{} : endpoint->limits;
  const std::string prefix = endpoint == nullptr ? std::string() : endpoint->document_prefix;
  const Tokenizers tokenizers(settings.tokenizer_ranks);
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(info.model);
  Estimate out;
  out.long_texts = long_texts_named(info.long_texts).value_or(LongTexts::truncate);
  out.exact = tokenizers.exact_for(info.model);
  TRY(schema::for_each_waiting_text(db, info, [&](std::string_view text) {
    const std::size_t tokens = tokenizer.count(prefix + std::string(text));
    ++out.rows;
    if (info.stores()) {  // the text is cut into chunks, whatever its length
      out.tokens += tokens;
      return;
    }
    out.too_long += tokens > limits.max_input_tokens ? 1 : 0;
    out.tokens += paid_tokens(tokens, limits.max_input_tokens, out.long_texts);
  }));
  if (usd_per_million_tokens(info.model) > 0) out.usd = usd_of(info.model, out.tokens);
  if (const double minutes = least_minutes(limits, out.rows, out.tokens); minutes > 0) out.minutes = minutes;
  out.vectorizer = std::move(info);
  return out;
}

}  // namespace embedd::app
