/// Where embeddings come from: what the worker's configuration says of one endpoint.
///
/// An endpoint is defined in the worker's configuration only; SQL can name one but never define one (G11).
///
///   EndpointConfig openai{.name = "openai", .base_url = std::string(kOpenAiBaseUrl)};
///   openai.api_key = Secret(key);
///   if (auto valid = validate(openai); !valid) …  // the message says what to do
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/units.h"
#include "core/embedder.h"

namespace embedd::provider {

enum class Dialect {
  openai,  ///< OpenAI, and every server that is compatible with it
  azure,   ///< Azure OpenAI: another path, and `api-key` in place of `Authorization`
  local,   ///< built in: signed feature hashing; needs neither a network nor a key
};

std::string_view name_of(Dialect dialect);
/// The dialect of that name, as configuration spells it.
std::optional<Dialect> dialect_named(std::string_view name);

inline constexpr std::string_view kOpenAiBaseUrl = "https://api.openai.com/v1";
inline constexpr std::string_view kAzureApiVersion = "2024-10-21";

struct EndpointConfig {
  std::string name = "openai";
  Dialect dialect = Dialect::openai;
  /// With its version path; azure: `https://NAME.openai.azure.com`. No default: texts and key go nowhere by
  /// omission.
  std::string base_url;

  std::string model;  ///< of vectorizers that are created without `--model`; empty: they must name one

  Secret api_key;            ///< as configured; ignored while `api_key_file` is set
  std::string api_key_file;  ///< re-read when it changes, so that a key can appear or rotate at run time
  /// Without a key, a required one is waited for (G8) and one that is not required is left out. Stays true
  /// unless the configuration says `key_required = false` or, the same, `api_key = ""`.
  bool key_required = true;
  std::string organization;          ///< openai: `OpenAI-Organization`, if not empty
  std::string project;               ///< openai: `OpenAI-Project`, if not empty
  std::vector<std::string> headers;  ///< further ones, each `Name: value`

  std::string deployment;                     ///< azure: empty means the vectorizer's model is its name
  std::string api_version{kAzureApiVersion};  ///< azure

  std::string ca_file;  ///< PEM; the only authorities that its certificate may come from. Empty: the system's

  std::string document_prefix;  ///< put before every text to be stored (nomic, e5, Voyage, Cohere)
  std::string query_prefix;     ///< put before every search query

  /// Sent as `encoding_format`; "" leaves the field out, for servers that refuse it. The answer is read by
  /// what it holds, never by what was asked.
  std::string encoding_format = "base64";
  EndpointLimits limits;
  seconds connect_timeout{5};
  seconds timeout{60};  ///< least silence after which a worker may give a request up; search waits no longer
};

/// Refuses a configuration that cannot work, with a message for a person.
Result<void> validate(const EndpointConfig& config);

/// Of each, by its name, a short word that changes with the place where its requests go, and tells nothing of
/// it.
std::map<std::string, std::string> addresses_of(const std::vector<EndpointConfig>& configs);

/// Where requests for `model` go. Meaningless for local.
std::string embeddings_url(const EndpointConfig& config, std::string_view model);

}  // namespace embedd::provider
