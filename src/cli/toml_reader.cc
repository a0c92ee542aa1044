#include "cli/toml_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace embedd::cli {

const toml::node* TomlReader::find(std::string_view key) {
  keys_.push_back(key);
  return table_.get(key);
}

bool TomlReader::text(std::string_view key, std::string& into) {
  const auto* node = find(key);
  if (node == nullptr) return false;
  const auto* value = node->as_string();
  if (value == nullptr)
    error(*node, key, "must be a string");
  else
    into = plain(value->get());
  return value != nullptr;
}

bool TomlReader::flag(std::string_view key, bool& into) {
  const auto* node = find(key);
  if (node == nullptr) return false;
  const auto* value = node->as_boolean();
  if (value == nullptr)
    error(*node, key, "must be true or false");
  else
    into = value->get();
  return value != nullptr;
}

bool TomlReader::whole(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& into) {
  const auto* node = find(key);
  if (node == nullptr) return false;
  const auto* value = node->as_integer();
  const bool right = value != nullptr && value->get() >= low && value->get() <= high;
  if (right)
    into = value->get();
  else
    error(*node, key, fmt::format("must be a whole number from {} to {}", low, high));
  return right;
}

void TomlReader::error(const toml::node& node, std::string_view key, std::string_view what) {
  if (error_) return;
  error_ = Error{ErrorKind::invalid_argument,
                 fmt::format("{}: {}{}: {}", place(file_, node.source()), label_, key, what)};
}

Result<void> TomlReader::finish(std::string_view kind) {
  for (const auto& [key, node] : table_)
    if (std::ranges::find(keys_, key.str()) == keys_.end())
      error(node, plain(key.str()),
            fmt::format("is not a key of {}.{}", kind, did_you_mean(plain(key.str()), keys_)));
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace embedd::cli
