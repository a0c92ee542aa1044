#include "app/endpoints.h"

#include <fmt/format.h>

#include <utility>

#include "core/models.h"
#include "provider/embedders.h"
#include "provider/key_file.h"

namespace embedd::app {

Result<std::string> model_for(const Settings& settings, std::string_view endpoint, std::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  const provider::EndpointConfig* found = settings.endpoint(endpoint);
  if (found != nullptr && !found->model.empty()) return found->model;
  if (found != nullptr && found->dialect == provider::Dialect::local) return std::string(kLocalModel);
  if (endpoint == "openai") return std::string(kDefaultModel);
  return fail(ErrorKind::invalid_argument,
              fmt::format("name a model with --model: the endpoint {} has no default (model = \"…\" in "
                          "[endpoint.{}] of embedd.toml makes one)",
                          endpoint, endpoint));
}

bool has_key(const provider::EndpointConfig& endpoint) {
  if (endpoint.dialect == provider::Dialect::local || !endpoint.key_required) return true;
  if (endpoint.api_key_file.empty()) return !endpoint.api_key.empty();
  const auto key = provider::read_secret_file(endpoint.api_key_file);
  return key && !key->empty();
}

Result<const provider::EndpointConfig*> ready_endpoint(const Settings& settings,
                                                       const schema::VectorizerInfo& vectorizer) {
  const provider::EndpointConfig* endpoint = settings.endpoint(vectorizer.endpoint);
  if (endpoint == nullptr)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} uses the endpoint '{}', which is not configured here: add [endpoint.{}] to "
                            "embedd.toml",
                            vectorizer.name, vectorizer.endpoint, vectorizer.endpoint));
  if (!has_key(*endpoint))
    return fail(ErrorKind::unauthenticated,
                fmt::format("this needs the model {} of the endpoint '{}', and there is no key for it: {}",
                            vectorizer.model, endpoint->name, how_to_set_key(*endpoint)));
  return endpoint;
}

Result<std::vector<std::vector<float>>> embed_texts(const provider::EndpointConfig& endpoint,
                                                    const std::string& prefix,
                                                    const schema::VectorizerInfo& vectorizer,
                                                    const Tokenizer& tokenizer,
                                                    const std::vector<std::string>& texts,
                                                    std::uint64_t& tokens) {
  std::vector<std::vector<float>> out;
  std::vector<std::string_view> inputs;
  std::size_t input_tokens = 0;
  const auto ask = [&]() -> Result<void> {
    if (inputs.empty()) return {};
    const auto answer = TRY(provider::embed_once(endpoint, prefix, vectorizer.model, vectorizer.dimensions,
                                                 vectorizer.send_dimensions, std::exchange(inputs, {})));
    tokens += answer.tokens;
    input_tokens = 0;
    const std::size_t size = answer.vectors.dimensions;
    for (auto at = answer.vectors.values.begin(); at != answer.vectors.values.end();
         at += static_cast<std::ptrdiff_t>(size))
      out.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
    return {};
  };
  for (const std::string& text : texts) {
    const std::size_t more = tokenizer.count(prefix + text);
    if (inputs.size() == endpoint.limits.max_inputs ||
        input_tokens + more > endpoint.limits.max_request_tokens)
      TRY(ask());
    inputs.push_back(text);
    input_tokens += more;
  }
  TRY(ask());
  return out;
}

std::string how_to_set_key(const provider::EndpointConfig& endpoint) {
  if (!endpoint.api_key_file.empty()) return fmt::format("write it to {}", endpoint.api_key_file);
  if (endpoint.name == "openai") return "set OPENAI_API_KEY, or OPENAI_API_KEY_FILE";
  return fmt::format("set the variable that api_key of [endpoint.{}] names", endpoint.name);
}

}  // namespace embedd::app
