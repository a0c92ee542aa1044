#include "support/expected_vector.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace embedd::test {

namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

std::uint64_t splitmix64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

void fill(float* out, std::uint64_t digest, int dimensions) {
  for (int i = 0; i < dimensions; ++i) {
    const auto bits =
        static_cast<std::int32_t>(splitmix64(digest + static_cast<std::uint64_t>(i) * kGolden) >> 40);
    out[i] = static_cast<float>(bits - (1 << 23)) / static_cast<float>(1 << 23);
  }
  if (dimensions > 0) out[0] = 1.0F;
}

/// Two base64 characters for each value of 12 bits.
const std::array<std::array<char, 2>, 4096>& pairs() {
  static const auto table = [] {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::array<char, 2>, 4096> made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = {kAlphabet[i >> 6], kAlphabet[i & 63]};
    return made;
  }();
  return table;
}

void append_bytes_base64(std::string& out, const unsigned char* bytes, std::size_t count) {
  const std::size_t start = out.size();
  out.resize(start + (count + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto put = [&](std::uint32_t group) {
    std::memcpy(to, pairs()[group >> 12].data(), 2);
    std::memcpy(to + 2, pairs()[group & 0xFFF].data(), 2);
    to += 4;
  };
  std::size_t i = 0;
  for (; i + 3 <= count; i += 3)
    put(std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 | bytes[i + 2]);
  if (i < count) {
    put(std::uint32_t{bytes[i]} << 16 | (i + 1 < count ? std::uint32_t{bytes[i + 1]} << 8 : 0));
    std::fill_n(to - (3 - (count - i)), 3 - (count - i), '=');
  }
}

}  // namespace

std::uint64_t text_digest(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001B3;
  return hash;
}

std::vector<float> expected_vector(std::string_view text, int dimensions) {
  std::vector<float> values(static_cast<std::size_t>(dimensions));
  fill(values.data(), text_digest(text), dimensions);
  return values;
}

void append_expected_base64(std::string& out, std::string_view text, int dimensions) {
  static thread_local std::vector<float> values;
  values.resize(static_cast<std::size_t>(dimensions));
  fill(values.data(), text_digest(text), dimensions);
  append_base64(out, values);
}

void append_base64(std::string& out, const std::vector<float>& values) {
  append_bytes_base64(out, reinterpret_cast<const unsigned char*>(values.data()),
                      values.size() * sizeof(float));
}

std::uint64_t tokens_of(std::string_view text) { return std::max<std::uint64_t>(1, text.size() / 4); }

}  // namespace embedd::test
