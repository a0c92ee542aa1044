/// UTF-8 at the byte level: validate, cut without splitting a character, decode.
///
/// Valid means RFC 3629: shortest form, no surrogates, nothing above U+10FFFF. (That is also what PCRE2
/// demands of a subject under PCRE2_NO_UTF_CHECK.) All functions are pure, linear, and safe on any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace embedd::utf8 {

/// One decoded character, or one byte that is not part of a valid character.
struct Decoded {
  char32_t point = 0;  ///< U+FFFD if invalid
  std::uint32_t size = 1;
  bool valid = false;
};

/// The character at the start of `text`, which must not be empty.
Decoded decode(std::string_view text);

/// Bytes of the longest valid prefix.
std::size_t valid_prefix(std::string_view text);

inline bool valid(std::string_view text) { return valid_prefix(text) == text.size(); }

/// The largest n ≤ `max_bytes` at which `text`, valid UTF-8, can be cut without splitting a character.
std::size_t cut(std::string_view text, std::size_t max_bytes);

/// How many characters `text`, valid UTF-8, has.
std::size_t characters(std::string_view text);

/// Bytes of the first `count` characters of `text`, valid UTF-8; all of it, if it has fewer.
std::size_t bytes_of(std::string_view text, std::size_t count);

/// `text` with a question mark in place of each character that is not ASCII.
std::string to_ascii(std::string_view text);

}  // namespace embedd::utf8
