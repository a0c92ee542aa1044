#include "cli/toml_rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "cli/toml_key.h"
#include "cli/toml_parse.h"
#include "search/request.h"

namespace embedd::cli {
namespace {

constexpr std::size_t kMostRerankers = 32;
constexpr std::int64_t kLeastTimeoutMs = 50, kMostTimeoutMs = 30'000;

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= search::kMaxRerankName &&
         std::ranges::all_of(
             name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; });
}

/// Reads one table; keeps the first error.
class RerankReader {
 public:
  RerankReader(const toml::table& table, std::string name, const std::string& file, const Lookup& lookup)
      : table_(table), file_(file), lookup_(lookup) {
    out_.endpoint.name = name;
    out_.name = std::move(name);
  }

  Result<provider::RerankConfig> read() {
    text("url", out_.endpoint.base_url);
    text("model", out_.endpoint.model);
    text("ca_file", out_.endpoint.ca_file);
    read_shape();
    out_.endpoint.key_required = out_.shape != provider::RerankShape::tei;
    if (const auto* node = find("api_key")) {
      out_.endpoint.key_required = true;
      if (const std::string wrong = read_api_key(*node, lookup_, out_.endpoint); !wrong.empty())
        error(*node, "api_key", wrong);
    }
    std::int64_t number = 0;
    if (whole("max_candidates", 1, provider::RerankConfig::kMostCandidates, number))
      out_.candidates = static_cast<int>(number);
    if (whole("timeout_ms", kLeastTimeoutMs, kMostTimeoutMs, number)) out_.timeout = milliseconds(number);
    for (const auto& [key, node] : table_)
      if (std::ranges::find(names_, key.str()) == names_.end())
        error(node, plain(key.str()), "is not a key of a reranker." + did_you_mean(plain(key.str()), names_));
    if (error_) return std::unexpected(*error_);
    if (auto valid = provider::validate(out_); !valid)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: {}", place(file_, table_.source()), valid.error().message));
    return std::move(out_);
  }

 private:
  const toml::node* find(std::string_view name) {
    names_.push_back(name);
    return table_.get(name);
  }

  void text(std::string_view name, std::string& into) {
    const auto* node = find(name);
    if (node == nullptr) return;
    if (const auto* value = node->as_string())
      into = plain(value->get());
    else
      error(*node, name, "must be a string");
  }

  void read_shape() {
    const auto* node = find("shape");
    if (node == nullptr) return error(table_, "shape", "is missing: \"cohere\", \"jina\" or \"tei\"");
    const auto* value = node->as_string();
    const auto shape = value == nullptr ? std::nullopt : provider::rerank_shape_named(value->get());
    if (shape)
      out_.shape = *shape;
    else
      error(*node, "shape", "must be \"cohere\", \"jina\" or \"tei\"");
  }

  bool whole(std::string_view name, std::int64_t low, std::int64_t high, std::int64_t& into) {
    const auto* node = find(name);
    if (node == nullptr) return false;
    const auto* value = node->as_integer();
    if (value != nullptr && value->get() >= low && value->get() <= high) {
      into = value->get();
      return true;
    }
    error(*node, name, fmt::format("must be a whole number from {} to {}", low, high));
    return false;
  }

  void error(const toml::node& node, std::string_view name, std::string_view what) {
    if (error_) return;
    error_ = Error{ErrorKind::invalid_argument,
                   fmt::format("{}: rerank.{}.{}: {}", place(file_, node.source()), out_.name, name, what)};
  }

  const toml::table& table_;
  const std::string& file_;
  const Lookup& lookup_;
  provider::RerankConfig out_;
  std::vector<std::string_view> names_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<provider::RerankConfig>> parse_toml_rerankers(std::string_view text,
                                                                 const std::string& file,
                                                                 const Lookup& lookup) {
  auto table = TRY(parse_toml(text, file));
  std::vector<provider::RerankConfig> out;
  const auto* rerankers = table.get_as<toml::table>("rerank");
  if (rerankers == nullptr) return out;
  for (const auto& [key, node] : *rerankers) {
    const auto* reranker = node.as_table();
    const std::string name = plain(key.str());
    if (reranker == nullptr || !is_plain_name(name))
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("{}: rerankers are written [rerank.NAME], with a NAME of letters, digits, -, _ and .",
                      place(file, node.source())));
    if (out.size() == kMostRerankers)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: there are more than {} rerankers",
                                                           place(file, node.source()), kMostRerankers));
    out.push_back(TRY(RerankReader(*reranker, name, file, lookup).read()));
  }
  return out;
}

}  // namespace embedd::cli
