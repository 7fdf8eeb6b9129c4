// The binary forms of batches and events: what is written is read back, and nothing else is taken.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "common/digest.h"
#include "event_text.h"
#include "exchange/command.h"
#include "exchange/command_codec.h"
#include "exchange/event_codec.h"
#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

Batch OneOfEach() {
  constexpr auto least = std::numeric_limits<int64_t>::min();
  constexpr auto most = std::numeric_limits<int64_t>::max();
  constexpr SymbolRules kRules{least, most, UINT32_MAX, 1, least, 2, 3};
  SessionCommands message{SessionId(77), 5, UINT64_MAX, {}};
  message.commands = {
      AddSymbol{"A name that no exchange takes, \n\x01 but a log may", {least, -128}, {most, 127}},
      AddSymbol{"", {1, -2}, {1, 0}, AssetId(1), AssetId(2), kRules, Phase::kPreOpen},
      NewOrder{SymbolId(3), ClientOrderId(UINT64_MAX), Side::kSell, OrderType::kMarket,
               TimeInForce::kFillOrKill, most, least},
      NewOrder{SymbolId(UINT32_MAX), ClientOrderId(1), Side::kBuy, OrderType::kLimit,
               TimeInForce::kImmediateOrCancel, -1, 0},
      CancelOrder{SymbolId(3), ClientOrderId(9)},
      ReduceOrder{SymbolId(4), ClientOrderId(10), least},
      ReplaceOrder{SymbolId(5), ClientOrderId(11), most, least},
      SpecialOrder{{.symbol = SymbolId(1),
                    .client_order_id = ClientOrderId(2),
                    .side = Side::kSell,
                    .type = OrderType::kTrailingStop,
                    .time_in_force = TimeInForce::kGoodTillTime,
                    .self_trade = SelfTrade::kDecrement,
                    .post_only = true},
                   {least, most, -1, -2, -3, -4, true}},
      MassCancel{AccountId(1), SymbolId(2), Side::kSell},
      SetSymbolRules{SymbolId(1), kRules},
      SetPhase{SymbolId(1), Phase::kClosed, least},
      DelistSymbol{SymbolId(1)},
      AddAsset{"An asset that no exchange takes", -128},
      Deposit{AccountId(1), AssetId(2), least},
      Withdraw{AccountId(0), AssetId(2), most},
      SetAccountLimits{AccountId(1), {least, most, UINT64_MAX}},
      SetPositionLimit{AccountId(1), AssetId(3), least},
      SetKillSwitch{AccountId(1), true}};
  return {.time = -5,
          .groups = {OpenSession{AccountId(4)}, OpenSession{AccountId(5), true}, message,
                     CloseSession{SessionId(6)}, SessionLost{SessionId(7)},
                     SessionCommands{SessionId(1), 0, 0, {}}}};
}

// `bytes` with the checksum that they should have, so that what is behind it is reached.
std::string Sealed(std::string bytes) {
  if (bytes.size() < kBatchHeaderBytes) return bytes;
  const std::string_view view(bytes);
  const uint64_t checksum =
      Checksum64(view.substr(kBatchHeaderBytes), Checksum64(view.substr(0, kBatchHeaderBytes - 8)));
  std::memcpy(bytes.data() + kBatchHeaderBytes - 8, &checksum, sizeof(checksum));
  return bytes;
}

void ExpectRefused(const std::string& bytes) {
  const absl::StatusOr<Batch> batch = DecodeBatch(bytes);
  EXPECT_EQ(batch.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(batch.status().message().empty());
}

TEST(CommandCodec, EveryKindComesBack) {
  const Batch batch = OneOfEach();
  const absl::StatusOr<Batch> decoded = DecodeBatch(EncodeBatch(batch));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, batch);
  const absl::StatusOr<Batch> empty = DecodeBatch(EncodeBatch(Batch{}));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(*empty, Batch{});
}

TEST(CommandCodec, RandomBatchesComeBack) {
  for (const Batch& batch : RandomBatches(1, 300)) {
    const absl::StatusOr<Batch> decoded = DecodeBatch(EncodeBatch(batch));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(*decoded, batch);
  }
}

