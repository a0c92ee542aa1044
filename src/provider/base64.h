/// Base64 (RFC 4648) of packed little-endian float32, decoded straight into floats. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace embedd::provider {

/// Bytes that `text` decodes to, with or without its padding; nullopt if it has no valid length.
std::optional<std::size_t> base64_bytes(std::string_view text);

/// Decodes `text` into the base64_bytes(text) bytes at `out`. False on any character outside the alphabet;
/// `out` then holds anything.
bool base64_decode(std::string_view text, void* out);

}  // namespace embedd::provider
