#include "cli/toml_key.h"

#include <utility>

namespace embedd::cli {
namespace {

void read_variable(const std::string& variable, const Lookup& lookup, provider::EndpointConfig& config) {
  if (auto key = lookup(variable); key && !key->empty())
    config.api_key = Secret(std::move(*key));
  else if (auto path = lookup(variable + "_FILE"); path && !path->empty())
    config.api_key_file = std::move(*path);
}

}  // namespace

std::string read_api_key(const toml::node& node, const Lookup& lookup, provider::EndpointConfig& config) {
  constexpr const char* kShape = R"(must be { env = "NAME" }, { file = "path" } or "")";
  config.api_key = Secret();
  config.api_key_file.clear();
  if (const auto* value = node.as_string()) {
    if (!value->get().empty()) return std::string("a key does not belong into this file: ") + kShape;
    config.key_required = false;
    return "";
  }
  const auto* source = node.as_table();
  if (source == nullptr || source->size() != 1) return kShape;
  if (const auto* path = source->get_as<std::string>("file"))
    config.api_key_file = plain(path->get());
  else if (const auto* variable = source->get_as<std::string>("env"))
    read_variable(plain(variable->get()), lookup, config);
  else
    return kShape;
  return "";
}

}  // namespace embedd::cli
