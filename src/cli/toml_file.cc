#include "cli/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/nearest.h"
#include "cli/budget_text.h"
#include "cli/settings.h"
#include "cli/toml_key.h"
#include "cli/toml_parse.h"
#include "cli/toml_reader.h"

namespace embedd::cli {

namespace {

constexpr std::string_view kEndpointTable = "endpoint", kPriceTable = "price", kVectorizers = "vectorizer";
/// The tables of named tables: [endpoint.NAME].
constexpr std::string_view kTables[] = {kEndpointTable, "token", "rerank"};

/// A scalar as a person would write it in the environment; nothing for arrays, tables and dates.
std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return plain(text->get());
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

/// Reads one `[endpoint.NAME]` table.
class EndpointReader : TomlReader {
 public:
  EndpointReader(const toml::table& table, const std::string& file, const Lookup& lookup,
                 provider::EndpointConfig& config)
      : TomlReader(table, file, fmt::format("endpoint.{}.", config.name)), lookup_(lookup), config_(config) {}

  Result<void> read() {
    read_dialect();
    text("base_url", config_.base_url);
    text("model", config_.model);
    text("organization", config_.organization);
    text("project", config_.project);
    text("deployment", config_.deployment);
    text("api_version", config_.api_version);
    text("ca_file", config_.ca_file);
    text("document_prefix", config_.document_prefix);
    text("query_prefix", config_.query_prefix);
    text("encoding_format", config_.encoding_format);
    number("max_in_flight", config_.limits.max_in_flight, 1);
    number("max_inputs", config_.limits.max_inputs, 1);
    number("max_request_tokens", config_.limits.max_request_tokens, 1);
    number("max_input_tokens", config_.limits.max_input_tokens, 1);
    number("requests_per_minute", config_.limits.requests_per_minute, 0);
    number("tokens_per_minute", config_.limits.tokens_per_minute, 0);
    read_budget();
    duration("connect_timeout_seconds", config_.connect_timeout);
    duration("timeout_seconds", config_.timeout);
    read_headers();
    read_key();
    flag("key_required", config_.key_required);
    return finish("an endpoint");
  }

 private:
  template <typename Number>
  void number(std::string_view name, Number& into, std::int64_t low) {
    const auto* node = find(name);
    if (node == nullptr) return;
    const auto* value = node->as_integer();
    const auto high = std::min<std::int64_t>(std::numeric_limits<Number>::max(), 1'000'000'000'000);
    if (value == nullptr || value->get() < low || value->get() > high)
      error(*node, name, fmt::format("must be a whole number of at least {}", low));
    else
      into = static_cast<Number>(value->get());
  }

  void duration(std::string_view name, seconds& into) {
    std::int64_t value = into.count();
    number(name, value, 1);
    if (value > 86'400)
      error(*table().get(name), name, "must be at most 86400");
    else
      into = seconds(value);
  }

  void read_budget() {
    if (find("budget_tokens_per_day") != nullptr) {
      std::int64_t tokens = 0;
      number("budget_tokens_per_day", tokens, 1);
      config_.limits.budget.tokens = tokens;
    }
    const auto* node = find("budget_usd_per_day");
    if (node == nullptr) return;
    const auto usd = node->value<double>();
    if (!usd || !(*usd > 0) || *usd > kMostUsd)
      error(*node, "budget_usd_per_day", "must be a number of dollars, more than 0");
    else
      config_.limits.budget.nano_usd = std::llround(*usd * 1e9);
  }

  void read_dialect() {
    const auto* node = find("dialect");
    if (node == nullptr) return;
    const auto* value = node->as_string();
    const auto dialect = value == nullptr ? std::nullopt : provider::dialect_named(value->get());
    if (dialect)
      config_.dialect = *dialect;
    else
      error(*node, "dialect", "must be \"openai\", \"azure\" or \"local\"");
  }

  void read_headers() {
    const auto* node = find("headers");
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) return error(*node, "headers", "must be an array of \"Name: value\" strings");
    config_.headers.clear();
    for (const toml::node& item : *list) {
      const auto* header = item.as_string();
      if (header == nullptr) return error(item, "headers", "must be an array of \"Name: value\" strings");
      config_.headers.push_back(plain(header->get()));
    }
  }

