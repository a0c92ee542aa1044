#include "app/endpoints.h"

#include <fmt/format.h>

#include "core/models.h"
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

std::string how_to_set_key(const provider::EndpointConfig& endpoint) {
  if (!endpoint.api_key_file.empty()) return fmt::format("write it to {}", endpoint.api_key_file);
  if (endpoint.name == "openai") return "set OPENAI_API_KEY, or OPENAI_API_KEY_FILE";
  return fmt::format("set the variable that api_key of [endpoint.{}] names", endpoint.name);
}

}  // namespace embedd::app
