/// Reads one table of `embedd.toml`, such as [token.NAME]: the base of the readers of each kind of table. It
/// keeps the first error, and refuses keys that nobody has asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/toml_parse.h"

namespace embedd::cli {

class TomlReader {
 protected:
  /// `label`: what errors call the table, such as "token.app.". Table and file must outlive the reader.
  TomlReader(const toml::table& table, const std::string& file, std::string label)
      : table_(table), file_(file), label_(std::move(label)) {}

  /// The key's node, or null. From now on, the key has a meaning.
  const toml::node* find(std::string_view key);
  /// These return true if the key is there, and right; if it is wrong, the error is kept.
  bool text(std::string_view key, std::string& into);
  bool flag(std::string_view key, bool& into);
  bool whole(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& into);

  void error(const toml::node& node, std::string_view key, std::string_view what);
  /// Refuses keys without a meaning. `kind` is what the table describes: "a token". Returns the first error.
  Result<void> finish(std::string_view kind);

  void set_label(std::string label) { label_ = std::move(label); }
  [[nodiscard]] const toml::table& table() const { return table_; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  const toml::table& table_;
  const std::string& file_;
  std::string label_;
  std::vector<std::string_view> keys_;
  std::optional<Error> error_;
};

}  // namespace embedd::cli