  void read_key() {
    const auto* node = find("api_key");
    if (node == nullptr) return;
    if (const std::string wrong = read_api_key(*node, lookup_, config_); !wrong.empty())
      error(*node, "api_key", wrong);
  }

  const Lookup& lookup_;
  provider::EndpointConfig& config_;
};

provider::EndpointConfig& endpoint_named(std::vector<provider::EndpointConfig>& endpoints,
                                         std::string_view name) {
  const auto found = std::ranges::find(endpoints, name, &provider::EndpointConfig::name);
  if (found != endpoints.end()) return *found;
  provider::EndpointConfig& added = endpoints.emplace_back();
  added.name = name;
  return added;
}

}  // namespace

Result<std::vector<TomlSetting>> parse_toml_settings(std::string_view text, const std::string& file) {
  auto table = TRY(parse_toml(text, file));
  std::vector<std::string_view> names(std::begin(kTables), std::end(kTables));
  names.push_back(kPriceTable);
  names.push_back(kVectorizers);
  for (const Setting& setting : all_settings()) names.push_back(setting.name);

  std::vector<TomlSetting> settings;
  for (const auto& [key, node] : table) {
    const std::string origin = place(file, node.source());
    if (key.str() == kPriceTable) {
      if (!node.is_table())
        return fail(ErrorKind::invalid_argument,
                    fmt::format("{}: prices are written [price], and below it \"endpoint/model\" = USD per "
                                "million tokens",
                                origin));
      continue;
    }
    if (std::ranges::find(kTables, key.str()) != std::end(kTables)) {
      if (!node.is_table())
        return fail(ErrorKind::invalid_argument,
                    fmt::format("{}: {}s are written [{}.NAME]", origin, key.str(), key.str()));
      continue;
    }
    if (key.str() == kVectorizers) {
      if (!node.is_array())
        return fail(ErrorKind::invalid_argument,
                    fmt::format("{}: vectorizers are written [[vectorizer]]", origin));
      continue;
    }
    if (std::ranges::find(names, key.str()) == names.end())
      return fail(ErrorKind::invalid_argument, fmt::format("{}: there is no setting '{}'.{}", origin,
                                                           plain(key.str()), did_you_mean(key.str(), names)));
    auto value = scalar(node);
    if (!value)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: {} must be a string or a number", origin, key.str()));
    settings.push_back({std::string(key.str()), std::move(*value), origin});
  }
  return settings;
}

Result<Prices> parse_toml_prices(std::string_view text, const std::string& file) {
  auto table = TRY(parse_toml(text, file));
  Prices prices;
  const auto* listed = table.get_as<toml::table>(kPriceTable);
  if (listed == nullptr) return prices;
  for (const auto& [key, node] : *listed) {
    const std::string name = plain(key.str());
    const std::size_t slash = name.find('/');
    const auto usd = node.value<double>();
    if (slash == std::string::npos || slash == 0 || slash + 1 == name.size())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: price.{}: name the endpoint and the model, such as "
                              "\"openai/text-embedding-3-small\"",
                              place(file, node.source()), name));
    if (!usd || !(*usd >= 0) || *usd > kMostUsd)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: price.{}: must be USD per million tokens, such as 0.02; 0 if it is free",
                              place(file, node.source()), name));
    prices.set(name.substr(0, slash), name.substr(slash + 1), *usd);
  }
  return prices;
}

Result<std::vector<provider::EndpointConfig>> parse_toml_endpoints(
    std::string_view text, const std::string& file, std::vector<provider::EndpointConfig> known,
    const Lookup& lookup) {
  auto table = TRY(parse_toml(text, file));
  const auto* endpoints = table.get_as<toml::table>(kEndpointTable);
  if (endpoints == nullptr) return known;
  for (const auto& [name, node] : *endpoints) {
    const auto* endpoint = node.as_table();
    if (endpoint == nullptr)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: endpoints are written [endpoint.NAME]", place(file, node.source())));
    provider::EndpointConfig& config = endpoint_named(known, plain(name.str()));
    TRY(EndpointReader(*endpoint, file, lookup, config).read());
    if (auto valid = provider::validate(config); !valid)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: {}", place(file, endpoint->source()), valid.error().message));
  }
  return known;
}

}  // namespace embedd::cli
