#include "cli/toml_rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "cli/toml_key.h"
#include "cli/toml_reader.h"
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

class RerankReader : TomlReader {
 public:
  RerankReader(const toml::table& table, std::string name, const std::string& file, const Lookup& lookup)
      : TomlReader(table, file, fmt::format("rerank.{}.", name)), lookup_(lookup) {
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
    TRY(finish("a reranker"));
    if (auto valid = provider::validate(out_); !valid)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: {}", place(file(), table().source()), valid.error().message));
    return std::move(out_);
  }

 private:
  void read_shape() {
    const auto* node = find("shape");
    if (node == nullptr) return error(table(), "shape", "is missing: \"cohere\", \"jina\" or \"tei\"");
    const auto* value = node->as_string();
    const auto shape = value == nullptr ? std::nullopt : provider::rerank_shape_named(value->get());
    if (shape)
      out_.shape = *shape;
    else
      error(*node, "shape", "must be \"cohere\", \"jina\" or \"tei\"");
  }

  const Lookup& lookup_;
  provider::RerankConfig out_;
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
