#include "cli/existing.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "core/price.h"
#include "text/catalog.h"

namespace embedd::cli {

namespace {

/// At list price, by the sample's mean; 0: free, or of an unknown price.
double usd_anew(const Config& config, const pg::VectorizerInfo& info, const pg::ExistingVectors& existing) {
  if (existing.sample.empty() || usd_per_million_tokens(info.model) == 0) return 0;
  const Tokenizers tokenizers(config.values.text("tokenizer_ranks"));
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(info.model);
  const EndpointConfig* endpoint = config.endpoint(info.endpoint);
  const std::string prefix = endpoint == nullptr ? std::string() : endpoint->document_prefix;
  std::size_t tokens = 0;
  for (const std::string& text : existing.sample) tokens += tokenizer.count(prefix + text);
  const double each = usd_of(info.model, tokens) / static_cast<double>(existing.sample.size());
  return each * static_cast<double>(existing.rows - existing.proven);
}

}  // namespace

void note_existing(const Config& config, const pg::VectorizerInfo& info,
                   const pg::ExistingVectors& existing) {
  if (!existing.counted)
    return print_note(
        "note: vectors that are there could not be counted; those that nothing proves are embedded anew");
  if (!existing.recalled.empty())
    print_note(fmt::format("{} vectors are known from the vectorizer {} that was dropped: they cost nothing",
                           human_count(existing.proven - existing.adopted), printable(existing.recalled)));
  if (existing.adopted > 0)
    print_note(fmt::format("{} vectors are adopted as they are", human_count(existing.adopted)));
  const std::int64_t anew = existing.rows - existing.proven;
  if (anew == 0) return;
  const double usd = usd_anew(config, info, existing);
  print_note(fmt::format(
      "note: {} rows have a vector already, of which nothing says that {} made it of their text: they are "
      "embedded "
      "anew{}. To keep vectors instead: embedd vectorizer drop {}, and create it with --adopt-existing",
      human_count(anew), printable(info.model), usd > 0 ? fmt::format(", for about USD {:.4f}", usd) : "",
      printable(info.name)));
}

void write_existing(JsonWriter& json, const Config& config, const pg::VectorizerInfo& info,
                    const pg::ExistingVectors& existing) {
  json.key("existing_vectors");
  if (!existing.counted) {
    json.null();
    return;
  }
  json.object().key("rows").value(existing.rows).key("adopted").value(existing.adopted);
  json.key("recalled").value(existing.recalled.empty() ? 0 : existing.proven - existing.adopted);
  json.key("embedded_anew").value(existing.rows - existing.proven);
  json.key("cost_usd").value(usd_anew(config, info, existing)).end();
}

}  // namespace embedd::cli
