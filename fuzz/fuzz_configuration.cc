/// Whatever stands in embedd.toml, in `.env`, in a setting or in DATABASE_URL, reading it must not crash,
/// must say where it is wrong, and what is accepted must be what was written. The first byte says what the
/// rest is.

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cli/dotenv.h"
#include "cli/settings.h"
#include "cli/toml_file.h"
#include "cli/toml_rerank.h"
#include "cli/toml_tokens.h"
#include "pg/database_url.h"
#include "pg/plain_url.h"
#include "provider/endpoint.h"

namespace embedd::cli {
namespace {

void check_error(const Error& error, std::string_view beginning) {
  CHECK(error.kind == ErrorKind::invalid_argument, "kind {}", name_of(error.kind));
  CHECK(error.message.starts_with(beginning) && error.message.size() > beginning.size(), "message '{}'",
        error.message);
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

void check_endpoint(const provider::EndpointConfig& endpoint) {
  if (endpoint.dialect == provider::Dialect::local) return;
  const std::string url = provider::embeddings_url(endpoint, "a model/../?#\r\n");
  CHECK(url.starts_with("http://") || url.starts_with("https://"), "URL '{}'", url);
  CHECK(printable(url) && !url.contains(' ') && !url.contains('#'), "URL '{}'", url);
  for (const std::string& header : endpoint.headers) CHECK(printable(header), "header '{}'", header);
  CHECK(printable(endpoint.organization) && printable(endpoint.project), "a header");
  CHECK(endpoint.limits.max_in_flight > 0 && endpoint.timeout >= seconds(1), "limits");
}

void read_toml(std::string_view text) {
  SettingValues values;
  if (const auto settings = parse_toml_settings(text, "f.toml")) {
    for (const TomlSetting& item : *settings) {
      const Setting* setting = find_setting(item.name);
      CHECK(setting != nullptr, "setting '{}'", item.name);
      if (const auto set = values.set(*setting, item.text, Source::toml, item.origin); !set)
        check_error(set.error(), "f.toml:");
    }
  } else {
    check_error(settings.error(), "f.toml:");
  }
  const provider::EndpointConfig openai{.base_url = std::string(provider::kOpenAiBaseUrl)};
  provider::EndpointConfig local;
  local.name = "local";
  local.dialect = provider::Dialect::local;
  const auto endpoints = parse_toml_endpoints(text, "f.toml", {openai, local},
                                              [](const std::string& name) { return std::optional(name); });
  if (!endpoints) return check_error(endpoints.error(), "f.toml:");
  for (const provider::EndpointConfig& endpoint : *endpoints) check_endpoint(endpoint);
  const auto rerankers =
      parse_toml_rerankers(text, "f.toml", [](const std::string& name) { return std::optional(name); });
  if (!rerankers) return check_error(rerankers.error(), "f.toml:");
  for (const provider::RerankConfig& reranker : *rerankers)
    CHECK(!reranker.name.empty() && reranker.most_candidates() >= 1 && reranker.most_candidates() <= 100 &&
              printable(reranker.endpoint.base_url),
          "reranker {}", reranker.name);
  const auto tokens =
      parse_toml_tokens(text, "f.toml", [](const std::string& name) { return std::optional(name); });
  if (!tokens) return check_error(tokens.error(), "f.toml:");
  for (const TokenTable& token : *tokens)
    CHECK(!token.rights.name.empty() && !token.how.empty() && token.rights.requests_per_minute >= 0,
          "token {}", token.rights.name);
}

/// A value as the format says.
std::string in_double_quotes(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + '"';
}

void read_dotenv(std::string_view text) {
  const auto dotenv = parse_dotenv(text, "f.env", [](const std::string&) { return std::nullopt; });
  if (!dotenv) return check_error(dotenv.error(), "f.env:");
  const std::vector<DotenvEntry>& entries = dotenv->entries;
  std::string again;
  int line = 0;
  for (const DotenvEntry& entry : entries) {
    CHECK(!entry.name.empty() && printable(entry.name) && !entry.name.contains('='), "name '{}'", entry.name);
    CHECK(entry.line > line, "line {} after {}", entry.line, line);
    line = entry.line;
    again += entry.name + '=' + in_double_quotes(entry.value) + '\n';
  }
  const auto back = parse_dotenv(again, "again", [](const std::string&) { return std::nullopt; });
  CHECK(back && back->ignored.empty() && back->entries.size() == entries.size(),
        "what was read cannot be written: {}", again);
  for (std::size_t i = 0; i < entries.size(); ++i)
    CHECK(back->entries[i].name == entries[i].name && back->entries[i].value == entries[i].value, "entry {}",
          i);
}

/// `value` as each of the settings. A number that is accepted is within its bounds.
void read_settings(std::string_view value) {
  for (const Setting& setting : all_settings()) {
    SettingValues values;
    if (const auto set = values.set(setting, std::string(value), Source::environment, "here"); !set) {
      check_error(set.error(), "here: ");
      continue;
    }
    if (setting.type == SettingType::integer) {
      const auto number = static_cast<double>(values.integer(setting.name));
      CHECK(number >= setting.low && number <= setting.high, "{} = {}", setting.name, number);
    } else if (setting.type == SettingType::seconds) {
      const double number = to_seconds(values.duration(setting.name));
      CHECK(number >= setting.low * 0.999 && number <= setting.high * 1.001, "{} = {}", setting.name, number);
    }
  }
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::map<std::string, std::string> keywords(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(conninfo.c_str(), nullptr));
  CHECK(options != nullptr, "libpq refuses '{}'", conninfo);
  std::map<std::string, std::string> out;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && *option->val != '\0') out[option->keyword] = option->val;
  return out;
}

/// What goes to libpq says what the URL says: no value becomes another keyword.
void read_url(std::string_view text) {
  const std::string url(text.substr(0, text.find('\0')));
  const auto target = pg::parse_database_url(Secret(url), "DATABASE_URL", "here",
                                             [](const std::string&) { return std::nullopt; });
  if (!target) return check_error(target.error(), "here: DATABASE_URL");
  auto said = keywords(pg::plain_url(url).text), passed = keywords(std::string(target->conninfo.reveal()));
  for (const auto& [keyword, value] : said)
    CHECK(passed[keyword] == value, "{}: '{}' became '{}'", keyword, value, passed[keyword]);
  for (const auto& [keyword, value] : passed)
    CHECK(said.contains(keyword) || keyword == "sslmode" || keyword == "sslrootcert", "{} = '{}'", keyword,
          value);
  // A percent-encoded NUL or line feed has no business in what is shown.
  CHECK(target->display == "the default database (DATABASE_URL is not set)" ||
            target->display.starts_with("postgresql://"),
        "display '{}'", target->display);
}

void run(std::string_view in) {
  if (in.empty()) return;
  const auto what = static_cast<unsigned char>(in.front());
  in.remove_prefix(1);
  switch (what % 4) {
    case 0: return read_toml(in);
    case 1: return read_dotenv(in);
    case 2: return read_settings(in);
    default: return read_url(in);
  }
}

}  // namespace
}  // namespace embedd::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::cli::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
