/// The embedding that the scripted provider gives a text: a pure function, so that any test can tell whether
/// a row holds the vector of its own text.
///
/// With h the FNV-1a hash of the text's bytes (64 bit), value 0 is 1 and value i > 0 is
/// ((splitmix64(h + i · 0x9E3779B97F4A7C15) >> 40) − 2²³) / 2²³, in [−1, 1): exact as float32 and in JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace embedd::test {

std::uint64_t text_digest(std::string_view text);

std::vector<float> expected_vector(std::string_view text, int dimensions);
/// Appends the same vector to `out` as base64 of little-endian float32, the way OpenAI sends it.
void append_expected_base64(std::string& out, std::string_view text, int dimensions);
/// Appends any floats as base64.
void append_base64(std::string& out, const std::vector<float>& values);

/// What the scripted provider bills for a text: a quarter of its bytes, at least 1.
std::uint64_t tokens_of(std::string_view text);

}  // namespace embedd::test
