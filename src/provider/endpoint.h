/// The configuration of one endpoint, from which embeddings come.
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
/// The dialect with this name, as the configuration spells it.
std::optional<Dialect> dialect_named(std::string_view name);

inline constexpr std::string_view kOpenAiBaseUrl = "https://api.openai.com/v1";
inline constexpr std::string_view kAzureApiVersion = "2024-10-21";

struct EndpointConfig {
  std::string name = "openai";
  Dialect dialect = Dialect::openai;
  /// The URL with the version path; azure: `https://NAME.openai.azure.com`. There is no default, so that
  /// texts and key go nowhere by omission.
  std::string base_url;

  std::string model;  ///< default for vectorizers created without `--model`; empty: none

  Secret api_key;            ///< as configured; ignored while `api_key_file` is set
  std::string api_key_file;  ///< re-read when it changes, so that a key can appear or rotate at run time
  /// Without a key: if required, rows wait for it (G8); otherwise requests are sent without. True unless the
  /// configuration says `key_required = false`, or `api_key = ""`, which means the same.
  bool key_required = true;
  std::string organization;          ///< openai: `OpenAI-Organization`, if not empty
  std::string project;               ///< openai: `OpenAI-Project`, if not empty
  std::vector<std::string> headers;  ///< further headers, each `Name: value`

  std::string deployment;  ///< azure: empty means that the deployment is named like the vectorizer's model
  std::string api_version{kAzureApiVersion};  ///< azure

  /// PEM: the only authorities trusted for the server's certificate; empty: the system's.
  std::string ca_file;

  std::string document_prefix;  ///< put before every text to be stored (nomic, e5, Voyage, Cohere)
  std::string query_prefix;     ///< put before every search query

  /// Sent as `encoding_format`; "" omits the field, for servers that refuse it. The reader detects the
  /// encoding of each answer, whatever was asked for.
  std::string encoding_format = "base64";
  EndpointLimits limits;
  seconds connect_timeout{5};
  seconds timeout{60};  ///< least silence before a worker gives a request up; the whole wait of a search
};

/// Refuses a configuration that cannot work. The message tells a person what to do.
Result<void> validate(const EndpointConfig& config);

/// For each endpoint, by name: a short word that changes when its requests go elsewhere, and that does not
/// reveal the address.
std::map<std::string, std::string> addresses_of(const std::vector<EndpointConfig>& configs);

/// The URL for requests for `model`. Meaningless for local.
std::string embeddings_url(const EndpointConfig& config, std::string_view model);

}  // namespace embedd::provider
