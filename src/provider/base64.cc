#include "provider/base64.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace embedd::provider {

namespace {

static_assert(std::endian::native == std::endian::little, "vectors are packed little-endian");

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kInvalid = 0x80000000;

/// For each of the four places in a group: a character's bits at their position in the three bytes, read as a
/// little-endian number.
struct Tables {
  std::array<std::array<std::uint32_t, 256>, 4> place{};

  constexpr Tables() {
    for (auto& table : place) table.fill(kInvalid);
    for (std::uint32_t value = 0; value < 64; ++value) {
      const auto c = static_cast<unsigned char>(kAlphabet[value]);
      place[0][c] = value << 2;
      place[1][c] = value >> 4 | (value & 15) << 12;
      place[2][c] = (value >> 2) << 8 | (value & 3) << 22;
      place[3][c] = value << 16;
    }
  }
};
constexpr Tables kTables;

/// `in` consists of whole groups of four.
bool decode_groups(const unsigned char* in, std::size_t groups, unsigned char* out) {
  std::uint32_t invalid = 0;
  for (std::size_t i = 0; i < groups; ++i, in += 4, out += 3) {
    const std::uint32_t bits =
        kTables.place[0][in[0]] | kTables.place[1][in[1]] | kTables.place[2][in[2]] | kTables.place[3][in[3]];
    invalid |= bits;
    std::memcpy(out, &bits, 3);
  }
  return (invalid & kInvalid) == 0;
}

#if defined(__x86_64__)

/// All ones for characters between `first` and `last`. The comparison is signed: bytes from 0x80 up are
/// negative, so they are in no range.
__attribute__((target("avx2"))) inline __m256i in_range(__m256i c, char first, char last) {
  return _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8(static_cast<char>(first - 1))),
                          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(last + 1)), c));
}

/// Decodes 32 characters at a time. Each step writes 8 bytes past its result, so the last 11 groups are left
/// to the caller. Returns the number of characters decoded, or nullopt at an invalid one.
__attribute__((target("avx2"))) std::optional<std::size_t> decode_avx2(const unsigned char* in,
                                                                       std::size_t size, unsigned char* out) {
  const __m256i pack = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,  //
                                        2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
  std::size_t at = 0;
  for (; at + 32 + 44 <= size; at += 32, out += 24) {
    const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at));
    const __m256i upper = in_range(c, 'A', 'Z');
    const __m256i small = in_range(c, 'a', 'z');
    const __m256i digit = in_range(c, '0', '9');
    const __m256i plus = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('+'));
    const __m256i slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
    const __m256i known =
        _mm256_or_si256(_mm256_or_si256(_mm256_or_si256(upper, small), digit), _mm256_or_si256(plus, slash));
    if (_mm256_movemask_epi8(known) != -1) return std::nullopt;
    __m256i shift = _mm256_and_si256(upper, _mm256_set1_epi8(-'A'));
    shift = _mm256_or_si256(shift, _mm256_and_si256(small, _mm256_set1_epi8(26 - 'a')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(digit, _mm256_set1_epi8(52 - '0')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(plus, _mm256_set1_epi8(62 - '+')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(slash, _mm256_set1_epi8(63 - '/')));
    const __m256i sextets = _mm256_add_epi8(c, shift);
    // a·64 + b and c·64 + d in 16 bits each, then both in 24 of 32 bits, then the bytes in order.
    const __m256i halves = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
    const __m256i groups = _mm256_madd_epi16(halves, _mm256_set1_epi32(0x00011000));
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, pack), join);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
  }
  return at;
}

#endif

std::string_view without_padding(std::string_view text) {
  if (text.size() % 4 == 0 && text.ends_with('=')) {
    text.remove_suffix(1);
    if (text.ends_with('=')) text.remove_suffix(1);
  }
  return text;
}

}  // namespace

std::optional<std::size_t> base64_bytes(std::string_view text) {
  text = without_padding(text);
  if (text.size() % 4 == 1) return std::nullopt;
  return text.size() / 4 * 3 + (text.size() % 4 == 0 ? 0 : text.size() % 4 - 1);
}

bool base64_decode(std::string_view text, void* out) {
  text = without_padding(text);
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  auto* to = static_cast<unsigned char*>(out);
  std::size_t left = text.size();
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) {
    const auto consumed = decode_avx2(in, left, to);
    if (!consumed) return false;
    in += *consumed;
    to += *consumed / 4 * 3;
    left -= *consumed;
  }
#endif
  if (!decode_groups(in, left / 4, to)) return false;
  const std::size_t rest = left % 4;
  if (rest == 0) return true;
  if (rest == 1) return false;
  // Missing characters count as zero bits; only the bytes that exist are written.
  std::array<unsigned char, 4> group{'A', 'A', 'A', 'A'};
  std::array<unsigned char, 3> last{};
  std::memcpy(group.data(), in + left - rest, rest);
  if (!decode_groups(group.data(), 1, last.data())) return false;
  std::memcpy(to + left / 4 * 3, last.data(), rest - 1);
  return true;
}

}  // namespace embedd::provider
