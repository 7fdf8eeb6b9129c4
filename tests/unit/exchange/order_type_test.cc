// Orders by type: each that is entered is counted once, whatever stands around it in its batch.
#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

// By OrderType; the first of what enters no order.
using Counts = std::array<uint64_t, static_cast<size_t>(OrderType::kTrailingStop) + 1>;

struct Tally {
  void Count(const ApplyResult& result) {
    for (const CommandResult& command : result.commands) {
      if (command.repeated || command.order_type == OrderType{}) continue;
      const EventType first = result.events[command.first_event].type;
      ++(first == EventType::kCommandRejected ? rejected : accepted)
            .at(static_cast<size_t>(command.order_type));
    }
  }
  Counts accepted{};
  Counts rejected{};
};

class OrderTypeTest : public ::testing::Test {
 protected:
  void Apply(std::initializer_list<Group> groups) {
    const std::string bytes = EncodeBatch({.time = 1, .groups = groups});
    ASSERT_TRUE(exchange_.Apply(bytes, &result_).ok());
    tally_.Count(result_);
  }

  Exchange exchange_;
  ApplyResult result_;
  Tally tally_;
};

NewOrder Order(uint64_t id, OrderType type, TimeInForce time_in_force, Price price) {
  return {.symbol = SymbolId(1),
          .client_order_id = ClientOrderId(id),
          .type = type,
          .time_in_force = time_in_force,
          .price = price,
          .quantity = 1};
}
NewOrder Limit(uint64_t id) {
  return Order(id, OrderType::kLimit, TimeInForce::kGoodTillCancel, 10);
}
NewOrder Market(uint64_t id) {
  return Order(id, OrderType::kMarket, TimeInForce::kImmediateOrCancel, 0);
}
SpecialOrder Stop(uint64_t id, Price stop_price) {
  return {Order(id, OrderType::kStop, TimeInForce::kGoodTillCancel, 0), {.stop_price = stop_price}};
}

TEST_F(OrderTypeTest, CountsEachTypeAndWhatBecameOfIt) {
  Apply({OpenSession{AccountId(1)}, OpenSession{AccountId(2), true}});
  Apply({SessionLost{SessionId(2)},
         SessionCommands{
             SessionId(1),
             1,
             0,
             {AddSymbol{.name = "A", .tick_size = {1, 0}, .lot_size = {1, 0}}, Limit(1), Market(2),
              CancelOrder{SymbolId(1), ClientOrderId(1)}, Stop(3, 20), Limit(3), Limit(4)}},
         CloseSession{SessionId(2)}, SessionCommands{SessionId(1), 8, 0, {Limit(5), Stop(6, -1)}}});
  EXPECT_EQ(tally_.accepted, (Counts{0, 3, 1, 1, 0, 0}));
  EXPECT_EQ(tally_.rejected, (Counts{0, 1, 0, 1, 0, 0})) << "an id that is taken; no stop price";
}

TEST_F(OrderTypeTest, ARepeatAndWhatIsNotExecutedAreNotCounted) {
  Apply({OpenSession{AccountId(1)}});
  const SessionCommands first{
      SessionId(1),
      1,
      0,
      {AddSymbol{.name = "A", .tick_size = {1, 0}, .lot_size = {1, 0}}, Limit(1), Limit(2)}};
  Apply({first});
  Apply({first});
  Apply({SessionCommands{SessionId(9), 1, 0, {Limit(3), Market(4)}},  // nobody's
         SessionCommands{SessionId(1), 9, 0, {Limit(5)}},             // a gap
         SessionCommands{SessionId(1), 2, 0, {Limit(1), Limit(2), Market(6)}}});
  EXPECT_EQ(tally_.accepted, (Counts{0, 2, 1, 0, 0, 0}));
  EXPECT_EQ(tally_.rejected, Counts{});
}

// As many as the events say, with retries, gaps, and batches that are not executed whole.
TEST_F(OrderTypeTest, ARandomFlowAddsUp) {
  uint64_t entered = 0;
  uint64_t refused = 0;
  const std::vector<Batch> batches = RandomBatches(/*seed=*/3, 1'000, {.everything = true});
  for (const Batch& batch : WithRetries(batches, /*seed=*/4)) {
    const std::string bytes = EncodeBatch(batch);
    ASSERT_TRUE(exchange_.Apply(bytes, &result_).ok());
    tally_.Count(result_);
    for (const CommandResult& command : result_.commands) {
      if (command.repeated || command.event_count == 0) continue;
      const Event& event = result_.events[command.first_event];
      if (event.command != CommandKind::kNewOrder) continue;
      ++(event.type == EventType::kCommandRejected ? refused : entered);
    }
  }
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  for (size_t type = 1; type < tally_.accepted.size(); ++type) {
    EXPECT_GT(tally_.accepted[type], 0u) << type;
    accepted += tally_.accepted[type];
    rejected += tally_.rejected[type];
  }
  EXPECT_EQ(accepted, entered);
  EXPECT_EQ(rejected, refused);
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace quorumbook::exchange
