#include "text/cl100k_ranks.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

namespace embedd {
namespace {

constexpr int kSlotBits = 18;
constexpr int kRankBits = 17;
constexpr std::uint32_t kRankMask = (1U << kRankBits) - 1;
constexpr std::uint32_t kEmpty = 0xFFFF'FFFF;
static_assert(Cl100kRanks::kCount < kRankMask && Cl100kRanks::kCount < 1U << kSlotBits);

template <typename Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t mix(std::uint64_t hash) {
  hash *= 0x9E3779B97F4A7C15ULL;
  return hash ^ hash >> 29;
}

/// The hash never leaves the process, so it may depend on the machine's byte order.
std::uint64_t hash_of(std::string_view bytes) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = left;
  for (; left > 8; left -= 8, at += 8) hash = mix(hash ^ load<std::uint64_t>(at));
  std::uint64_t tail = 0;  // 1 to 8 bytes, read without a loop: two loads that may overlap
  if (left >= 4) {
    tail = load<std::uint32_t>(at) << 32 | load<std::uint32_t>(at + left - 4);
  } else {
    tail = load<std::uint8_t>(at) << 16 | load<std::uint8_t>(at + left / 2) << 8 |
           load<std::uint8_t>(at + left - 1);
  }
  return mix(mix(hash ^ tail));
}

std::size_t slot_of(std::uint64_t hash) { return hash >> (64 - kSlotBits); }
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash) << kRankBits; }

/// Appends the bytes of `base64`; false if it is malformed.
bool decode_base64(std::string_view base64, std::string& out) {
  static constexpr auto kValues = [] {
    std::array<signed char, 256> values{};
    values.fill(-1);
    const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
      values[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    }
    return values;
  }();
  if (base64.empty() || base64.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && base64[base64.size() - 1 - padding] == '=') ++padding;
  base64.remove_suffix(padding);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : base64) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) out.push_back(static_cast<char>(bits >> (bit_count -= 8)));
  }
  return true;
}

std::unexpected<Error> malformed(std::uint32_t line) {
  return fail(ErrorKind::invalid_argument,
              fmt::format("not the cl100k_base vocabulary: line {} is malformed", line + 1));
}

}  // namespace

Result<Cl100kRanks> Cl100kRanks::parse(std::string_view file) {
  Cl100kRanks ranks;
  ranks.bytes_.reserve(file.size() * 2 / 5);
  ranks.offsets_.reserve(kCount + 1);
  ranks.slots_.assign(1U << kSlotBits, kEmpty);
  ranks.offsets_.push_back(0);
  std::uint32_t rank = 0;
  for (; !file.empty() && rank < kCount; ++rank) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(line.size() + 1, file.size()));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return malformed(rank);
    std::uint32_t written = 0;
    const auto [end, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), written);
    if (error != std::errc{} || end != line.data() + line.size() || written != rank) return malformed(rank);
    if (!decode_base64(line.substr(0, space), ranks.bytes_)) return malformed(rank);
    const std::size_t length = ranks.bytes_.size() - ranks.offsets_.back();
    if (length == 0 || length > kLongest) return malformed(rank);
    ranks.offsets_.push_back(static_cast<std::uint32_t>(ranks.bytes_.size()));
    if (ranks.find(ranks.token(rank)) != kNone) return malformed(rank);
    ranks.insert(rank);
  }
  if (rank != kCount || !file.empty()) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("not the cl100k_base vocabulary: {} tokens are expected", kCount));
  }
  for (int byte = 0; byte < 256; ++byte) {  // merging starts from single bytes, so each must have a rank
    const char c = static_cast<char>(byte);
    if (ranks.find({&c, 1}) == kNone) {
      return fail(ErrorKind::invalid_argument, "not the cl100k_base vocabulary: a byte has no token");
    }
  }
  ranks.bytes_.shrink_to_fit();
  return ranks;
}

std::uint32_t Cl100kRanks::probe(std::string_view bytes) const {
  const std::uint64_t hash = hash_of(bytes);
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t slot = slot_of(hash);; slot = (slot + 1) % slots_.size()) {
    const std::uint32_t entry = slots_[slot];
    if (entry == kEmpty) return kNone;
    if ((entry & ~kRankMask) == tag && token(entry & kRankMask) == bytes) return entry & kRankMask;
  }
}

void Cl100kRanks::insert(std::uint32_t rank) {
  const std::uint64_t hash = hash_of(token(rank));
  std::size_t slot = slot_of(hash);
  while (slots_[slot] != kEmpty) slot = (slot + 1) % slots_.size();
  slots_[slot] = tag_of(hash) | rank;
}

std::size_t Cl100kRanks::memory_bytes() const {
  return bytes_.capacity() + (offsets_.capacity() + slots_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace embedd
