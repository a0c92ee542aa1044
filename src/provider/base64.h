/// Base64 (RFC 4648) of packed little-endian float32, decoded straight into floats. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace embedd::provider {

/// The number of bytes that `text` decodes to, with or without its padding; nullopt if the length of `text`
/// is invalid.
std::optional<std::size_t> base64_bytes(std::string_view text);

/// Decodes `text` into the base64_bytes(text) bytes at `out`. False if a character is outside the alphabet;
/// the content of `out` is then undefined.
bool base64_decode(std::string_view text, void* out);

}  // namespace embedd::provider
