#include "app/vectorizer.h"

#include <utility>

#include "app/budget.h"
#include "app/database.h"
#include "app/endpoints.h"
#include "core/tokenizer.h"
#include "schema/capture_state.h"
#include "schema/declaration.h"
#include "schema/declarer.h"
#include "schema/inspect.h"
#include "schema/vector_index.h"
#include "text/catalog.h"
#include "text/chunker.h"

namespace embedd::app {

namespace {

std::vector<LackingRole> lacking_roles(pg::Connection& db) {
  std::vector<LackingRole> out;
  const auto roles = schema::worker_roles(db);
  if (!roles) return out;
  for (const std::string& role : *roles) {
    auto lacking = schema::missing_grants(db, role);
    if (lacking && !lacking->empty()) out.push_back({role, std::move(*lacking)});
  }
  return out;
}

Result<void> check_chunks(const Settings& settings, const schema::VectorizerSpec& spec) {
  const Tokenizers tokenizers(settings.tokenizer_ranks);
  return check_chunk_size(TRY(parse_chunk_rule(spec.chunk)), TRY(parse_chunk_template(spec.chunk_template)),
                          tokenizers.tokenizer_for(spec.model));
}

}  // namespace

Existing priced(const Settings& settings, const schema::VectorizerInfo& vectorizer,
                const schema::ExistingVectors& existing) {
  Existing out{existing};
  const auto usd_of = [&](std::uint64_t tokens) {
    return settings.prices.usd_of(vectorizer.endpoint, vectorizer.model, tokens);
  };
  if (out.unproven_rows() == 0 || out.sample.empty() || !usd_of(0)) {
    out.usd_anew = usd_of(0);
    return out;
  }
  const Tokenizers tokenizers(settings.tokenizer_ranks);
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(vectorizer.model);
  const provider::EndpointConfig* endpoint = settings.endpoint(vectorizer.endpoint);
  const std::string prefix = endpoint == nullptr ? std::string() : endpoint->document_prefix;
  std::size_t tokens = 0;
  for (const std::string& text : out.sample) tokens += tokenizer.count(prefix + text);
  const double each = usd_of(tokens).value_or(0) / static_cast<double>(out.sample.size());
  out.usd_anew = each * static_cast<double>(out.unproven_rows());
  return out;
}

Result<void> check_spec(const Settings& settings, const schema::VectorizerSpec& spec) {
  TRY(schema::check_words(spec));
  if (spec.store) TRY(check_chunks(settings, spec));
  TRY(check_budget(settings, spec.endpoint, spec.model, spec.budget));
  return {};
}

CreatedVectorizer describe_created(const Settings& settings, pg::Connection& db, schema::Declared declared) {
  CreatedVectorizer out;
  out.info = std::move(declared.info);
  out.existing = priced(settings, out.info, declared.existing);
  out.notes = std::move(declared.notes);
  if (auto capture = schema::capture_state(db, out.info); capture && capture->note)
    out.notes.push_back(std::move(*capture->note));
  out.lacking = lacking_roles(db);
  const auto backlog = schema::read_backlog(db, out.info);
  out.worker_running = backlog && backlog->worker_running;
  return out;
}

Result<CreatedVectorizer> create_vectorizer(const Settings& settings, schema::VectorizerSpec spec) {
  spec.model = TRY(model_for(settings, spec.endpoint, spec.model));
  TRY(check_spec(settings, spec));
  auto db = TRY(connect(settings));
  return describe_created(settings, db, TRY(schema::declare_vectorizer(db, spec)));
}

}  // namespace embedd::app