TEST(CommandCodec, ABatchIsItsEncodedGroups) {
  const Batch batch = OneOfEach();
  std::vector<std::string> groups;
  for (const Group& group : batch.groups) groups.push_back(EncodeGroup(group));
  EXPECT_EQ(EncodeBatch(batch.time, {groups.begin(), groups.end()}), EncodeBatch(batch));
}

TEST(CommandCodec, TheSizesAreThoseOfTheDocumentation) {
  const auto size = [](const Command& command) {
    return EncodeGroup(SessionCommands{SessionId(1), 1, 0, {command}}).size() -
           EncodeGroup(SessionCommands{SessionId(1), 1, 0, {}}).size();
  };
  EXPECT_EQ(EncodeBatch(Batch{}).size(), 24u);
  EXPECT_EQ(EncodeGroup(OpenSession{}).size(), 10u);
  EXPECT_EQ(EncodeGroup(SessionLost{}).size(), 9u);
  EXPECT_EQ(EncodeGroup(CloseSession{}).size(), 9u);
  EXPECT_EQ(EncodeGroup(SessionCommands{}).size(), 29u);
  EXPECT_EQ(size(NewOrder{}), 34u);
  EXPECT_EQ(size(SpecialOrder{}), 83u);
  EXPECT_EQ(size(CancelOrder{}), 13u);
  EXPECT_EQ(size(ReduceOrder{}), 21u);
  EXPECT_EQ(size(ReplaceOrder{}), 29u);
  EXPECT_EQ(size(AddSymbol{"AMZN", {}, {}}), 76u);
  EXPECT_EQ(size(MassCancel{}), 14u);
  EXPECT_EQ(size(SetSymbolRules{}), 45u);
  EXPECT_EQ(size(SetPhase{}), 14u);
  EXPECT_EQ(size(DelistSymbol{}), 5u);
  EXPECT_EQ(size(AddAsset{"EUR", -2}), 9u);
  EXPECT_EQ(size(Deposit{}), 21u);
  EXPECT_EQ(size(Withdraw{}), 21u);
  EXPECT_EQ(size(SetAccountLimits{}), 33u);
  EXPECT_EQ(size(SetPositionLimit{}), 21u);
  EXPECT_EQ(size(SetKillSwitch{}), 10u);
}

TEST(CommandCodec, TruncatedAtEveryLengthItIsRefused) {
  const std::string bytes = EncodeBatch(OneOfEach());
  for (size_t length = 0; length < bytes.size(); ++length) {
    SCOPED_TRACE(length);
    ExpectRefused(bytes.substr(0, length));
    ExpectRefused(Sealed(bytes.substr(0, length)));
  }
  ExpectRefused(bytes + '\0');
  ExpectRefused(Sealed(bytes + '\0'));
}

TEST(CommandCodec, AnyFlippedBitIsNoticed) {
  const std::string bytes = EncodeBatch(OneOfEach());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    SCOPED_TRACE(bit);
    ExpectRefused(flipped);
  }
}

