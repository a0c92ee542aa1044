#include "app/estimate.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "app/database.h"
#include "core/tokenizer.h"
#include "schema/estimate.h"
#include "text/catalog.h"
#include "text/chunker.h"

namespace embedd::app {

namespace {

/// Cuts every waiting text as a worker does. Equal chunks of one text are bought once. Chunks that a row had
/// before, or that were bought for rows which wait for others, are not bought again: then the estimate is a
/// bound.
Result<void> count_chunks(pg::Connection& db, const schema::VectorizerInfo& info, const TextChunker& chunker,
                          const std::function<std::size_t(const std::string&)>& tokens, Estimate& out) {
  const Vectorizer vectorizer{
      .model = info.model, .chunk_rule = info.chunk_rule, .chunk_template = info.chunk_template};
  std::uint64_t chunks = 0;
  bool some_bought = TRY(schema::has_bought_chunks(db, info));
  TRY(schema::for_each_waiting_text(db, info, [&](std::string_view text, bool embedded_before) {
    ++out.rows;
    some_bought = some_bought || embedded_before;
    const auto cut = chunker.cut(vectorizer, text, {}, true);
    if (!cut) return;  // a dead letter
    std::set<std::string_view> seen;
    for (const Chunk& chunk : cut->chunks) {
      ++chunks;
      if (seen.insert(chunk.sent).second) out.tokens += tokens(chunk.sent);
    }
  }));
  out.chunks = chunks;
  out.exact = out.exact && !some_bought;
  return {};
}

}  // namespace

std::uint64_t paid_tokens(std::uint64_t tokens, std::uint64_t most, LongTexts policy) {
  if (tokens <= most || policy == LongTexts::average) return tokens;
  return policy == LongTexts::discard ? 0 : most;
}

double least_minutes(const EndpointLimits& limits, std::uint64_t texts, std::uint64_t tokens) {
  const auto over = [](std::uint64_t amount, std::int64_t per_minute) {
    return per_minute > 0 ? static_cast<double>(amount) / static_cast<double>(per_minute) : 0.0;
  };
  const std::uint64_t inputs = std::max<std::uint64_t>(1, limits.max_inputs);
  const std::uint64_t request_tokens = std::max<std::uint64_t>(1, limits.max_request_tokens);
  const std::uint64_t requests =
      std::max((texts + inputs - 1) / inputs, (tokens + request_tokens - 1) / request_tokens);
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
  const auto count = [&](const std::string& text) { return tokenizer.count(prefix + text); };
  if (info.stores()) {
    TRY(count_chunks(db, info, TextChunker(tokenizers), count, out));
  } else {
    TRY(schema::for_each_waiting_text(db, info, [&](std::string_view text, bool) {
      const std::size_t tokens = count(std::string(text));
      ++out.rows;
      out.too_long += tokens > limits.max_input_tokens ? 1 : 0;
      out.tokens += paid_tokens(tokens, limits.max_input_tokens, out.long_texts);
    }));
  }
  out.usd = settings.prices.usd_of(info.endpoint, info.model, out.tokens);
  if (const double minutes = least_minutes(limits, out.chunks.value_or(out.rows), out.tokens); minutes > 0)
    out.minutes = minutes;
  out.vectorizer = std::move(info);
  return out;
}

}  // namespace embedd::app
