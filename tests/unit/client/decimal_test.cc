#include "proto/decimal.h"

#include <gtest/gtest.h>

#include <random>

#include "exchange/types.h"

namespace quorumbook::qb {
namespace {

static_assert(kMaxPriceTicks == exchange::kMaxPrice);
static_assert(kMaxQuantityLots == exchange::kMaxQuantity);

v1::Decimal Unit(int64_t mantissa, int exponent) {
  v1::Decimal unit;
  unit.set_mantissa(mantissa);
  unit.set_exponent(exponent);
  return unit;
}

absl::StatusOr<int64_t> Price(const std::string& text, const v1::Decimal& unit) {
  return ToUnits(text, unit, kMaxPriceTicks, "price");
}

void ExpectError(const absl::StatusOr<int64_t>& result, absl::StatusCode code,
                 const std::string& part) {
  EXPECT_EQ(result.status().code(), code) << result.status();
  EXPECT_NE(std::string(result.status().message()).find(part), std::string::npos)
      << result.status() << "\nhas no: " << part;
}

TEST(DecimalTest, ConvertsExactly) {
  const v1::Decimal cent = Unit(1, -2);
  EXPECT_EQ(*Price("223.95", cent), 22'395);
  EXPECT_EQ(*Price("223.950000", cent), 22'395);
  EXPECT_EQ(*Price("0223.95", cent), 22'395);
  EXPECT_EQ(*Price(".01", cent), 1);
  EXPECT_EQ(*Price("7.", cent), 700);
  EXPECT_EQ(*Price("0.1", cent), 10);  // which no binary fraction is
  EXPECT_EQ(*Price("0.3", Unit(1, -1)), 3);
  EXPECT_EQ(*Price("1.25", Unit(25, -2)), 5);
  EXPECT_EQ(*Price("3000", Unit(1, 3)), 3);
  EXPECT_EQ(*Price("10000000000", cent), kMaxPriceTicks);
}

TEST(DecimalTest, NamesTheNearestValuesOffTheTick) {
  ExpectError(Price("223.957", Unit(1, -2)), absl::StatusCode::kOutOfRange,
              "price 223.957 is not a multiple of 0.01; the nearest are 223.95 and 223.96");
  ExpectError(Price("1.3", Unit(25, -2)), absl::StatusCode::kOutOfRange, "1.25 and 1.50");
  ExpectError(Price("1500", Unit(1, 3)), absl::StatusCode::kOutOfRange, "1000 and 2000");
  ExpectError(Price("1.00000000000000000000000000001", Unit(1, -2)), absl::StatusCode::kOutOfRange,
              "1.00 and 1.01");
}

TEST(DecimalTest, NamesTheBounds) {
  const v1::Decimal cent = Unit(1, -2);
  ExpectError(Price("0", cent), absl::StatusCode::kOutOfRange, "the smallest is 0.01");
  ExpectError(Price("0.00", cent), absl::StatusCode::kOutOfRange, "the smallest is 0.01");
  ExpectError(Price("0.009", cent), absl::StatusCode::kOutOfRange, "the smallest is 0.01");
  ExpectError(Price("10000000000.01", cent), absl::StatusCode::kOutOfRange,
              "the largest is 10000000000.00");
  ExpectError(Price("10000000000.001", cent), absl::StatusCode::kOutOfRange, "the largest is");
  ExpectError(Price("999999999999999999999999999999", Unit(1, -12)), absl::StatusCode::kOutOfRange,
              "the largest is");
  ExpectError(Price("99999999999999999999", Unit(1, -12)), absl::StatusCode::kOutOfRange,
              "the largest is");
  ExpectError(Price("0.00000000000000000000000000001", Unit(1'000'000'000, 12)),
              absl::StatusCode::kOutOfRange, "the smallest is 1000000000000000000000");
  EXPECT_EQ(ToUnits("500000000001", Unit(1, 0), kMaxQuantityLots, "quantity").status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(DecimalTest, RefusesWhatIsNoPlainNumber) {
  for (const char* text : {"", ".", "1.2.3", "1e3", "0x10", "+1", " 1", "1 ", "1,5", "abc", "1_0",
                           "nan", "inf", "\xff", "1/2"}) {
    ExpectError(Price(text, Unit(1, 0)), absl::StatusCode::kInvalidArgument,
                "is not a plain decimal number");
  }
  ExpectError(Price("-1", Unit(1, 0)), absl::StatusCode::kInvalidArgument, "is negative");
  ExpectError(Price(std::string(31, '1'), Unit(1, 0)), absl::StatusCode::kInvalidArgument,
              "more than 30 digits");
}

TEST(DecimalTest, RoundTripsEveryValue) {
  const uint64_t seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const v1::Decimal unit =
        Unit(1 + static_cast<int64_t>(random() % (random() % 2 == 0 ? 10 : 1'000'000'000)),
             static_cast<int>(random() % 25) - 12);
    const int64_t units =
        1 + static_cast<int64_t>(random() % kMaxPriceTicks) / (1 << (random() % 30));
    const std::string text = FromUnits(units, unit);
    const absl::StatusOr<int64_t> back = Price(text, unit);
    if (text.size() > 30) continue;  // more digits than people may type
    ASSERT_TRUE(back.ok()) << text << ": " << back.status();
    ASSERT_EQ(*back, units) << text;
    if (unit.exponent() >= 0) continue;
    // One more digit behind it is off the tick, between this value and the next.
    const absl::StatusOr<int64_t> off = Price(text + "1", unit);
    if (text.size() == 30 || units == kMaxPriceTicks) continue;
    ASSERT_EQ(off.status().code(), absl::StatusCode::kOutOfRange) << text;
    const std::string nearest = text + " and " + FromUnits(units + 1, unit);
    ASSERT_NE(std::string(off.status().message()).find(nearest), std::string::npos)
        << off.status() << "\nhas no: " << nearest;
  }
}

TEST(DecimalTest, FormatsWithTheUnitsDecimals) {
  EXPECT_EQ(FromUnits(22'395, Unit(1, -2)), "223.95");
  EXPECT_EQ(FromUnits(5, Unit(1, -2)), "0.05");
  EXPECT_EQ(FromUnits(-5, Unit(1, -2)), "-0.05");
  EXPECT_EQ(FromUnits(0, Unit(1, -2)), "0.00");
  EXPECT_EQ(FromUnits(0, Unit(1, 3)), "0");
  EXPECT_EQ(FromUnits(3, Unit(25, 2)), "7500");
  EXPECT_EQ(FromUnits(INT64_MIN, Unit(1, 0)), "-9223372036854775808");
}

TEST(DecimalTest, ParsesSizes) {
  const auto expect = [](const std::string& text, int64_t mantissa, int exponent) {
    const absl::StatusOr<v1::Decimal> size = ParseSize(text, "--tick-size");
    ASSERT_TRUE(size.ok()) << size.status();
    EXPECT_EQ(size->mantissa(), mantissa) << text;
    EXPECT_EQ(size->exponent(), exponent) << text;
  };
  expect("0.01", 1, -2);
  expect("0.0100", 1, -2);
  expect("1", 1, 0);
  expect("250", 25, 1);
  expect("0.000000000001", 1, -12);
  expect("1000000000000000000000", 1'000'000'000, 12);
  for (const char* text :
       {"0", "0.0", "-1", "x", "", "0.0000000000001", "1.0000000001", "10000000000000000000000"}) {
    EXPECT_EQ(ParseSize(text, "--tick-size").status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(DecimalTest, DividesWithRounding) {
  const v1::Decimal cent = Unit(1, -2);
  EXPECT_EQ(Quotient("67185", "3", cent, 4), "223.950000");
  EXPECT_EQ(Quotient("2", "3", cent, 4), "0.006667");
  EXPECT_EQ(Quotient("1", "3", cent, 4), "0.003333");
  EXPECT_EQ(Quotient("1", "2", Unit(1, 0), 0), "1");
  EXPECT_EQ(Quotient("10", "4", Unit(25, -2), 1), "0.625");
  EXPECT_EQ(Quotient("0", "4", cent, 4), "0.000000");
  EXPECT_EQ(Quotient("1", "0", cent, 4), "");
  EXPECT_EQ(Quotient("", "1", cent, 4), "");
  EXPECT_EQ(Quotient("-1", "1", cent, 4), "");
  EXPECT_EQ(Quotient("340282366920938463463374607431768211456", "1", cent, 4), "");  // 2^128
  // Beyond 128 bits on the way: the ratio holds.
  EXPECT_EQ(Quotient("300000000000000000000000000000000000000",
                     "100000000000000000000000000000000000000", Unit(1, 0), 4),
            "3.0000");
}

TEST(DecimalTest, FormatsWideIntegers) {
  EXPECT_EQ(FromUnits("340282366920938463463374607431768211455", Unit(1, -2)),
            "3402823669209384634633746074317682114.55");
  EXPECT_EQ(FromUnits("340282366920938463463374607431768211455", Unit(2, 0)), "");
  EXPECT_EQ(FromUnits("x", Unit(1, 0)), "");
}

}  // namespace
}  // namespace quorumbook::qb
