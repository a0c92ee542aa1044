#include "app/vector_codec.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/check.h"

namespace embedd::app {
namespace {

constexpr std::string_view kVersion = "EQV1";
constexpr std::size_t kSumBytes = 8, kHeadBytes = kVersion.size() + 4 + kSumBytes;

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text) {
  Digest digest{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  CHECK(done == 1 && size == digest.size(), "SHA-256 gave {} bytes", size);
  return digest;
}

void append(std::string& out, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((number >> shift) & 0xFF);
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::string sum_of(std::string_view key, std::string_view numbers) {
  const Digest digest = sha256(fmt::format("{}\n{}", key, numbers));
  return {reinterpret_cast<const char*>(digest.data()), kSumBytes};
}

}  // namespace

std::string vector_key(const provider::EndpointConfig& endpoint, std::string_view model, int dimensions,
                       bool send_dimensions, std::string_view text) {
  std::string parts;
  for (const std::string_view part :
       {provider::name_of(endpoint.dialect), std::string_view(endpoint.base_url),
        std::string_view(endpoint.deployment), std::string_view(endpoint.query_prefix), model, text})
    parts += fmt::format("{}:{}", part.size(), part);
  parts += fmt::format("{}:{}", dimensions, send_dimensions);
  std::string key = "embedd:vector:";
  for (const unsigned char byte : sha256(parts)) key += fmt::format("{:02x}", byte);
  return key;
}

std::string pack_vector(std::string_view key, const std::vector<float>& vector) {
  std::string numbers;
  numbers.reserve(4 * vector.size());
  for (const float number : vector) append(numbers, std::bit_cast<std::uint32_t>(number));
  std::string out(kVersion);
  append(out, static_cast<std::uint32_t>(vector.size()));
  return out + sum_of(key, numbers) + numbers;
}

std::optional<std::vector<float>> unpack_vector(std::string_view key, std::string_view value,
                                                int dimensions) {
  const auto count = static_cast<std::size_t>(dimensions);
  if (value.size() != kHeadBytes + 4 * count || !value.starts_with(kVersion)) return std::nullopt;
  if (number_at(value, kVersion.size()) != count) return std::nullopt;
  const std::string_view numbers = value.substr(kHeadBytes);
  if (sum_of(key, numbers) != value.substr(kHeadBytes - kSumBytes, kSumBytes)) return std::nullopt;
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = std::bit_cast<float>(number_at(numbers, 4 * i));
  const bool good = std::ranges::all_of(out, [](float number) { return std::isfinite(number); }) &&
                    std::ranges::any_of(out, [](float number) { return number != 0; });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace embedd::app
