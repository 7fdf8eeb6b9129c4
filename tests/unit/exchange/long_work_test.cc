// Work that is too much for one step: what may happen between two steps, and how much one command
// can bring about.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event_text.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {
namespace {

constexpr SymbolId kSymbol(1);

// An exchange driven command by command, each in a batch of its own unless said otherwise.
class LongWorkTest : public testing::Test {
 protected:
  LongWorkTest() {
    for (uint64_t account = 1; account <= 4; ++account) Open(account);
  }

  void Open(uint64_t account, bool cancel_on_disconnect = false) {
    Apply(OpenSession{AccountId(account), cancel_on_disconnect});
    sessions_[account] = result_.groups[0].session;
    next_[account] = 1;
  }

  const std::vector<Event>& Apply(Group group) {
    exchange_.Apply({.time = ++time_, .groups = {std::move(group)}}, &result_);
    return result_.events;
  }
  const std::vector<Event>& Run(uint64_t account, std::vector<Command> commands) {
    const uint64_t first = next_[account];
    next_[account] += commands.size();
    return Apply(SessionCommands{sessions_[account], first, first - 1, std::move(commands)});
  }
  const std::vector<Event>& Run(uint64_t account, Command command) {
    return Run(account, std::vector<Command>{std::move(command)});
  }
  const std::vector<Event>& Tick() {
    exchange_.Apply({.time = ++time_, .groups = {}}, &result_);
    return result_.events;
  }
  void AddSymbol(const std::string& name, Phase phase) {
    Run(1, exchange::AddSymbol{
               .name = name, .tick_size = {1, -2}, .lot_size = {1, 0}, .phase = phase});
  }
  static NewOrder Limit(Side side, uint64_t id, Quantity quantity, Price price,
                        SymbolId symbol = kSymbol) {
    return {.symbol = symbol,
            .client_order_id = ClientOrderId(id),
            .side = side,
            .price = price,
            .quantity = quantity};
  }
  // `count` orders with ids from `first` on.
  void Rest(uint64_t account, Side side, uint64_t first, uint64_t count, Price price,
            SymbolId symbol = kSymbol) {
    std::vector<Command> commands;
    for (uint64_t i = 0; i < count; ++i) {
      commands.emplace_back(Limit(side, first + i, 1, price, symbol));
      if (commands.size() == 1'000) Run(account, std::exchange(commands, {}));
    }
    if (!commands.empty()) Run(account, std::move(commands));
  }
  bool Busy(SymbolId symbol = kSymbol) const { return exchange_.FindSymbol(symbol)->busy; }
  void SaveAndRestore() {
    const std::string bytes = exchange_.Snapshot();
    absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
    ASSERT_TRUE(restored.ok()) << restored.status();
    exchange_ = *std::move(restored);
    ASSERT_EQ(exchange_.Snapshot(), bytes);
  }
  static std::vector<Event> OfType(const std::vector<Event>& events, EventType type) {
    std::vector<Event> found;
    std::ranges::copy_if(events, std::back_inserter(found),
                         [&](const Event& event) { return event.type == type; });
    return found;
  }

  Exchange exchange_;
  ApplyResult result_;
  Time time_ = 0;
  std::map<uint64_t, SessionId> sessions_;  // by account
  std::map<uint64_t, uint64_t> next_;
};

// An auction pauses, three steps on; then what still sells at its price is cancelled, while 105
// meets 103.
TEST_F(LongWorkTest, AnAuctionThatLosesItsPriceFindsAnother) {
  constexpr uint64_t kMany = 3 * kMaxStepEvents + 1'000;
  AddSymbol("A", Phase::kOpeningAuction);
  Rest(1, Side::kBuy, 1, kMany, 105);
  Rest(2, Side::kSell, 1, kMany, 100);
  Rest(3, Side::kSell, 1, 5, 103);
  Run(4, SetPhase{kSymbol, Phase::kContinuous, 0});
  ASSERT_TRUE(Busy());
  EXPECT_TRUE(OfType(result_.events, EventType::kUncrossed).empty());
  SaveAndRestore();

  Run(2, MassCancel{});
  ASSERT_FALSE(Busy());
  const std::vector<Event> uncrossed = OfType(result_.events, EventType::kUncrossed);
  ASSERT_EQ(uncrossed.size(), 2u);
  EXPECT_EQ(uncrossed[0].price, 101);
  EXPECT_EQ(uncrossed[0].quantity, 3 * Quantity{kMaxStepEvents});
  EXPECT_EQ(uncrossed[1].price, 105);  // more is bought
  EXPECT_EQ(uncrossed[1].quantity, 5);
  EXPECT_EQ(exchange_.FindSymbol(kSymbol)->reference_price, 105);
  EXPECT_TRUE(exchange_.GetDepth(kSymbol, 10).asks.empty());
  SaveAndRestore();
}

// A close that takes several steps keeps the reference price that came with it.
TEST_F(LongWorkTest, AGivenReferencePriceOutlivesALongClose) {
  constexpr uint64_t kMany = 4 * kMaxStepEvents;
  AddSymbol("A", Phase::kClosingAuction);
  Rest(1, Side::kBuy, 1, kMany, 100);
  Rest(2, Side::kSell, 1, kMany, 100);
  Run(4, SetPhase{kSymbol, Phase::kClosed, 90});
  ASSERT_TRUE(Busy());
  SaveAndRestore();
  while (Busy()) Tick();
  EXPECT_EQ(exchange_.Summary(kSymbol)->last, 100);
  EXPECT_EQ(exchange_.FindSymbol(kSymbol)->reference_price, 90);
}

// Two auctions are too much for one step each, and so are the orders of an account: they go on
// turn by turn, and stops of another symbol do not wait for their end.
TEST_F(LongWorkTest, WorkTakesTurnsAndLeavesRoomForTriggeredStops) {
  constexpr uint64_t kMany = 5 * kMaxStepEvents;
  for (const uint32_t symbol : {1u, 2u}) {
    AddSymbol("S" + std::to_string(symbol), Phase::kOpeningAuction);
    Rest(1, Side::kBuy, 1, kMany, 100, SymbolId(symbol));
    Rest(2, Side::kSell, 1, kMany, 100, SymbolId(symbol));
  }
  AddSymbol("S3", Phase::kContinuous);
  const SymbolId third(3);
  Run(3, SpecialOrder{{.symbol = third,
                       .client_order_id = ClientOrderId(1),
                       .type = OrderType::kStop,
                       .quantity = 1},
                      {.stop_price = 100}});
  Run(3, Limit(Side::kSell, 2, 1, 100, third));
  for (const uint32_t symbol : {1u, 2u}) {
    Run(4, SetPhase{SymbolId(symbol), Phase::kContinuous, 0});
  }
  ASSERT_TRUE(Busy(SymbolId(1)) && Busy(SymbolId(2)));

  Run(4, Limit(Side::kBuy, 1, 1, 100, third));
  EXPECT_EQ(OfType(result_.events, EventType::kOrderTriggered).size(), 1u);
  std::array<uint32_t, 2> traded{};
  for (int batch = 0; batch < 2; ++batch) {
    for (const Event& event : OfType(Tick(), EventType::kTrade)) ++traded[event.symbol.value() - 1];
  }
  EXPECT_GT(traded[0], 0u);
  EXPECT_GT(traded[1], 0u);
  while (Busy(SymbolId(1)) || Busy(SymbolId(2))) ASSERT_LE(Tick().size(), kMaxStepEvents + 8u);
  EXPECT_EQ(exchange_.open_orders(), 0u);
}

// Or whoever enters orders at many prices would make each batch slow that is looked at.
TEST_F(LongWorkTest, TheIndicativePriceOfVeryManyPricesIsNotTold) {
  AddSymbol("A", Phase::kPreOpen);
  constexpr Price kMany = Exchange::kMaxCrossingPrices;
  uint64_t id = 0;
  // The prices of a side, each of one lot, from one to another.
  const auto enter = [&](Side side, Price from, Price to) {
    std::vector<Command> commands;
    for (Price price = from; price <= to; ++price) {
      commands.emplace_back(Limit(side, ++id, 1, price));
      if (commands.size() == 1'000 || price == to) Run(1, std::exchange(commands, {}));
    }
  };
  enter(Side::kSell, 1, kMany + 100);
  Run(1, Limit(Side::kBuy, ++id, 50, kMany));
  ASSERT_TRUE(exchange_.Indicative(kSymbol).has_value());
  EXPECT_EQ(exchange_.Indicative(kSymbol)->volume, 50) << "prices that do not cross do not count";
  Run(1, Limit(Side::kBuy, ++id, 1, kMany + 1));
  EXPECT_EQ(exchange_.Indicative(kSymbol), std::nullopt);
  Run(1, CancelOrder{kSymbol, ClientOrderId(id)});
  EXPECT_EQ(exchange_.Indicative(kSymbol)->volume, 50);
  Run(1, CancelOrder{kSymbol, ClientOrderId(kMany)});  // so that no more than may be sell
  enter(Side::kBuy, 1, kMany + 1);
  EXPECT_EQ(exchange_.Indicative(kSymbol), std::nullopt) << "too many buy";
  Run(1, SetPhase{kSymbol, Phase::kContinuous, 0});
  EXPECT_EQ(OfType(result_.events, EventType::kUncrossed).size(), 1u) << "it ends all the same";
}

TEST_F(LongWorkTest, ABusySymbolTakesCancelsAlone) {
  constexpr uint64_t kMany = 12 * kMaxStepEvents;
  AddSymbol("A", Phase::kOpeningAuction);
  Rest(1, Side::kBuy, 1, kMany, 100);
  Rest(2, Side::kSell, 1, kMany, 100);
  Run(3, Limit(Side::kBuy, 1, 5, 90));
  Run(4, SetPhase{kSymbol, Phase::kContinuous, 0});
  EXPECT_EQ(exchange_.Indicative(kSymbol), std::nullopt);

  Run(3, std::vector<Command>{
             Limit(Side::kBuy, 2, 1, 90), ReplaceOrder{kSymbol, ClientOrderId(1), 91, 5},
             SetPhase{kSymbol, Phase::kHalt, 0}, DelistSymbol{kSymbol},
             ReduceOrder{kSymbol, ClientOrderId(1), 1}, CancelOrder{kSymbol, ClientOrderId(1)}});
  ASSERT_TRUE(Busy());
  ASSERT_EQ(result_.commands.size(), 6u);
  const auto answer = [&](size_t i) { return result_.events[result_.commands[i].first_event]; };
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(answer(i).reason, Reason::kSymbolBusy) << answer(i);
  EXPECT_EQ(answer(4).type, EventType::kOrderReduced);
  EXPECT_EQ(answer(5).type, EventType::kOrderCanceled);
}

// What came before a sweep goes, in steps, through a snapshot too; what comes later stays.
TEST_F(LongWorkTest, SweepsGoOnInLaterBatchesAndSpareLaterOrders) {
  constexpr uint64_t kMany = 3 * kMaxStepEvents;
  AddSymbol("A", Phase::kContinuous);
  const auto sweep = [&](const Command& command, Reason reason) {
    Rest(1, Side::kBuy, 1, kMany, 100);
    Rest(2, Side::kBuy, 1, 2, 100);
    Run(2, command);
    const Event last = result_.events[result_.commands[0].event_count - 1];
    EXPECT_GT(exchange_.open_orders(), kMany / 4) << "no more than a step";
    EXPECT_EQ(exchange_.NextDeadline(), exchange_.time());
    SaveAndRestore();
    for (int batch = 0; batch < 4 && exchange_.NextDeadline().has_value(); ++batch) {
      for (const Event& event : Tick()) EXPECT_EQ(event.reason, reason) << event;
      EXPECT_LE(result_.events.size(), kMaxStepEvents);
    }
    EXPECT_EQ(exchange_.open_orders(), reason == Reason::kDelisted ? 0u : 2u);
    EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
    return last;
  };
  const Event canceled = sweep(MassCancel{AccountId(1), SymbolId(), Side{}}, Reason::kMassCanceled);
  EXPECT_EQ(canceled.type, EventType::kMassCanceled);
  EXPECT_EQ(canceled.leaves, 1);
  EXPECT_EQ(canceled.quantity, kMaxStepEvents);
  Run(2, MassCancel{});
  EXPECT_EQ(result_.events[result_.commands[0].event_count - 1].leaves, 0);
  sweep(SetKillSwitch{AccountId(1), true}, Reason::kKillSwitch);
  Run(2, std::vector<Command>{MassCancel{}, SetKillSwitch{AccountId(1), false}});
  sweep(DelistSymbol{kSymbol}, Reason::kDelisted);
  EXPECT_FALSE(Busy());
}

// The orders of a blocked account that are still open may only be taken back.
TEST_F(LongWorkTest, ABlockedAccountReplacesNothing) {
  constexpr uint64_t kMany = 8 * kMaxStepEvents;
  AddSymbol("A", Phase::kContinuous);
  Rest(1, Side::kBuy, 1, kMany, 100);
  Run(2, SetKillSwitch{AccountId(1), true});
  Run(1, std::vector<Command>{ReplaceOrder{kSymbol, ClientOrderId(kMany), 101, 1},
                              Limit(Side::kBuy, kMany + 1, 1, 100),
                              CancelOrder{kSymbol, ClientOrderId(kMany)}});
  const auto answer = [&](size_t i) { return result_.events[result_.commands[i].first_event]; };
  EXPECT_EQ(answer(0).reason, Reason::kAccountBlocked);
  EXPECT_EQ(answer(1).reason, Reason::kAccountBlocked);
  EXPECT_EQ(answer(2).type, EventType::kOrderCanceled);
  EXPECT_EQ(answer(2).reason, Reason::kRequested);
}

TEST_F(LongWorkTest, OrdersThatComeDuringAMassCancelStay) {
  AddSymbol("A", Phase::kContinuous);
  Rest(1, Side::kBuy, 1, 4 * kMaxStepEvents, 100);
  Run(1, std::vector<Command>{MassCancel{}, Limit(Side::kBuy, 900'000, 1, 100)});
  while (exchange_.NextDeadline().has_value()) Tick();
  EXPECT_EQ(exchange_.open_orders(), 1u);
  // The second of two that overlap takes what came between them.
  Rest(1, Side::kBuy, 1, 4 * kMaxStepEvents, 100);
  Run(1, std::vector<Command>{MassCancel{}, Limit(Side::kBuy, 900'001, 1, 100), MassCancel{}});
  while (exchange_.NextDeadline().has_value()) Tick();
  EXPECT_EQ(exchange_.open_orders(), 0u);
}

// Stops that one trade triggered have their turns in steps, through a snapshot too.
TEST_F(LongWorkTest, TriggeredStopsGoOnInLaterBatches) {
  AddSymbol("A", Phase::kContinuous);
  for (uint64_t id = 1; id <= kMaxStops; ++id) {
    Run(1, SpecialOrder{{.symbol = kSymbol,
                         .client_order_id = ClientOrderId(id),
                         .type = OrderType::kStop,
                         .quantity = 1},
                        {.stop_price = 100}});
  }
  Run(2, Limit(Side::kSell, 1, 1, 100));
  Run(3, Limit(Side::kBuy, 1, 1, 100));
  for (uint64_t left = kMaxStops; left > 0;) {
    const size_t turns = OfType(result_.events, EventType::kOrderTriggered).size();
    ASSERT_EQ(turns, kMaxStepEvents / 2u);
    left -= turns;
    ASSERT_EQ(exchange_.open_orders(), left);
    SaveAndRestore();
    Tick();
  }
  EXPECT_TRUE(result_.events.empty());
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
}

// Counting what they could execute is as much work as that many fills, after each command.
TEST_F(LongWorkTest, AllOrNoneOrdersThatTakeLongToCountLetOthersWait) {
  AddSymbol("A", Phase::kContinuous);
  const auto all_or_none = [](uint64_t id, Quantity quantity, Price price) {
    return SpecialOrder{Limit(Side::kBuy, id, quantity, price), {.all_or_none = true}};
  };
  constexpr Quantity kParts = kMaxDisplays;
  constexpr uint64_t kIcebergs = kMaxFillsPerCommand / kMaxDisplays + 1;
  Run(1, all_or_none(1, kMaxFillsPerCommand + 2, 101));
  Run(1, all_or_none(2, 1, 100));
  for (uint64_t id = 1; id <= kIcebergs; ++id) {
    Run(2, SpecialOrder{Limit(Side::kSell, id, kParts, 101), {.display = 1}});
  }
  // The first finds enough, but in more parts than one order may trade with: the second is not
  // seen.
  EXPECT_TRUE(OfType(Run(3, Limit(Side::kSell, 1, 1, 100)), EventType::kTrade).empty());
  // Without the last iceberg there is too little for the first, which one look tells.
  const std::vector<Event> trades =
      OfType(Run(2, CancelOrder{kSymbol, ClientOrderId(kIcebergs)}), EventType::kTrade);
  ASSERT_EQ(trades.size(), 1u);
  EXPECT_EQ(trades[0].client_order_id, ClientOrderId(2));
}

// What is counted in vain causes no events: it is bounded by itself, and holds up nobody else.
TEST_F(LongWorkTest, OrdersThatAreCountedBeforeTheyTradeArePutOff) {
  constexpr uint64_t kFit = kMaxBatchCounts / kMaxFillsPerCommand;
  AddSymbol("A", Phase::kContinuous);
  Rest(1, Side::kSell, 1, kMaxFillsPerCommand + 10, 100);
  for (const bool plain : {true, false}) {
    // There is enough, but in one fill too many.
    NewOrder hopeless = Limit(Side::kBuy, 1, kMaxFillsPerCommand + 1, 100);
    hopeless.time_in_force = TimeInForce::kFillOrKill;
    if (!plain) hopeless.self_trade = SelfTrade::kCancelTaker;
    NewOrder minimum = Limit(Side::kBuy, 2, 5, 100);
    const SpecialOrder wants_two{minimum, {.minimum = 2}};
    const SpecialOrder wants_all{minimum, {.all_or_none = true}};
    const auto group = [&](uint64_t account, std::vector<Command> commands) {
      return SessionCommands{sessions_[account], next_[account], next_[account] - 1,
                             std::move(commands)};
    };
    const Batch batch{++time_,
                      {group(2, std::vector<Command>(kFit + 3, hopeless)),
                       group(3, {Limit(Side::kBuy, 1, 1, 100), wants_two}), group(4, {wants_all})}};
    absl::StatusOr<Exchange> twin = Exchange::Restore(exchange_.Snapshot());
    ASSERT_TRUE(twin.ok());
    exchange_.Apply(batch, &result_);
    EXPECT_EQ(result_.groups[0].status, SessionStatus::kBatchFull);
    EXPECT_EQ(result_.groups[0].command_count, kFit);
    EXPECT_EQ(result_.groups[1].status, SessionStatus::kBatchFull);
    EXPECT_EQ(result_.groups[1].command_count, 1u) << "what asks for no count goes on";
    EXPECT_EQ(result_.groups[2].command_count, 0u);
    for (const size_t i : {0, 1, 2}) next_[i + 2] += result_.groups[i].command_count;
    EXPECT_EQ(OfType(result_.events, EventType::kTrade).size(), 1u);
    EXPECT_EQ(OfType(result_.events, EventType::kOrderCanceled).size(), kFit);
    twin->Apply(batch, &result_);
    EXPECT_EQ(twin->Snapshot(), exchange_.Snapshot());
    // The next batch counts anew.
    EXPECT_EQ(OfType(Run(3, wants_two), EventType::kTrade).size(), 5u);
  }
}

// One all-or-none order that reaches far into a deep book is looked for at each change of it.
TEST_F(LongWorkTest, AllOrNoneOrdersOfADeepBookWaitForTheNextBatch) {
  constexpr uint64_t kPrices = kMaxFillsPerCommand;
  AddSymbol("A", Phase::kContinuous);
  const auto all_or_none = [](uint64_t id, Quantity quantity, Price price) {
    return SpecialOrder{Limit(Side::kBuy, id, quantity, price), {.all_or_none = true}};
  };
  for (uint64_t id = 1; id <= kPrices; ++id) {
    Run(1, Limit(Side::kSell, id, 1, 1'000 + static_cast<Price>(id)));
  }
  Run(3, all_or_none(1, kMaxQuantity, kMaxPrice));
  Run(3, all_or_none(2, 5, 99));
  Run(4, SpecialOrder{{.symbol = kSymbol,
                       .client_order_id = ClientOrderId(1),
                       .side = Side::kSell,
                       .type = OrderType::kStop,
                       .quantity = 1},
                      {.stop_price = 98}});
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);

  std::vector<Command> commands;
  for (uint64_t id = 1; id <= kMaxParkedCounts / kPrices; ++id) {
    commands.emplace_back(Limit(Side::kSell, id, 1, 900'000));
  }
  commands.emplace_back(Limit(Side::kSell, 101, 1, 98));
  commands.emplace_back(Limit(Side::kBuy, 102, 1, 98));
  commands.emplace_back(Limit(Side::kSell, 103, 5, 99));
  const size_t count = commands.size();
  Run(2, std::move(commands));
  EXPECT_EQ(result_.commands.size(), count) << "commands do not wait";
  const std::vector<Event> triggered = OfType(result_.events, EventType::kOrderTriggered);
  ASSERT_EQ(triggered.size(), 1u);
  EXPECT_EQ(triggered[0].account, AccountId(4)) << "nor do stops";
  EXPECT_EQ(exchange_.NextDeadline(), exchange_.time());
  SaveAndRestore();
  const std::vector<Event> trades = OfType(Tick(), EventType::kTrade);
  ASSERT_EQ(trades.size(), 1u);
  EXPECT_EQ(trades[0].account, AccountId(3));
  EXPECT_EQ(trades[0].quantity, 5);
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
}

// Passing the lists of orders that came later, in vain, is bounded too.
TEST_F(LongWorkTest, LostSessionsOfAnAccountWithOrdersEverywhereTakeTheirTime) {
  constexpr uint32_t kSymbols = 2'000;
  constexpr uint64_t kLost = kMaxBatchCounts / kSymbols + 10;
  const AccountId account(1);
  std::vector<Command> commands;
  for (uint32_t i = 1; i <= kSymbols; ++i) {
    commands.emplace_back(exchange::AddSymbol{"S" + std::to_string(i), {1, -2}, {1, 0}});
  }
  Run(1, std::exchange(commands, {}));
  const SymbolId last(kSymbols);
  std::vector<Group> lost;
  for (uint64_t i = 1; i <= kLost; ++i) {
    Apply(OpenSession{account, /*cancel_on_disconnect=*/true});
    const SessionId session = result_.groups[0].session;
    lost.emplace_back(SessionLost{session});
    Apply(SessionCommands{session, 1, 0, {Limit(Side::kBuy, i, 1, 10, last)}});
    if (i < kLost) Run(1, CancelOrder{last, ClientOrderId(i)});
  }
  for (uint32_t i = 1; i <= kSymbols; ++i) {
    commands.emplace_back(Limit(Side::kBuy, 10'000, 1, 10, SymbolId(i)));
  }
  Run(1, std::move(commands));
  // Nor does a command behind them go on with what is to wait for the next batch.
  Open(3, /*cancel_on_disconnect=*/true);
  Run(3, Limit(Side::kBuy, 1, 1, 10, last));
  lost.emplace_back(SessionLost{sessions_[3]});
  lost.emplace_back(SessionCommands{sessions_[2], 1, 0, {Limit(Side::kBuy, 1, 1, 10, last)}});
  exchange_.Apply({++time_, std::move(lost)}, &result_);
  ASSERT_EQ(result_.events.size(), 1u);
  EXPECT_EQ(result_.events[0].type, EventType::kOrderAccepted);
  EXPECT_EQ(exchange_.NextDeadline(), exchange_.time());
  SaveAndRestore();
  const std::vector<Event> canceled = OfType(Tick(), EventType::kOrderCanceled);
  ASSERT_EQ(canceled.size(), 2u);
  EXPECT_EQ(canceled[0].client_order_id, ClientOrderId(kLost));
  EXPECT_EQ(canceled[1].account, AccountId(3));
  EXPECT_EQ(exchange_.open_orders(), kSymbols + 1);
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
}

// It waited because of too many fills in front of what it wants.
TEST_F(LongWorkTest, AReducedIcebergLetsAnAllOrNoneOrderTrade) {
  constexpr Quantity kParts = 1'024;
  AddSymbol("A", Phase::kContinuous);
  for (uint64_t id = 1; id <= kMaxFillsPerCommand / kParts + 1; ++id) {
    Run(1, SpecialOrder{Limit(Side::kSell, id, kParts, 100), {.display = 1}});
  }
  Run(1, Limit(Side::kSell, 100, 1'000'000, 101));
  Run(2, SpecialOrder{Limit(Side::kBuy, 1, 500'000, 101), {.all_or_none = true}});
  ASSERT_TRUE(OfType(result_.events, EventType::kTrade).empty());
  Run(1, ReduceOrder{kSymbol, ClientOrderId(1), kParts - 1});
  EXPECT_TRUE(OfType(result_.events, EventType::kTrade).empty()) << "one part too many";
  Run(1, ReduceOrder{kSymbol, ClientOrderId(2), kParts - 1});
  Quantity traded = 0;
  for (const Event& trade : OfType(result_.events, EventType::kTrade)) traded += trade.quantity;
  EXPECT_EQ(traded, 500'000);
}

TEST_F(LongWorkTest, OrdersExpireInSteps) {
  constexpr uint64_t kMany = 2 * kMaxStepEvents + 5;
  AddSymbol("A", Phase::kContinuous);
  std::vector<Command> commands;
  for (uint64_t id = 1; id <= kMany; ++id) {
    NewOrder order = Limit(Side::kBuy, id, 1, 100);
    order.time_in_force = TimeInForce::kGoodTillTime;
    commands.emplace_back(SpecialOrder{order, {.expires = 1'000}});
    if (commands.size() == 1'000 || id == kMany) Run(1, std::exchange(commands, {}));
  }
  EXPECT_EQ(exchange_.NextDeadline(), 1'000);
  time_ = 999;
  EXPECT_EQ(Tick().size(), kMaxStepEvents);
  EXPECT_EQ(exchange_.NextDeadline(), 1'000);
  EXPECT_EQ(Tick().size(), kMaxStepEvents);
  EXPECT_EQ(Tick().size(), 5u);
  EXPECT_EQ(exchange_.NextDeadline(), std::nullopt);
}

TEST_F(LongWorkTest, AFullBatchPutsOffWhatLostSessionsCancel) {
  constexpr uint64_t kFull = kMaxBatchEvents / kMaxStepEvents;
  AddSymbol("A", Phase::kContinuous);
  Batch lost{.time = 1'000, .groups = {}};
  for (uint64_t account = 11; account <= 11 + kFull; ++account) {
    Open(account, /*cancel_on_disconnect=*/true);
    lost.groups.emplace_back(SessionLost{sessions_[account]});
    Rest(account, Side::kBuy, 1, kMaxStepEvents, 100);
  }
  Batch repeated = lost;
  repeated.groups.insert(repeated.groups.end(), 10, lost.groups.back());
  absl::StatusOr<Exchange> twin = Exchange::Restore(exchange_.Snapshot());
  ASSERT_TRUE(twin.ok());
  exchange_.Apply(lost, &result_);
  EXPECT_EQ(result_.events.size(), kMaxBatchEvents);
  EXPECT_EQ(exchange_.open_orders(), kMaxStepEvents);
  EXPECT_EQ(exchange_.NextDeadline(), lost.time);
  twin->Apply(repeated, &result_);
  EXPECT_EQ(result_.events.size(), kMaxBatchEvents);
  EXPECT_EQ(twin->Snapshot().size(), exchange_.Snapshot().size()) << "jobs pile up";
  SaveAndRestore();
  EXPECT_EQ(OfType(Tick(), EventType::kOrderCanceled).size(), kMaxStepEvents);
  EXPECT_EQ(exchange_.open_orders(), 0u);
}

}  // namespace
}  // namespace quorumbook::exchange
