/// The form in which query vectors are kept outside of this process, and the names under which they are.
/// Pure.
///
/// A value is "EQV1", the number of dimensions (uint32), the first 8 bytes of the SHA-256 of key and numbers,
/// and the numbers (float32); all numbers are little-endian.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/endpoint.h"

namespace embedd::app {

/// Equal for queries that have the same vector, whatever the endpoint's name is here; reveals none of its
/// parts: embedd:vector:SHA-256.
std::string vector_key(const provider::EndpointConfig& endpoint, std::string_view model, int dimensions,
                       bool send_dimensions, std::string_view text);

std::string pack_vector(std::string_view key, const std::vector<float>& vector);

/// None if `value` is not what pack_vector() makes of this key and a vector of `dimensions` finite numbers,
/// one other than 0.
std::optional<std::vector<float>> unpack_vector(std::string_view key, std::string_view value, int dimensions);

}  // namespace embedd::app
