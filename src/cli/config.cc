#include "cli/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>

#include "base/nearest.h"
#include "cli/dotenv.h"
#include "cli/toml_file.h"
#include "cli/toml_rerank.h"
#include "pg/plain_url.h"
#include "provider/key_file.h"

extern char** environ;

namespace embedd::cli {

namespace {

constexpr std::string_view kPrefix = "EMBEDD_";
/// Variables of this repository's scripts and tests, which run the binary too.
constexpr std::string_view kForeign[] = {"EMBEDD_TEST_", "EMBEDD_BENCH_", "EMBEDD_DEMO_",
                                         "EMBEDD_PG_VERSION"};

struct File {
  std::string name;  ///< as shown in messages
  std::string text;
};

std::vector<std::string_view> variable_names() {
  std::vector<std::string_view> names;
  for (const Setting& setting : all_settings()) names.push_back(setting.environment);
  return names;
}

/// Refuses an EMBEDD_ name that has no meaning: it is probably a mistake, and must not be ignored.
Result<void> refuse_unknown(std::string_view variable, std::string_view origin) {
  if (!variable.starts_with(kPrefix) || find_environment(variable) != nullptr) return {};
  for (const std::string_view foreign : kForeign)
    if (variable.starts_with(foreign)) return {};
  return fail(ErrorKind::invalid_argument, fmt::format("{}: there is no setting {}.{}", origin, variable,
                                                       did_you_mean(variable, variable_names())));
}

std::expected<std::string, std::error_code> read_whole(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return std::unexpected(std::make_error_code(std::errc::is_a_directory));
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) return std::unexpected(std::error_code(errno, std::generic_category()));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return std::unexpected(std::make_error_code(std::errc::io_error));
  return text;
}

std::string in_capitals(std::string name) {
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

/// Whether embedd or libpq reads a variable with this name.
bool is_ours(std::string_view variable) {
  return find_environment(variable) != nullptr || variable.starts_with(kPrefix) ||
         pg::is_libpq_variable(variable);
}

/// Whether `variable` is REDIS_URL (or its file), and the same source has EMBEDD_REDIS_URL (or its file).
template <typename Has>
bool is_hidden(std::string_view variable, Has has) {
  return variable.starts_with("REDIS_URL") && (has("EMBEDD_REDIS_URL") || has("EMBEDD_REDIS_URL_FILE"));
}

/// Reads the configuration source by source, from the highest to the lowest.
class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_(sources) {}

  Result<Config> load() {
    for (const auto step :
         {&Loader::read_flags, &Loader::read_environment, &Loader::read_dotenv, &Loader::read_toml,
          &Loader::build_database, &Loader::build_endpoints, &Loader::read_tables, &Loader::read_prefix})
      TRY((this->*step)());
    config_.tokenizer_ranks = config_.values.text("tokenizer_ranks");
    return std::move(config_);
  }

 private:
  Result<void> read_prefix() {
    config_.metrics_prefix = config_.values.text("metrics_prefix");
    const std::string& prefix = config_.metrics_prefix;
    const bool fits =
        std::ranges::all_of(prefix, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (prefix.empty() ||
        (fits && std::isdigit(static_cast<unsigned char>(prefix[0])) == 0 && prefix != "embedd"))
      return {};
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("{}: '{}' cannot be the prefix of further metrics: use letters, digits and _, such as "
                    "commontrace",
                    config_.values.place_of("metrics_prefix"), prefix));
  }

  Result<void> read_flags() {
    for (const auto& [name, text] : sources_.flags) {
      const Setting* setting = find_setting(name);
      if (setting == nullptr) return fail(ErrorKind::invalid_argument, "there is no setting " + name);
      TRY(config_.values.set(*setting, text, Source::flag, flag_of(*setting)));
    }
    return {};
  }

  Result<void> read_environment() {
    constexpr std::string_view kOrigin = "the environment";
    for (const auto& [variable, text] : sources_.environment) {
      TRY(refuse_unknown(variable, kOrigin));
      const Setting* setting = find_environment(variable);
      const auto has = [this](const char* name) { return sources_.environment.contains(name); };
      if (setting == nullptr || is_hidden(variable, has)) continue;
      TRY(config_.values.set(*setting, text, Source::environment, std::string(kOrigin)));
    }
    return {};
  }

  Result<void> read_dotenv() {
    auto file = TRY(read_file("env_file", ".env"));
    if (!file) return {};
    auto dotenv = TRY(parse_dotenv(file->text, file->name, [this](const std::string& variable) {
      const auto found = sources_.environment.find(variable);
      return found == sources_.environment.end() ? std::nullopt : std::optional(found->second);
    }));
    if (!dotenv.ignored.empty())
      add_note(fmt::format("{}: ignored what is not KEY=VALUE, line {}", file->name,
                           fmt::join(dotenv.ignored, ", ")));
    if (!dotenv.unset.empty())
      add_note(
          fmt::format("{}: empty, because they are not set: {}", file->name, fmt::join(dotenv.unset, ", ")));
    std::set<std::string, std::less<>> names;
    for (const DotenvEntry& entry : dotenv.entries) names.insert(entry.name);
    for (DotenvEntry& entry : dotenv.entries) {
      const std::string origin = fmt::format("{}:{}", file->name, entry.line);
      if (const std::string meant = in_capitals(entry.name); meant != entry.name && is_ours(meant))
        add_note(fmt::format("{}: {} is ignored: write it in capitals, {}", origin, entry.name, meant));
      TRY(refuse_unknown(entry.name, origin));
      const auto has = [&names](const char* name) { return names.contains(name); };
      const Setting* setting = find_environment(entry.name);
      if (setting != nullptr && !is_hidden(entry.name, has))
        TRY(config_.values.set(*setting, entry.value, Source::dotenv, origin));
      dotenv_.insert_or_assign(std::move(entry.name), std::move(entry.value));
    }
    return {};
  }

  Result<void> read_toml() {
    auto file = TRY(read_file("config", "embedd.toml"));
    if (!file) return {};
    toml_ = std::move(file);
    auto settings = TRY(parse_toml_settings(toml_->text, toml_->name));
    for (TomlSetting& item : settings)
      TRY(config_.values.set(*find_setting(item.name), std::move(item.text), Source::toml,
                             std::move(item.origin)));
    return {};
  }

  Result<void> build_database() {
    auto url = TRY(config_.values.secret("database_url"));
    auto listen_url = TRY(config_.values.secret("listen_url"));
    const auto from_dotenv = [this](const std::string& variable) { return find_dotenv(variable); };
    auto database = TRY(pg::parse_database_url(url, "DATABASE_URL",
                                               config_.values.value("database_url").origin, from_dotenv));
    note_ignored("DATABASE_URL", database);
    config_.database = std::move(database);
    config_.database_now = reread("database_url", "DATABASE_URL");
    if (listen_url.empty()) return {};
    auto listen = TRY(pg::parse_database_url(listen_url, "EMBEDD_LISTEN_URL",
                                             config_.values.value("listen_url").origin, from_dotenv));
    note_ignored("EMBEDD_LISTEN_URL", listen);
    config_.listen = std::move(listen);
    config_.listen_now = reread("listen_url", "EMBEDD_LISTEN_URL");
    return {};
  }

  void add_note(std::string_view note) {
    if (!config_.note.empty()) config_.note += "; ";
    config_.note += note;
  }

  void note_ignored(std::string_view variable, const pg::DatabaseTarget& target) {
    if (target.ignored.empty()) return;
    add_note(
        fmt::format("{}: ignored what is not PostgreSQL's: {}", variable, fmt::join(target.ignored, ", ")));
  }

  [[nodiscard]] std::function<std::optional<Secret>()> reread(std::string_view name,
                                                              std::string_view variable) const {
    if (!config_.values.from_file(name)) return nullptr;
    return [file = config_.values.text(std::string(name) + "_file"), variable,
            dotenv = dotenv_]() -> std::optional<Secret> {
      const auto url = provider::read_secret_file(file);
      if (!url) return std::nullopt;
      auto target = pg::parse_database_url(*url, variable, file, [&](const std::string& other) {
        const auto found = dotenv.find(other);
        return found == dotenv.end() ? std::nullopt : std::optional(found->second);
      });
      if (!target) return std::nullopt;
      return std::move(target->conninfo);
    };
  }

  Result<void> build_endpoints() {
    const SettingValues& values = config_.values;
    provider::EndpointConfig openai;
    openai.base_url = values.text("openai_base_url");
    openai.organization = values.text("openai_org_id");
    openai.project = values.text("openai_project_id");
    if (values.from_file("openai_api_key")) {
      openai.api_key_file = values.text("openai_api_key_file");  // the file may appear later, and change
    } else {
      openai.api_key = TRY(values.secret("openai_api_key"));
    }
    if (auto valid = provider::validate(openai); !valid)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{} ({})", valid.error().message, values.place_of("openai_base_url")));
    provider::EndpointConfig local;
    local.name = "local";
    local.dialect = provider::Dialect::local;
    local.key_required = false;
    config_.endpoints = {std::move(openai), std::move(local)};
    return toml_ ? read_toml_endpoints() : Result<void>();
  }

  Result<void> read_tables() {
    if (!toml_) return {};
    config_.tokens = TRY(parse_toml_tokens(
        toml_->text, toml_->name, [this](const std::string& variable) { return find_variable(variable); }));
    config_.prices = TRY(parse_toml_prices(toml_->text, toml_->name));
    config_.rerankers = TRY(parse_toml_rerankers(
        toml_->text, toml_->name, [this](const std::string& variable) { return find_variable(variable); }));
    return {};
  }

  Result<void> read_toml_endpoints() {
    auto endpoints =
        TRY(parse_toml_endpoints(toml_->text, toml_->name, config_.endpoints,
                                 [this](const std::string& variable) { return find_variable(variable); }));
    config_.endpoints = std::move(endpoints);
    // The environment and .env also override [endpoint.openai], but not its key: a table that says where its
    // key is may point to a server that must never see OPENAI_API_KEY.
    provider::EndpointConfig& openai = config_.endpoints.front();
    const auto override_text = [this](std::string_view name, std::string& into) {
      const SettingValue& value = config_.values.value(name);
      if (value.source > Source::toml) into = value.text;
    };
    override_text("openai_base_url", openai.base_url);
    override_text("openai_org_id", openai.organization);
    override_text("openai_project_id", openai.project);
    return {};
  }

  /// The file that `setting` names, which must exist, or else `fallback`, which may be missing.
  Result<std::optional<File>> read_file(std::string_view setting, std::string_view fallback) {
    namespace fs = std::filesystem;
    const bool named = config_.values.has(setting);
    const std::string name = named ? config_.values.text(setting) : std::string(fallback);
    const fs::path path = named ? fs::path(name) : fs::path(sources_.directory) / name;
    std::error_code ignored;
    if (!named && !fs::exists(path, ignored)) return std::optional<File>();
    auto text = read_whole(path);
    if (!text)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("cannot read {}: {}{}", name, text.error().message(),
                              named ? fmt::format(" ({})", config_.values.place_of(setting)) : ""));
    config_.files.push_back(name);
    return std::optional<File>({name, std::move(*text)});
  }

  [[nodiscard]] std::optional<std::string> find_dotenv(const std::string& variable) const {
    const auto found = dotenv_.find(variable);
    return found == dotenv_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] std::optional<std::string> find_variable(const std::string& variable) const {
    const auto found = sources_.environment.find(variable);
    return found == sources_.environment.end() ? find_dotenv(variable) : std::optional(found->second);
  }

  const ConfigSources& sources_;
  Config config_;
  std::map<std::string, std::string> dotenv_;
  std::optional<File> toml_;
};

}  // namespace

std::map<std::string, std::string, std::less<>> process_environment() {
  std::map<std::string, std::string, std::less<>> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<Config> load_config(const ConfigSources& sources) { return Loader(sources).load(); }

}  // namespace embedd::cli
