#include "core/models.h"

namespace embedd {
namespace {

using Dimensions = ModelFacts::Dimensions;

/// OpenAI's: platform.openai.com/docs/guides/embeddings, as of 2026.
constexpr ModelFacts kModels[] = {
    {"text-embedding-3-small", 1536, Dimensions::reduced, true},
    {"text-embedding-3-large", 3072, Dimensions::reduced, true},
    {"text-embedding-ada-002", 1536, Dimensions::fixed, true},
    {kLocalModel, kDefaultDimensions, Dimensions::any, false},
};

}  // namespace

const ModelFacts* model_facts(std::string_view name) {
  for (const ModelFacts& model : kModels)
    if (model.name == name) return &model;
  return nullptr;
}

}  // namespace embedd
