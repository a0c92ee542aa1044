#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace embedd::utf8 {
namespace {

using namespace std::string_literals;

TEST(Utf8, AcceptsEveryScalarValueAndOnlyThose) {
  for (char32_t point = 0; point <= 0x110010; point += point < 0x3000 ? 1 : 7) {
    std::string bytes;
    if (point < 0x80) {
      bytes = {static_cast<char>(point)};
    } else if (point < 0x800) {
      bytes = {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
    } else if (point < 0x10000) {
      bytes = {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3F)),
               static_cast<char>(0x80 | (point & 0x3F))};
    } else {
      bytes = {static_cast<char>(0xF0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3F)),
               static_cast<char>(0x80 | (point >> 6 & 0x3F)), static_cast<char>(0x80 | (point & 0x3F))};
    }
    const bool scalar = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    const Decoded decoded = decode(bytes);
    ASSERT_EQ(decoded.valid, scalar) << std::hex << static_cast<unsigned>(point);
    ASSERT_EQ(decoded.point, scalar ? point : 0xFFFD);
    ASSERT_EQ(valid(bytes), scalar);
  }
}

TEST(Utf8, RefusesWhatIsNotShortestFormOrIsCutOff) {
  for (const std::string& bad : {"\x80"s, "\xC0\x80"s, "\xC1\xBF"s, "\xE0\x80\x80"s, "\xE0\x9F\xBF"s,
                                 "\xF0\x80\x80\x80"s, "\xF0\x8F\xBF\xBF"s, "\xF5\x80\x80\x80"s, "\xFF"s,
                                 "\xC3"s, "\xE2\x82"s, "\xF0\x9F\x98"s, "\xE2\x28\xA1"s}) {
    EXPECT_FALSE(valid(bad));
    EXPECT_EQ(valid_prefix("sixteen bytes ok" + bad), 16U);
    EXPECT_EQ(decode(bad).size, 1U);
  }
  EXPECT_EQ(valid_prefix("a\0b"s), 3U);
  EXPECT_EQ(valid_prefix(""), 0U);
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string text = "aé€😀";  // 1 + 2 + 3 + 4 bytes
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t n = 0; n < std::size(expected); ++n) EXPECT_EQ(cut(text, n), expected[n]) << n;
}

}  // namespace
}  // namespace embedd::utf8
