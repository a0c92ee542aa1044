#include "cli/settings.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "provider/key_file.h"

namespace embedd::cli {

namespace {

constexpr double kDay = 86400;

constexpr Setting kSettings[] = {
    {"database_url", "DATABASE_URL", SettingType::secret, "", "",
     "PostgreSQL, as a libpq URI or keywords; PG* variables fill what it leaves out"},
    {"database_url_file", "DATABASE_URL_FILE", SettingType::path, "", "", "file that contains it"},
    {"listen_url", "EMBEDD_LISTEN_URL", SettingType::secret, "", "",
     "a direct connection for LISTEN, when database_url leads to PgBouncer"},
    {"listen_url_file", "EMBEDD_LISTEN_URL_FILE", SettingType::path, "", "", "file that contains it"},
    {"openai_api_key", "OPENAI_API_KEY", SettingType::secret, "", "",
     "key of the endpoint 'openai'; without it, rows wait"},
    {"openai_api_key_file", "OPENAI_API_KEY_FILE", SettingType::path, "", "",
     "file that contains it; read again whenever the file changes"},
    {"openai_base_url", "OPENAI_BASE_URL", SettingType::text, "https://api.openai.com/v1", "",
     "base URL of the endpoint 'openai'"},
    {"openai_org_id", "OPENAI_ORG_ID", SettingType::text, "", "", "organization to bill"},
    {"openai_project_id", "OPENAI_PROJECT_ID", SettingType::text, "", "", "project to bill"},
    {"poll_seconds", "EMBEDD_POLL_SECONDS", SettingType::seconds, "5", "seconds",
     "longest time until a change is noticed without a notification", 0.01, kDay},
    {"lease_seconds", "EMBEDD_LEASE_SECONDS", SettingType::seconds, "60", "seconds",
     "a dead worker's jobs move on after this", 1, kDay},
    {"walk_seconds", "EMBEDD_WALK_SECONDS", SettingType::seconds, "3600", "seconds",
     "time between two walks over a table, which find rows that the triggers did not see", 1, 365 * kDay},
    {"walk_share", "EMBEDD_WALK_SHARE", SettingType::number, "0.02", "of the time",
     "most of each worker's time for these walks", 0.0001, 1},
    {"max_in_flight", "EMBEDD_MAX_IN_FLIGHT", SettingType::integer, "64", "requests",
     "provider requests at a time, over all endpoints", 1, 1024},
    {"max_attempts", "EMBEDD_MAX_ATTEMPTS", SettingType::integer, "5", "attempts",
     "tries of a row that fails by its own fault, before it becomes a dead letter", 1, 1000},
    {"batch_inputs", "EMBEDD_BATCH_INPUTS", SettingType::integer, "2048", "texts",
     "most texts of one request", 1, 2048},
    {"claim_rows", "EMBEDD_CLAIM_ROWS", SettingType::integer, "512", "rows", "jobs claimed at a time", 1,
     100'000},
    {"held_mib", "EMBEDD_HELD_MIB", SettingType::integer, "16", "MiB",
     "texts and vectors held in memory at a time", 1, 16'384},
    {"max_text_mib", "EMBEDD_MAX_TEXT_MIB", SettingType::integer, "16", "MiB",
     "longest text that is cut into chunks; a longer one is a dead letter", 1, 64},
    {"tokenizer_ranks", "EMBEDD_TOKENIZER_RANKS", SettingType::path, "", "",
     "a cl100k_base.tiktoken file that replaces the built-in one"},
    {"keep_messages", "EMBEDD_KEEP_MESSAGES", SettingType::choice, "off", "off|on",
     "on: a dead letter keeps the database's own words, which may quote the row; logs never do"},
    {"http", "EMBEDD_HTTP", SettingType::text, "", "address:port",
     "where `worker` (unset: nowhere) and `serve` (unset: 127.0.0.1:8080) listen; :9090 is loopback, port 0 "
     "any"},
    {"api_token", "EMBEDD_API_TOKEN", SettingType::secret, "", "",
     "what clients of `embedd serve` show as their bearer token; several with blanks between them"},
    {"api_token_file", "EMBEDD_API_TOKEN_FILE", SettingType::path, "", "", "file that contains it"},
    {"redis_url", "REDIS_URL", SettingType::secret, "", "",
     "Redis, where servers share query vectors and rates: redis://[user:password@]host[:port][/database]; "
     "EMBEDD_REDIS_URL wins"},
    {"redis_url_file", "REDIS_URL_FILE", SettingType::path, "", "", "file that contains it"},
    {"tls_cert", "EMBEDD_TLS_CERT", SettingType::path, "", "",
     "PEM file of the certificate with which `embedd serve` speaks TLS; unset: plain HTTP"},
    {"tls_key", "EMBEDD_TLS_KEY", SettingType::path, "", "", "PEM file of the certificate's key"},
    {"serve_connections", "EMBEDD_SERVE_CONNECTIONS", SettingType::integer, "4", "connections",
     "connections of `embedd serve` to the database: searches that it runs at a time", 1, 256},
    {"serve_requests", "EMBEDD_SERVE_REQUESTS", SettingType::integer, "64", "requests",
     "requests that `embedd serve` has under way; further ones are told to wait (429)", 1, 10'000},
    {"serve_requests_per_token", "EMBEDD_SERVE_REQUESTS_PER_TOKEN", SettingType::integer, "32", "requests",
     "the same for each token", 1, 10'000},
    {"serve_clients", "EMBEDD_SERVE_CLIENTS", SettingType::integer, "1000", "connections",
     "open connections of clients; for a further one, the longest idle is closed", 1, 100'000},
    {"metrics_prefix", "EMBEDD_METRICS_PREFIX", SettingType::text, "", "",
     "prefix of further metrics, which dashboards for commontrace read; unset: none"},
    {"log_level", "EMBEDD_LOG_LEVEL", SettingType::choice, "info", "debug|info|warn|error|off",
     "least important line written"},
    {"log_format", "EMBEDD_LOG_FORMAT", SettingType::choice, "automatic", "automatic|json|text",
     "automatic: text on a terminal, else JSON"},
    {"config", "EMBEDD_CONFIG", SettingType::path, "", "",
     "the TOML file; unset: ./embedd.toml, if it exists"},
    {"env_file", "EMBEDD_ENV_FILE", SettingType::path, "", "", "the .env file; unset: ./.env, if it exists"},
};

std::string_view type_name(const Setting& setting) {
  switch (setting.type) {
    case SettingType::text: return "text";
    case SettingType::secret: return "secret";
    case SettingType::path: return "path";
    case SettingType::integer: return "integer";
    case SettingType::seconds:
    case SettingType::number: return "number";
    case SettingType::choice: return "choice";
  }
  return "";
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == text) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

template <typename Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

/// Why `text` is no value of `setting`; empty if it is one. Never contains a secret.
std::string fault(const Setting& setting, std::string_view text) {
  double number = 0;
  std::int64_t whole = 0;
  switch (setting.type) {
    case SettingType::text:
    case SettingType::secret:
    case SettingType::path: return text.find('\0') == std::string_view::npos ? "" : "holds a NUL character";
    case SettingType::choice:
      return is_choice(setting.unit, text) ? "" : fmt::format("'{}' is not one of {}", text, setting.unit);
    case SettingType::integer:
      if (!parse_whole(text, whole)) return fmt::format("'{}' is not a whole number", text);
      number = static_cast<double>(whole);
      break;
    case SettingType::seconds:
      if (!parse_whole(text, number) || !std::isfinite(number))
        return fmt::format("'{}' is not a number of seconds", text);
      break;
    case SettingType::number:
      if (!parse_whole(text, number) || !std::isfinite(number))
        return fmt::format("'{}' is not a number", text);
      break;
  }
  if (number < setting.low || number > setting.high)
    return fmt::format("{} is not within {} to {} {}", text, setting.low, setting.high, setting.unit);
  return "";
}

std::string place(const Setting& setting, Source source, std::string_view origin) {
  if (source == Source::flag || source == Source::fallback) return std::string(origin);
  return fmt::format("{}: {}", origin, source == Source::toml ? setting.name : setting.environment);
}

}  // namespace

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> settings(std::begin(kSettings), std::end(kSettings));
  return settings;
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : all_settings())
    if (setting.name == name) return &setting;
  return nullptr;
}

const Setting* find_environment(std::string_view variable) {
  if (variable.starts_with("EMBEDD_REDIS_URL")) variable.remove_prefix(std::string_view("EMBEDD_").size());
  for (const Setting& setting : all_settings())
    if (setting.environment == variable) return &setting;
  return nullptr;
}

std::string flag_of(const Setting& setting) {
  std::string flag = "--" + std::string(setting.name);
  for (char& c : flag)
    if (c == '_') c = '-';
  return flag;
}

std::string settings_help() {
  std::string out =
      "Flags win over the environment, the environment over .env, and .env over embedd.toml.\n"
      "In embedd.toml a setting has the name below; its flag is the same with dashes (--poll-seconds 5).\n"
      "Secrets have no flag. Endpoints are tables of embedd.toml: [endpoint.NAME].\n\n";
  for (const Setting& setting : all_settings()) {
    out += fmt::format("{}\n    {}, {}", setting.name, setting.environment, type_name(setting));
    if (!setting.unit.empty()) out += fmt::format(" ({})", setting.unit);
    if (!setting.fallback.empty()) out += fmt::format(", default {}", setting.fallback);
    out += fmt::format("\n    {}\n", setting.help);
  }
  return out;
}

Result<void> SettingValues::set(const Setting& setting, std::string text, Source source, std::string origin) {
  if (const std::string what = text.empty() ? std::string() : fault(setting, text); !what.empty())
    return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", place(setting, source, origin), what));
  SettingValue& value = values_[std::string(setting.name)];
  if (value.origin.empty() || source >= value.source)
    value = SettingValue{std::move(text), source, std::move(origin)};
  return {};
}

std::string SettingValues::place_of(std::string_view name) const {
  const SettingValue& given = value(name);
  return place(*find_setting(name), given.source, given.origin);
}

bool SettingValues::has(std::string_view name) const { return !value(name).text.empty(); }

const SettingValue& SettingValues::value(std::string_view name) const {
  static const std::map<std::string, SettingValue, std::less<>> kFallbacks = [] {
    std::map<std::string, SettingValue, std::less<>> fallbacks;
    for (const Setting& setting : all_settings())
      fallbacks[std::string(setting.name)] = {std::string(setting.fallback), Source::fallback, "the default"};
    return fallbacks;
  }();
  if (const auto found = values_.find(name); found != values_.end() && !found->second.text.empty())
    return found->second;
  const auto fallback = kFallbacks.find(name);
  CHECK(fallback != kFallbacks.end(), "no setting is called {}", name);
  return fallback->second;
}

std::int64_t SettingValues::integer(std::string_view name) const {
  std::int64_t number = 0;
  CHECK(parse_whole(text(name), number), "{} is not a whole number", name);
  return number;
}

Duration SettingValues::duration(std::string_view name) const {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(number(name)));
}

double SettingValues::number(std::string_view name) const {
  double value = 0;
  CHECK(parse_whole(text(name), value), "{} is not a number", name);
  return value;
}

bool SettingValues::from_file(std::string_view name) const {
  const std::string file = std::string(name) + "_file";
  if (!has(file)) return false;
  const auto direct = values_.find(name);
  if (direct == values_.end() || direct->second.source < value(file).source) return true;
  return direct->second.source == value(file).source && direct->second.text.empty();
}

Result<Secret> SettingValues::secret(std::string_view name) const {
  const std::string file = std::string(name) + "_file";
  if (from_file(name)) {
    auto secret = provider::read_secret_file(text(file));
    if (!secret) secret.error().message = fmt::format("{}: {}", place_of(file), secret.error().message);
    return secret;
  }
  if (has(name) && has(file) && value(name).source == value(file).source)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} and {} are both set ({}); keep one", find_setting(name)->environment,
                            find_setting(file)->environment, value(name).origin));
  return Secret(text(name));
}

}  // namespace embedd::cli
