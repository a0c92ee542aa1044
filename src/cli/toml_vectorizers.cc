#include "cli/toml_vectorizers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

#include "cli/budget_text.h"
#include "cli/toml_reader.h"

namespace embedd::cli {
namespace {

constexpr std::size_t kMaxVectorizers = 10'000;
constexpr std::string_view kNoBudget = "none";

class VectorizerReader : TomlReader {
 public:
  VectorizerReader(const toml::table& table, const std::string& file)
      : TomlReader(table, file, "vectorizer: ") {}

  Result<schema::DeclaredVectorizer> read() {
    schema::VectorizerSpec& spec = out_.spec;
    spec.model.clear();  // the endpoint's
    required("name", spec.name);
    if (!spec.name.empty()) set_label(fmt::format("vectorizer {}: ", spec.name));
    required("table", spec.table);
    required("text", spec.text);
    text("column", spec.column);
    optional("store", spec.store);
    optional("view", spec.view);
    text("chunk", spec.chunk);
    text("chunk_template", spec.chunk_template);
    flag("halfvec", spec.halfvec);
    read_key();
    text("where", spec.where);
    text("score", spec.score);
    text("text_search", out_.text_search);
    text("endpoint", spec.endpoint);
    text("model", spec.model);
    read_dimensions();
    text("model_id_column", spec.model_id_column);
    text("model_version_column", spec.model_version_column);
    one_of("long_texts", {"truncate", "average", "discard"}, spec.long_texts);
    one_of("index", {"none", "hnsw", "halfvec", "ivfflat"}, spec.index);
    std::string capture = "statements";
    one_of("capture", {"statements", "rows"}, capture);
    spec.capture_rows = capture == "rows";
    read_budget();
    flag("paused", out_.paused);
    flag("adopt_existing", spec.adopt_existing);
    flag("trust_all", spec.trust_all);
    TRY(finish("a vectorizer"));
    return std::move(out_);
  }

 private:
  void required(std::string_view name, std::string& into) {
    if (!text(name, into)) error(table(), name, "is missing");
  }

  void optional(std::string_view name, std::optional<std::string>& into) {
    std::string value;
    if (text(name, value)) into = value;
  }

  void one_of(std::string_view name, std::initializer_list<std::string_view> words, std::string& into) {
    if (text(name, into) && std::ranges::find(words, into) == words.end())
      error(*table().get(name), name, fmt::format("must be one of: {}", fmt::join(words, ", ")));
  }

  void read_key() {
    const auto* node = find("key");
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) return error(*node, "key", R"(must be an array of columns, such as ["id"])");
    for (const toml::node& item : *list) {
      const auto* column = item.as_string();
      if (column == nullptr) return error(item, "key", R"(must be an array of columns, such as ["id"])");
      out_.spec.key.push_back(plain(column->get()));
    }
  }

