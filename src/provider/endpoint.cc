#include "provider/endpoint.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/spending_brake.h"

namespace embedd::provider {

namespace {

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

/// A path segment, percent-encoded (RFC 3986, unreserved characters stay).
std::string encode_segment(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out.push_back(static_cast<char>(c));
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", c);
  }
  return out;
}

std::string_view without_trailing_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

Result<void> invalid(const EndpointConfig& config, std::string_view what) {
  return fail(ErrorKind::invalid_argument, fmt::format("endpoint \"{}\": {}", config.name, what));
}

Result<void> validate_url(const EndpointConfig& config) {
  const std::string_view url = config.base_url;
  if (config.dialect == Dialect::azure && (url.empty() || url == kOpenAiBaseUrl))
    return invalid(config, "needs base_url, such as \"https://NAME.openai.azure.com\"");
  if (url.empty()) return invalid(config, "needs base_url, such as \"http://127.0.0.1:11434/v1\"");
  std::string_view rest;
  if (url.starts_with("https://"))
    rest = url.substr(8);
  else if (url.starts_with("http://"))
    rest = url.substr(7);
  else
    return invalid(config, "base_url must begin with https:// or http://");
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty()) return invalid(config, "base_url names no host");
  if (authority.find('@') != std::string_view::npos)
    return invalid(config, "base_url must not hold a user or password; use api_key or headers");
  if (url.find_first_of("?# ") != std::string_view::npos || has_control_characters(url))
    return invalid(config, "base_url must not hold spaces, a query or a fragment");
  if (url.ends_with("/embeddings"))
    return invalid(config, "base_url must not end with /embeddings; that is added");
  return {};
}

}  // namespace

std::string_view name_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::openai: return "openai";
    case Dialect::azure: return "azure";
    case Dialect::local: return "local";
  }
  return "unknown";
}

std::optional<Dialect> dialect_named(std::string_view name) {
  for (const Dialect dialect : {Dialect::openai, Dialect::azure, Dialect::local})
    if (name == name_of(dialect)) return dialect;
  return std::nullopt;
}

Result<void> validate(const EndpointConfig& config) {
  if (config.name.empty()) return fail(ErrorKind::invalid_argument, "an endpoint needs a name");
  if (config.limits.max_in_flight == 0 || config.limits.max_inputs == 0 ||
      config.limits.max_request_tokens == 0 || config.limits.max_input_tokens == 0)
    return invalid(config, "max_in_flight, max_inputs and the token limits must be at least 1");
  if (config.limits.requests_per_minute < 0 || config.limits.tokens_per_minute < 0)
    return invalid(config, "requests_per_minute and tokens_per_minute must not be negative");
  if (config.dialect == Dialect::local) return {};
  TRY(validate_url(config));
  if (config.connect_timeout < seconds(1) || config.timeout < seconds(1))
    return invalid(config, "timeouts must be at least 1 second");
  if (has_control_characters(config.api_key.reveal()))
    return invalid(config, "the API key holds a line break or another control character");
  for (const std::string* field : {&config.organization, &config.project, &config.api_version})
    if (has_control_characters(*field)) return invalid(config, "a setting holds a control character");
  if (!config.ca_file.empty() && access(config.ca_file.c_str(), R_OK) != 0)
    return invalid(config, fmt::format("ca_file {} cannot be read", config.ca_file));
  for (const std::string& header : config.headers)
    if (has_control_characters(header) || header.find(':') == std::string::npos || header.starts_with(':'))
      return invalid(config, "each of headers must read \"Name: value\"");
  return {};
}

std::map<std::string, std::string> addresses_of(const std::vector<EndpointConfig>& configs) {
  std::map<std::string, std::string> out;
  for (const EndpointConfig& config : configs)
    out[config.name] =
        fmt::format("{:016x}", fingerprint_of(fmt::format("{}\n{}\n{}", name_of(config.dialect),
                                                          config.base_url, config.deployment)));
  return out;
}

std::string embeddings_url(const EndpointConfig& config, std::string_view model) {
  const std::string_view base = without_trailing_slashes(config.base_url);
  if (config.dialect != Dialect::azure) return fmt::format("{}/embeddings", base);
  return fmt::format("{}/openai/deployments/{}/embeddings?api-version={}", base,
                     encode_segment(config.deployment.empty() ? model : std::string_view(config.deployment)),
                     encode_segment(config.api_version));
}

}  // namespace embedd::provider
