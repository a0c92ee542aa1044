#include "core/models.h"

namespace embedd {
namespace {

using Dimensions = ModelFacts::Dimensions;

/// OpenAI's: platform.openai.com/docs/guides/embeddings and openai.com/api/pricing, as of 2026.
constexpr ModelFacts kModels[] = {
    {"text-embedding-3-small", 1536, Dimensions::reduced, true, 0.02},
    {"text-embedding-3-large", 3072, Dimensions::reduced, true, 0.13},
    {"text-embedding-ada-002", 1536, Dimensions::fixed, true, 0.10},
    {kLocalModel, kDefaultDimensions, Dimensions::any, false, 0},
};

}  // namespace

const ModelFacts* model_facts(std::string_view name) {
  for (const ModelFacts& model : kModels)
    if (model.name == name) return &model;
  return nullptr;
}

double usd_per_million_tokens(std::string_view model) {
  const ModelFacts* facts = model_facts(model);
  return facts != nullptr ? facts->usd_per_million_tokens : 0;
}

}  // namespace embedd
