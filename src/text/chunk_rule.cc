#include "text/chunk_rule.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace embedd {
namespace {

constexpr std::string_view kForms =
    "write none, tokens:SIZE, recursive:SIZE or markdown:SIZE, with ,OVERLAP behind SIZE if chunks shall "
    "overlap";

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ChunkRule::Kind> kind_named(std::string_view name) {
  if (name == "tokens") return ChunkRule::Kind::tokens;
  if (name == "recursive") return ChunkRule::Kind::recursive;
  if (name == "markdown") return ChunkRule::Kind::markdown;
  return std::nullopt;
}

}  // namespace

Result<ChunkRule> parse_chunk_rule(std::string_view text) {
  if (text == "none") return ChunkRule{};
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorKind::invalid_argument, fmt::format("'{}' {}; {}", text, why, kForms));
  };
  const std::size_t colon = text.find(':');
  const auto kind = kind_named(text.substr(0, colon));
  if (!kind) return wrong("is no way to cut a text into chunks");
  if (colon == std::string_view::npos) return wrong("does not say how long a chunk may be, in tokens");
  const std::string_view numbers = text.substr(colon + 1);
  const std::size_t comma = numbers.find(',');
  const auto size = number(numbers.substr(0, comma));
  if (!size || *size < ChunkRule::kLeastSize || *size > ChunkRule::kMostSize)
    return wrong(fmt::format("needs a SIZE of {} to {} tokens", ChunkRule::kLeastSize, ChunkRule::kMostSize));
  ChunkRule rule{.kind = *kind, .size = *size};
  if (comma == std::string_view::npos) return rule;
  const auto overlap = number(numbers.substr(comma + 1));
  if (!overlap || *overlap > *size / 2)
    return wrong(fmt::format("needs an OVERLAP of at most half of SIZE, {} tokens", *size / 2));
  rule.overlap = *overlap;
  return rule;
}

}  // namespace embedd
