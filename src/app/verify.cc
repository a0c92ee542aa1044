#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/change.h"
#include "app/database.h"
#include "app/endpoints.h"
#include "core/tokenizer.h"
#include "search/sample.h"
#include "text/catalog.h"
#include "text/chunker.h"

namespace embedd::app {
namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, a_square = 0, b_square = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    a_square += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    b_square += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return a_square > 0 && b_square > 0 ? product / std::sqrt(a_square * b_square) : 0;
}

/// The text that was sent for a sampled chunk: cuts the row's text again. Empty if the chunks have changed.
std::string sent_of(const TextChunker& chunker, const Vectorizer& vectorizer,
                    const search::SampledVector& row) {
  const auto cut = chunker.cut(vectorizer, row.window, {}, row.window_is_all);
  const auto at = static_cast<std::size_t>(row.chunk_seq);
  if (!cut || at >= cut->chunks.size() || cut->chunks[at].text != row.text) return {};
  return cut->chunks[at].sent;
}

}  // namespace

Result<Verification> verify(const Settings& settings, const VerifyRequest& request) {
  auto db = TRY(connect(settings));
  Verification out{.vectorizer = TRY(schema::find_vectorizer(db, request.name))};
  const schema::VectorizerInfo& info = out.vectorizer;
  const provider::EndpointConfig* endpoint = TRY(ready_endpoint(settings, info));
  const bool cut_again = info.stores() && !info.chunk_template.empty();
  const auto sampled = TRY(search::sample_vectors(db, info, request.sample, cut_again));
  if (sampled.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} has no vectors to verify: embedd status says why", info.name));

  const Tokenizers tokenizers(settings.tokenizer_ranks);
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(info.model);
  const TextChunker chunker(tokenizers);
  const Vectorizer vectorizer{
      .model = info.model, .chunk_rule = info.chunk_rule, .chunk_template = info.chunk_template};
  std::vector<std::string> texts;
  std::vector<const search::SampledVector*> rows;
  for (const search::SampledVector& row : sampled) {
    std::string text = cut_again ? sent_of(chunker, vectorizer, row) : row.text;
    // A text that was cut or averaged has the vector of several pieces, or of a piece that is not known here.
    if (text.empty() || tokenizer.count(endpoint->document_prefix + text) > endpoint->limits.max_input_tokens)
      continue;
    texts.push_back(std::move(text));
    rows.push_back(&row);
  }
  out.left_out = sampled.size() - rows.size();
  const auto vectors =
      TRY(embed_texts(*endpoint, endpoint->document_prefix, info, tokenizer, texts, out.tokens));
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.rows.push_back({rows[i]->key, rows[i]->chunk_seq, cosine(rows[i]->vector, vectors[i])});
  out.usd = settings.prices.usd_of(info.endpoint, info.model, out.tokens);
  std::ranges::sort(out.rows, {}, &VerifiedRow::cosine);
  out.beyond = static_cast<std::uint64_t>(std::ranges::count_if(
      out.rows, [&](const VerifiedRow& row) { return 1 - row.cosine > request.tolerance; }));
  return out;
}

}  // namespace embedd::app
