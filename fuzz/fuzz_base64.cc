/// Base64 against another decoder, written for clarity: the same verdict and the same bytes, at every length
/// and in every lane.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "provider/base64.h"

namespace embedd {
namespace {

/// Bit by bit. nullopt for a bad length or character.
std::optional<std::string> decode_slowly(std::string_view text) {
  if (text.size() % 4 == 0)
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '/')
      value = c == '+' ? 62 : 63;
    else
      return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

void run(std::string_view text) {
  const auto expected = decode_slowly(text);
  const auto bytes = provider::base64_bytes(text);
  CHECK(bytes || !expected, "no length for {} bytes", text.size());
  if (!bytes) return;
  const std::vector<char> in(text.begin(), text.end());
  std::vector<char> out(*bytes);  // both exactly as long as they are: AddressSanitizer sees one byte too many
  const bool decoded = provider::base64_decode({in.data(), in.size()}, out.data());
  CHECK(decoded == expected.has_value(), "decoded: {}, expected: {}", decoded, expected.has_value());
  if (decoded) CHECK(std::string_view(out.data(), out.size()) == *expected, "other bytes");
}

}  // namespace
}  // namespace embedd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
