// What a decoder may rely on when nobody vouches for the bytes.
#include "common/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace quorumbook {
namespace {

using namespace std::literals;  // NOLINT(google-build-using-namespace)

enum class Kind : uint16_t { kNone = 0, kSome = 0x0102 };

TEST(Bytes, AreLittleEndianAndOfFixedWidth) {
  std::string out = "before";
  ByteWriter writer(&out);
  writer.Put(uint32_t{0x01020304});
  writer.Put(Kind::kSome);
  writer.Put(int8_t{-1});
  writer.PutSized("ab");
  EXPECT_EQ(out, "before\x04\x03\x02\x01\x02\x01\xff\x02\0\0\0ab"s);
}

TEST(Bytes, ComeBackAsTheyWereWritten) {
  std::string out;
  ByteWriter writer(&out);
  writer.Put(std::numeric_limits<int64_t>::min());
  writer.Put(std::numeric_limits<uint64_t>::max());
  writer.Put(Kind::kSome);
  writer.PutSized("");
  writer.PutSized("\0x"s);
  writer.PutBytes("rest");
  ByteReader reader(out);
  EXPECT_EQ(reader.Get<int64_t>(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader.Get<uint64_t>(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(reader.Get<Kind>(), Kind::kSome);
  EXPECT_EQ(reader.GetSized(), "");
  EXPECT_EQ(reader.GetSized(), "\0x"s);
  EXPECT_EQ(reader.remaining(), 4u);
  EXPECT_EQ(reader.GetBytes(4), "rest");
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_TRUE(reader.ok());
}

// One byte too few anywhere: zeros, and no later read succeeds, though it would fit.
TEST(Bytes, AReadPastTheEndFailsForGood) {
  const auto expect_spent = [](ByteReader& reader) {
    EXPECT_FALSE(reader.ok());
    EXPECT_TRUE(reader.AtEnd());
    EXPECT_EQ(reader.Get<uint8_t>(), 0u);
    EXPECT_EQ(reader.GetBytes(1), "");
  };
  ByteReader number("\x01\x02\x03");
  EXPECT_EQ(number.Get<uint32_t>(), 0u);
  expect_spent(number);
  ByteReader bytes("abc");
  EXPECT_EQ(bytes.GetBytes(4), "");
  expect_spent(bytes);
  ByteReader sized("\x03\0\0\0ab"sv);
  EXPECT_EQ(sized.GetSized(), "");
  expect_spent(sized);
  ByteReader huge(
      "\xff\xff\xff\xff"
      "ab");
  EXPECT_EQ(huge.GetSized(), "");
  expect_spent(huge);
}

// A reader of a temporary string would read what was there.
static_assert(!std::is_constructible_v<ByteReader, std::string>);
static_assert(std::is_constructible_v<ByteReader, std::string&>);

TEST(Bytes, ValuesInARowAreReadAllOrNone) {
  uint8_t first = 9;
  uint32_t second = 9;
  Kind third = Kind::kSome;
  ByteReader enough("\x01\x02\0\0\0\x02\x01\x07"sv);
  EXPECT_TRUE(enough.GetAll(&first, &second, &third));
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 2u);
  EXPECT_EQ(third, Kind::kSome);
  EXPECT_EQ(enough.remaining(), 1u);
  ByteReader short_of_one("\x01\x02\0\0\0\x02"sv);
  EXPECT_FALSE(short_of_one.GetAll(&first, &second, &third));
  EXPECT_FALSE(short_of_one.ok());
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(second, 0u);
  EXPECT_EQ(third, Kind::kNone);
}

}  // namespace
}  // namespace quorumbook
