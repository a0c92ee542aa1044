#include "cli/toml_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "cli/toml_parse.h"
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

/// Reads one table; keeps the first error.
class TokenReader {
 public:
  TokenReader(const toml::table& table, std::string name, const std::string& file, const Lookup& lookup)
      : table_(table), file_(file), lookup_(lookup) {
    out_.rights.name = std::move(name);
    out_.origin = place(file, table.source());
  }

  Result<TokenTable> read() {
    read_secret();
    read_vectorizers();
    read_filter();
    read_rate();
    read_contributor();
    if (const auto* node = find("write")) {
      if (const auto* flag = node->as_boolean())
        out_.rights.write = flag->get();
      else
        error(*node, "write", "must be true or false");
    }
    for (const auto& [key, node] : table_)
      if (std::ranges::find(names_, key.str()) == names_.end())
        error(node, plain(key.str()), "is not a key of a token." + did_you_mean(plain(key.str()), names_));
    if (error_) return std::unexpected(*error_);
    return std::move(out_);
  }

 private:
  const toml::node* find(std::string_view name) {
    names_.push_back(name);
    return table_.get(name);
  }

  /// The token itself may not be in this file, which people commit and copy.
  void read_secret() {
    constexpr std::string_view kShape = R"(must be { env = "NAME" } or { file = "path" })";
    const auto* node = find("secret");
    if (node == nullptr) return error(table_, "secret", "is missing: it " + std::string(kShape));
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
    const auto* node = find("requests_per_minute");
    if (node == nullptr) return;
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < 1 || number->get() > kMaxPerMinute)
      return error(*node, "requests_per_minute",
                   fmt::format("must be a whole number from 1 to {}", kMaxPerMinute));
    out_.rights.requests_per_minute = static_cast<int>(number->get());
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

  void error(const toml::node& node, std::string_view name, std::string_view what) {
    if (error_) return;
    error_ =
        Error{ErrorKind::invalid_argument,
              fmt::format("{}: token.{}.{}: {}", place(file_, node.source()), out_.rights.name, name, what)};
  }

  const toml::table& table_;
  const std::string& file_;
  const Lookup& lookup_;
  TokenTable out_;
  std::vector<std::string_view> names_;
  std::optional<Error> error_;
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