  void read_dimensions() {
    bool send = false;
    if (flag("send_dimensions", send)) out_.spec.send_dimensions = send;
    std::int64_t dimensions = 0;
    if (whole("dimensions", 1, 16'000, dimensions)) out_.spec.dimensions = static_cast<int>(dimensions);
  }

  /// A number, or "none".
  template <typename Number>
  void read_limit(std::string_view name, double most, std::optional<std::optional<Number>>& into) {
    const auto* node = find(name);
    if (node == nullptr) return;
    if (const auto* word = node->as_string(); word != nullptr && word->get() == kNoBudget) {
      into.emplace();
      return;
    }
    const auto value = node->value<Number>();
    if (!value || !(*value > 0) || static_cast<double>(*value) > most)
      error(*node, name,
            fmt::format("must be a {} above 0, at most {}, or \"{}\"",
                        std::is_integral_v<Number> ? "whole number" : "number", most, kNoBudget));
    else
      into.emplace(value);
  }

  void read_budget() {
    read_limit("budget_usd_per_day", kMostUsd, out_.budget.usd);
    read_limit("budget_tokens_per_day", static_cast<double>(kMostTokens), out_.budget.tokens);
    out_.spec.budget = {.usd = out_.budget.usd.value_or(std::nullopt),
                        .tokens = out_.budget.tokens.value_or(std::nullopt)};
  }

  schema::DeclaredVectorizer out_;
};

/// A literal string if it can be one, because templates have backslashes.
std::string quoted(std::string_view text) {
  const bool literal =
      std::ranges::none_of(text, [](unsigned char c) { return c == '\'' || c < 0x20 || c == 0x7f; });
  const bool plain_text =
      text.find('\\') == std::string_view::npos && text.find('"') == std::string_view::npos;
  if (literal && !plain_text) return fmt::format("'{}'", text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

class VectorizerWriter {
 public:
  std::string write(const schema::DeclaredVectorizer& vectorizer) {
    const schema::VectorizerSpec& spec = vectorizer.spec;
    out_ = "[[vectorizer]]\n";
    text("name", spec.name);
    text("table", spec.table);
    std::vector<std::string> key;
    for (const std::string& column : spec.key) key.push_back(quoted(column));
    out_ += fmt::format("key = [{}]\n", fmt::join(key, ", "));
    text("text", spec.text);
    text("where", spec.where, "");
    text("column", spec.column, "");
    if (spec.store) {
      text("store", *spec.store);
      text("chunk", spec.chunk);
      text("chunk_template", spec.chunk_template, "");
      flag("halfvec", spec.halfvec);
    }
    if (spec.view) text("view", *spec.view);
    text("model_id_column", spec.model_id_column, "");
    text("model_version_column", spec.model_version_column, "");
    text("endpoint", spec.endpoint);
    text("model", spec.model);
    out_ += fmt::format("dimensions = {}\n", spec.dimensions);
    out_ += fmt::format("send_dimensions = {}\n", spec.send_dimensions.value_or(false));
    text("long_texts", spec.long_texts, "truncate");
    text("index", spec.index, "none");
    text("text_search", vectorizer.text_search, "");
    text("score", spec.score, "");
    if (spec.capture_rows) text("capture", "rows");
    if (spec.budget.usd) out_ += fmt::format("budget_usd_per_day = {}\n", *spec.budget.usd);
    if (spec.budget.tokens) out_ += fmt::format("budget_tokens_per_day = {}\n", *spec.budget.tokens);
    flag("paused", vectorizer.paused);
    return std::move(out_);
  }

 private:
  void text(std::string_view name, std::string_view value) {
    out_ += fmt::format("{} = {}\n", name, quoted(value));
  }
  void text(std::string_view name, std::string_view value, std::string_view usual) {
    if (value != usual) text(name, value);
  }
  void flag(std::string_view name, bool value) {
    if (value) out_ += fmt::format("{} = true\n", name);
  }
  std::string out_;
};

}  // namespace

Result<std::vector<schema::DeclaredVectorizer>> parse_toml_vectorizers(std::string_view text,
                                                                       const std::string& file) {
  const auto table = TRY(parse_toml(text, file));
  std::vector<schema::DeclaredVectorizer> out;
  const auto* tables = table.get_as<toml::array>("vectorizer");
  if (tables == nullptr) return out;
  if (tables->size() > kMaxVectorizers)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: more than {} vectorizers", place(file, tables->source()), kMaxVectorizers));
  for (const toml::node& node : *tables) {
    const auto* each = node.as_table();
    if (each == nullptr)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: vectorizers are written [[vectorizer]]", place(file, node.source())));
    out.push_back(TRY(VectorizerReader(*each, file).read()));
  }
  return out;
}

std::string to_toml(const std::vector<schema::DeclaredVectorizer>& vectorizers) {
  std::string out;
  for (const schema::DeclaredVectorizer& each : vectorizers) {
    if (!out.empty()) out += "\n";
    out += VectorizerWriter().write(each);
  }
  return out;
}

}  // namespace embedd::cli
