#include "cli/toml_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "cli/toml_reader.h"
#include "search/request.h"
#include "search/traces.h"

namespace embedd::cli {
namespace {

constexpr std::size_t kMaxTokens = 256;
constexpr std::size_t kMaxVectorizers = 256;
constexpr std::int64_t kMaxPerMinute = 1'000'000;

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

class TokenReader : TomlReader {
 public:
  TokenReader(const toml::table& table, std::string name, const std::string& file, const Lookup& lookup)
      : TomlReader(table, file, fmt::format("token.{}.", name)), lookup_(lookup) {
    out_.rights.name = std::move(name);
    out_.origin = place(file, table.source());
  }

  Result<TokenTable> read() {
    read_secret();
    read_vectorizers();
    read_filter();
    read_rate();
    read_contributor();
    flag("write", out_.rights.write);
    flag("dead_letters", out_.rights.dead_letters);
    TRY(finish("a token"));
    return std::move(out_);
  }

 private:
  /// The token itself may not be in this file, which people commit and copy.
  void read_secret() {
    constexpr std::string_view kShape = R"(must be { env = "NAME" } or { file = "path" })";
    const auto* node = find("secret");
    if (node == nullptr) return error(table(), "secret", "is missing: it " + std::string(kShape));
    const auto* source = node->as_table();
    if (source == nullptr || source->size() != 1)
      return error(
          *node, "secret",
          (node->is_string() ? "a token does not belong into this file: " : "") + std::string(kShape));
    if (const auto* path = source->get_as<std::string>("file")) {
      out_.secret_file = plain(path->get());
      out_.how = "write it to " + out_.secret_file;
    } else if (const auto* variable = source->get_as<std::string>("env")) {
      read_variable(plain(variable->get()));
    } else {
      error(*node, "secret", kShape);
    }
  }

  void read_variable(const std::string& variable) {
    out_.how = fmt::format("set {0} or {0}_FILE", variable);
    if (auto secret = lookup_(variable); secret && !secret->empty())
      out_.secret = Secret(std::move(*secret));
    else if (auto path = lookup_(variable + "_FILE"); path && !path->empty())
      out_.secret_file = std::move(*path);
  }

  void read_vectorizers() {
    constexpr std::string_view kShape = "must be an array of names, with one at least";
    const auto* node = find("vectorizers");
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr || list->empty() || list->size() > kMaxVectorizers)
      return error(*node, "vectorizers", kShape);
    for (const toml::node& item : *list) {
      const auto* name = item.as_string();
      if (name == nullptr || name->get().empty()) return error(item, "vectorizers", kShape);
      out_.rights.vectorizers.push_back(plain(name->get()));
    }
  }

  void read_filter() {
    const auto* node = find("filter");
    if (node == nullptr) return;
    const auto* json = node->as_string();
    if (json == nullptr)
      return error(*node, "filter", "must be a string of JSON, as a search has its filter");
    auto filter = search::parse_filter(plain(json->get()), "filter");
    if (!filter) return error(*node, "filter", filter.error().message);
    out_.rights.filter = *std::move(filter);
  }

  void read_rate() {
    std::int64_t number = 0;
    if (whole("requests_per_minute", 1, kMaxPerMinute, number))
      out_.rights.requests_per_minute = static_cast<int>(number);
  }

  void read_contributor() {
    const auto* node = find("contributor");
    if (node == nullptr) return;
    const auto* text = node->as_string();
    if (text == nullptr || !search::is_uuid(text->get()))
      return error(*node, "contributor",
                   "must be a uuid: the contributor_id of the traces that this token adds");
    out_.rights.contributor = plain(text->get());
  }

  const Lookup& lookup_;
  TokenTable out_;
};

}  // namespace

Result<std::vector<TokenTable>> parse_toml_tokens(std::string_view text, const std::string& file,
                                                  const Lookup& lookup) {
  auto table = TRY(parse_toml(text, file));
  std::vector<TokenTable> out;
  const auto* tokens = table.get_as<toml::table>("token");
  if (tokens == nullptr) return out;
  for (const auto& [key, node] : *tokens) {
    const auto* token = node.as_table();
    const std::string name = plain(key.str());
    if (token == nullptr || !is_plain_name(name))
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("{}: tokens are written [token.NAME], with a NAME of letters, digits, -, _ and .",
                      place(file, node.source())));
    if (out.size() == kMaxTokens)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: there are more than {} tokens", place(file, node.source()), kMaxTokens));
    out.push_back(TRY(TokenReader(*token, name, file, lookup).read()));
  }
  return out;
}

}  // namespace embedd::cli
