#include "server/request_places.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace quorumbook::server {
namespace {

TEST(RequestPlaces, AreAsManyAsWereSaid) {
  std::optional<RequestPlaces> places(std::in_place, 2);
  const std::shared_ptr<void> first = places->Take();
  std::shared_ptr<void> second = places->Take();
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(places->Take(), nullptr);
  EXPECT_EQ(places->Take(), nullptr) << "who is refused takes none";
  second.reset();
  second = places->Take();
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(places->Take(), nullptr);
  places.reset();
  second.reset();  // after the service has gone
}

}  // namespace
}  // namespace quorumbook::server
