#include "text/utf8.h"

#include <algorithm>
#include <cstring>

namespace embedd::utf8 {
namespace {

constexpr bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

Decoded decode(std::string_view text) {
  constexpr Decoded kInvalid{0xFFFD, 1, false};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  // C0, C1, and F5 and up begin only overlong forms or points above U+10FFFF.
  const std::uint32_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() < size) return kInvalid;
  char32_t point = lead & (0x7F >> size);
  for (std::uint32_t i = 1; i < size; ++i) {
    if (!is_continuation(byte(i))) return kInvalid;
    point = point << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  if (overlong || (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF) return kInvalid;
  return {point, size, true};
}

std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= sizeof(std::uint64_t)) {  // eight ASCII bytes at a time
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080ULL) == 0) {
        at += sizeof word;
        continue;
      }
    }
    const Decoded next = decode(text.substr(at));
    if (!next.valid) break;
    at += next.size;
  }
  return at;
}

std::size_t cut(std::string_view text, std::size_t max_bytes) {
  if (max_bytes >= text.size()) return text.size();
  std::size_t at = max_bytes;
  while (at > 0 && is_continuation(static_cast<unsigned char>(text[at]))) --at;
  return at;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_continuation(static_cast<unsigned char>(c)); }));
}

std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += decode(text.substr(at)).size;
  return at;
}

std::string to_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (; !text.empty(); text.remove_prefix(decode(text).size))
    out += static_cast<unsigned char>(text.front()) < 0x80 ? text.front() : '?';
  return out;
}

}  // namespace embedd::utf8