// Behind a good checksum anything may stand. What is taken must be what an encoder could have made.
TEST(CommandCodec, GarbageIsRefusedOrCanonical) {
  const std::string bytes = EncodeBatch(OneOfEach());
  uint64_t taken = 0;
  uint64_t refused = 0;
  for (uint64_t seed = 1; seed <= 50'000; ++seed) {
    Random random(seed);
    std::string mutated = bytes;
    for (uint64_t changes = 1 + random.Below(3); changes > 0; --changes) {
      mutated[random.Below(mutated.size())] = static_cast<char>(random.Below(256));
    }
    if (random.OneIn(4)) mutated.resize(random.Below(mutated.size()));
    mutated = Sealed(mutated);
    const absl::StatusOr<Batch> batch = DecodeBatch(mutated);
    if (batch.ok()) {
      ++taken;
      ASSERT_EQ(EncodeBatch(*batch), mutated) << "seed " << seed;
    } else {
      ++refused;
      ASSERT_EQ(batch.status().code(), absl::StatusCode::kInvalidArgument) << "seed " << seed;
    }
  }
  EXPECT_GT(taken, 1'000u);
  EXPECT_GT(refused, 1'000u);
}

TEST(CommandCodec, EnumerationsOutOfRangeAreRefused) {
  const NewOrder order{.symbol = SymbolId(1), .client_order_id = ClientOrderId(1)};
  const std::string bytes = EncodeBatch({0, {SessionCommands{SessionId(1), 1, 0, {order}}}});
  const size_t group = kBatchHeaderBytes;
  const size_t command = group + 29;
  struct Field {
    size_t offset;
    char below, above;
  };
  for (const Field& field : {Field{group, 0, 5}, Field{command, 0, 17}, Field{command + 1, 0, 3},
                             Field{command + 2, 0, 6}, Field{command + 3, 0, 6},
                             Field{command + 4, 5, 6}, Field{command + 5, 2, 3}}) {
    for (const char value : {field.below, field.above, '\xff'}) {
      std::string changed = bytes;
      changed[field.offset] = value;
      SCOPED_TRACE(field.offset);
      ExpectRefused(Sealed(changed));
    }
  }
}

// A batch that is refused changes nothing, not even by the groups before the bad one.
TEST(CommandCodec, ARefusedBatchChangesNothing) {
  Exchange exchange;
  ApplyResult result;
  exchange.Apply({.time = 1, .groups = {OpenSession{AccountId(1)}}}, &result);
  const std::string before = exchange.Snapshot();
  std::string bytes =
      EncodeBatch({.time = 9,
                   .groups = {OpenSession{AccountId(2)},
                              SessionCommands{SessionId(1), 1, 0, {CancelOrder{}}}}});
  bytes[bytes.size() - 13] = 17;  // the kind of the last command
  EXPECT_EQ(exchange.Apply(Sealed(bytes), &result).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(result.groups.empty());
  EXPECT_EQ(exchange.Snapshot(), before);
}

Event FullEvent(EventType type) {
  Event event;
  event.sequence = 1;
  event.type = type;
  event.command = CommandKind::kReplaceOrder;
  event.reason = Reason::kFillLimit;
  event.side = Side::kSell;
  event.symbol = SymbolId(2);
  event.account = AccountId(3);
  event.order_id = OrderId(4);
  event.client_order_id = ClientOrderId(5);
  event.price = 6;
  event.quantity = 7;
  event.leaves = 8;
  event.executed = 9;
  if (type == EventType::kTrade || type == EventType::kOrderParked) {
    event.trade_id = 10;
    event.maker_account = AccountId(11);
    event.maker_order_id = OrderId(12);
    event.maker_client_order_id = ClientOrderId(13);
    event.maker_leaves = 14;
    event.maker_executed = 15;
    event.fee = 16;
    event.maker_fee = 17;
  }
  return event;
}

TEST(EventCodec, EveryTypeComesBack) {
  std::string bytes;
  std::vector<Event> events;
  for (int type = 1; type <= static_cast<int>(kLastEventType); ++type) {
    events.push_back(FullEvent(static_cast<EventType>(type)));
    EncodeEvent(events.back(), &bytes);
  }
  EXPECT_EQ(bytes.size(), 16 * kEventBytes + 2 * kTradeEventBytes);
  std::vector<Event> decoded;
  ASSERT_TRUE(DecodeEvents(bytes, &decoded));
  EXPECT_EQ(decoded, events);
}

TEST(EventCodec, MalformedBytesAreRefused) {
  std::string bytes;
  EncodeEvent(FullEvent(EventType::kTrade), &bytes);
  std::vector<Event> decoded;
  for (size_t length = 1; length < bytes.size(); ++length) {
    // A trade cut to the length of another event is still one.
    EXPECT_FALSE(DecodeEvents(bytes.substr(0, length), &decoded)) << length;
  }
  for (const size_t offset : {8u, 9u, 10u, 11u}) {  // type, command, reason, side
    std::string changed = bytes;
    changed[offset] = '\x7f';
    EXPECT_FALSE(DecodeEvents(changed, &decoded)) << offset;
  }
  EXPECT_TRUE(decoded.empty());
}

}  // namespace
}  // namespace quorumbook::exchange
