#include "client/replay/shadow_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorumbook::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "id x quantity", a star for the last of an order.
std::vector<std::string> ToText(const std::vector<ShadowBook::Taken>& taken) {
  std::vector<std::string> text;
  for (const auto& part : taken) {
    text.push_back(std::to_string(part.id) + "x" + std::to_string(part.quantity) +
                   (part.whole ? "*" : ""));
  }
  return text;
}

TEST(ShadowBook, ExecutesTheBestPriceFirstAndTheOldestOrderFirst) {
  ShadowBook book;
  book.Add(v1::SELL, {1, 10, false}, 101);
  book.Add(v1::SELL, {2, 10, false}, 100);
  book.Add(v1::SELL, {3, 10, true}, 100);
  int64_t quantity = 25;
  const auto fills = book.Match(v1::BUY, 101, &quantity);
  EXPECT_THAT(ToText(fills), ElementsAre("2x10*", "3x10*", "1x5"));
  EXPECT_TRUE(fills[1].synthetic);
  EXPECT_FALSE(fills[2].synthetic);
  EXPECT_EQ(quantity, 0);
  EXPECT_FALSE(book.IsOpen(2));
  EXPECT_TRUE(book.IsOpen(1));
}

TEST(ShadowBook, StopsAtTheLimitOnBothSides) {
  ShadowBook book;
  book.Add(v1::BUY, {1, 10, false}, 100);
  book.Add(v1::BUY, {2, 10, false}, 99);
  int64_t quantity = 25;
  EXPECT_THAT(ToText(book.Match(v1::SELL, 100, &quantity)), ElementsAre("1x10*"));
  EXPECT_EQ(quantity, 15);
  EXPECT_THAT(ToText(book.Match(v1::SELL, 100, &quantity)), IsEmpty());
}

TEST(ShadowBook, AnOrderThatLosesQuantityKeepsItsPlace) {
  ShadowBook book;
  book.Add(v1::BUY, {1, 10, false}, 100);
  book.Add(v1::BUY, {2, 10, false}, 100);
  EXPECT_EQ(book.Take(1, 4).quantity, 4);
  int64_t quantity = 7;
  EXPECT_THAT(ToText(book.Match(v1::SELL, 100, &quantity)), ElementsAre("1x6*", "2x1"));
  const ShadowBook::Taken rest = book.Take(2, 1'000);
  EXPECT_EQ(rest.quantity, 9);
  EXPECT_TRUE(rest.whole);
  EXPECT_TRUE(book.levels(v1::BUY).empty());
}

TEST(ShadowBook, UnknownQuantityComesOffSyntheticOrdersFirst) {
  ShadowBook book;
  book.Add(v1::BUY, {1, 10, false}, 100);
  book.Add(v1::BUY, {2, 5, true}, 100);
  book.Add(v1::BUY, {3, 10, false}, 100);
  book.Add(v1::BUY, {4, 5, true}, 100);
  EXPECT_THAT(ToText(book.TakeAtPrice(v1::BUY, 100, 22)),
              ElementsAre("2x5*", "4x5*", "1x10*", "3x2"));
  EXPECT_EQ(book.levels(v1::BUY).at(-100).quantity, 8);
  EXPECT_THAT(ToText(book.TakeAtPrice(v1::BUY, 100, 100)), ElementsAre("3x8*"));
  EXPECT_THAT(ToText(book.TakeAtPrice(v1::BUY, 100, 1)), IsEmpty());
  EXPECT_THAT(ToText(book.TakeAtPrice(v1::SELL, 100, 1)), IsEmpty());
}

}  // namespace
}  // namespace quorumbook::replay
