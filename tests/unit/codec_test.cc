#include "pg/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace embedd::pg {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(BinaryArray, OfIntegersIsWhatArrayRecvReads) {
  BinaryArray array(kInt8);
  array.add_int8(1);
  array.add_int8(-2);
  EXPECT_EQ(std::move(array).take(),
            "\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\2\0\0\0\1"sv    // header: 1 dimension, int8, 2 elements from 1
            "\0\0\0\x08\0\0\0\0\0\0\0\1"sv                    // 1
            "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe"sv);  // -2
}

TEST(BinaryArray, EmptyHasNoDimensions) {
  EXPECT_EQ(BinaryArray(kText).take(), "\0\0\0\0\0\0\0\0\0\0\0\x19"sv);
}

TEST(BinaryArray, OfVectorsHoldsBigEndianFloats) {
  BinaryArray array(16'400);
  array.add_vector(std::vector<float>{1.0F, -2.5F});
  EXPECT_EQ(std::move(array).take(),
            "\0\0\0\1\0\0\0\0\0\0\x40\x10\0\0\0\1\0\0\0\1"sv
            "\0\0\0\x0c\0\2\0\0\x3f\x80\0\0\xc0\x20\0\0"sv);
}

TEST(BinaryArray, TakesTextsWithZeroBytesAndEmptyOnes) {
  BinaryArray array(kText);
  array.add("a\0b"sv);
  array.add("");
  EXPECT_EQ(std::move(array).take().substr(20), "\0\0\0\3a\0b\0\0\0\0"sv);
}

TEST(DecodeArray, ReadsWhatBinaryArrayWrites) {
  BinaryArray array(kText);
  array.add("a\0b"sv);
  array.add("");
  const Bytes bytes = std::move(array).take();
  EXPECT_EQ(decode_array(bytes), (std::vector<std::string_view>{{"a\0b", 3}, ""}));
  EXPECT_EQ(decode_array(BinaryArray(kText).take()), std::vector<std::string_view>());
}

TEST(DecodeArray, RefusesWhatTheWorkerCannotUse) {
  const std::string header = "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\1\0\0\0\1"s;  // of one text
  EXPECT_TRUE(decode_array(header + "\0\0\0\1a"s));
  EXPECT_FALSE(decode_array("")) << "empty";
  EXPECT_FALSE(decode_array(header)) << "nothing follows";
  EXPECT_FALSE(decode_array(header.substr(0, 17))) << "cut";
  EXPECT_FALSE(decode_array(header + "\0\0\0\5a"s)) << "shorter than it says";
  EXPECT_FALSE(decode_array(header + "\0\0\0\1ab"s)) << "longer than it says";
  EXPECT_FALSE(decode_array(header + "\xff\xff\xff\xff"s)) << "NULL";
  EXPECT_FALSE(decode_array("\0\0\0\2"s + header.substr(4) + "\0\0\0\1a"s)) << "two dimensions";
  EXPECT_FALSE(decode_array(header.substr(0, 12) + "\x7f\xff\xff\xff\0\0\0\1\0\0\0\1a"s)) << "two billion";
  EXPECT_FALSE(decode_array(header.substr(0, 12) + "\xff\xff\xff\xff\0\0\0\1"s)) << "less than none";
}

TEST(Params, AreBigEndian) {
  Params params;
  LeaseToken token{};
  token[0] = 0xab;
  params.integer(258).real(1.0).flag(true).uuid(token).text("é");
  EXPECT_EQ(params.values(), (std::vector<Bytes>{Bytes("\0\0\0\0\0\0\1\2"sv), Bytes("\x3f\xf0\0\0\0\0\0\0"sv),
                                                 Bytes("\1"sv), Bytes("\xab"sv).append(15, '\0'), "é"}));
}

TEST(ReadNumber, ReversesAppendNumber) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max(), std::int64_t{258}}) {
    std::string bytes;
    append_number(bytes, value);
    EXPECT_EQ(read_number<std::int64_t>(bytes), value);
  }
}

TEST(Key, KeepsCompositeValuesApart) {
  const std::vector<std::string_view> one{"a", "bc"}, other{"ab", "c"}, empty{"", "abc"};
  EXPECT_NE(encode_key(one), encode_key(other));
  for (const auto& columns : {one, other, empty}) EXPECT_EQ(decode_key(encode_key(columns), 2), columns);
}

TEST(KeyDeathTest, OfAnotherShapeIsABug) {
  const std::vector<std::string_view> columns{"a"};
  const Key key = encode_key(columns);
  EXPECT_DEATH((void)decode_key(key, 2), "no key of 2 columns");
  EXPECT_DEATH((void)decode_key(key.substr(0, 4), 1), "no key of 1 columns");
}

TEST(Key, BytesThatAreNoKeyAreNotTakenForOne) {
  const std::string_view columns[] = {"a", ""};
  const Key key = encode_key(columns);
  EXPECT_TRUE(split_key(key, 2).has_value());
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}})
    EXPECT_FALSE(split_key(key, n).has_value()) << n;
  for (std::size_t length = 0; length < key.size(); ++length)
    EXPECT_FALSE(split_key(std::string_view(key).substr(0, length), 2).has_value()) << length;
  EXPECT_FALSE(split_key(std::string(8, '\xFF'), 1).has_value());
}

}  // namespace
}  // namespace embedd::pg
