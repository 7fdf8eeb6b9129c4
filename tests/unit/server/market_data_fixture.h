// A market, its feed, subscribers that keep what they are sent, and random commands.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/market_data_feed.h"

namespace quorumbook::server {

using exchange::AccountId;
using exchange::ClientOrderId;
using exchange::OrderType;
using exchange::Phase;
using exchange::Side;
using exchange::SymbolId;
using exchange::TimeInForce;
using v1::SubscribeRequest;

// Keeps what it is sent, as a stream numbers it.
class Recorder final : public MarketDataSubscriber {
 public:
  size_t OnUpdate(const SharedUpdate& bytes, bool snapshot) override {
    v1::MarketDataUpdate update;
    EXPECT_TRUE(update.ParseFromString(*bytes));
    EXPECT_EQ(update.snapshot(), snapshot);
    EXPECT_EQ(update.sequence(), 0u) << "is the stream's to give";
    update.set_sequence(++sequence_);
    updates.push_back(std::move(update));
    return dropping;
  }
  size_t Behind() const override { return behind; }
  void OnEnd(const Refusal& refusal) override { ended = refusal.code; }

  std::vector<v1::MarketDataUpdate> updates;
  RefusalCode ended = RefusalCode::kNone;
  size_t behind = 0;
  size_t dropping = 0;  // says so of each update

 private:
  uint64_t sequence_ = 0;
};

inline SubscribeRequest Request(SubscribeRequest::Channel channel, uint32_t depth = 0) {
  SubscribeRequest request;
  request.set_symbol("ABC");
  request.set_channel(channel);
  request.set_depth(depth);
  return request;
}

class MarketDataFeedTest : public testing::Test {
 protected:
  MarketDataFeedTest() {
    for (uint64_t account = 1; account <= kAccounts; ++account) {
      Apply({exchange::OpenSession{AccountId(account)}});
    }
    Send(1, {exchange::AddSymbol{"ABC", {1, 0}, {1, 0}, {}, {}, {}, Phase::kContinuous},
             exchange::AddSymbol{"OTHER", {1, 0}, {1, 0}, {}, {}, {}, Phase::kContinuous}});
  }

  void Apply(std::vector<exchange::Group> groups) {
    time_ += 7'000'000'000;
    exchange_.Apply(exchange::Batch{time_, std::move(groups)}, &result_);
    feed_.Applied(exchange_, result_);
  }
  void Send(uint64_t account, std::vector<exchange::Command> commands) {
    Apply({Message(account, std::move(commands))});
  }
  // The next commands of a session, which never says that it has results: any may come again.
  exchange::SessionCommands Message(uint64_t account, std::vector<exchange::Command> commands) {
    const uint64_t first = next_[account] + 1;
    next_[account] += commands.size();
    return {exchange::SessionId(account), first, 0, std::move(commands)};
  }
  static exchange::NewOrder Order(uint64_t id, Side side, exchange::Price price,
                                  exchange::Quantity quantity,
                                  TimeInForce tif = TimeInForce::kGoodTillCancel) {
    return {SymbolId(1), ClientOrderId(id), side, OrderType::kLimit, tif, price, quantity};
  }
  std::shared_ptr<Recorder> Add(const SubscribeRequest& request) {
    auto recorder = std::make_shared<Recorder>();
    feed_.Add(exchange_, request, recorder);
    return recorder;
  }

  static constexpr uint64_t kAccounts = 4;
  exchange::Exchange exchange_;
  exchange::ApplyResult result_;
  exchange::Time time_ = 0;
  std::map<uint64_t, uint64_t> next_;
  MarketDataFeed feed_{ShardId(3)};
};

// Random commands of every kind.
class RandomCommands {
 public:
  explicit RandomCommands(uint64_t seed) : random_(seed) {}

  exchange::Command Next() {
    switch (Draw(20)) {
      case 0:
        return exchange::MassCancel{{}, SymbolId(1), Draw(2) == 0 ? Side::kBuy : Side::kSell};
      case 1:
        return exchange::SetPhase{SymbolId(1), static_cast<Phase>(1 + Draw(6)), 50};
      case 2:
      case 3:
        return exchange::SetPhase{SymbolId(1), Phase::kContinuous, 50};
      case 4:
      case 5:
      case 6:
        return exchange::CancelOrder{SymbolId(1), Id()};
      case 7:
        return exchange::ReduceOrder{SymbolId(1), Id(), Amount()};
      case 8:
      case 9:
      case 10:
        return exchange::ReplaceOrder{SymbolId(1), Id(), Price(), Amount()};
      default:
        return NewOrder();
    }
  }
  uint64_t Draw(uint64_t bound) { return random_() % bound; }

 private:
  ClientOrderId Id() { return ClientOrderId(1 + Draw(30)); }
  exchange::Price Price() { return static_cast<exchange::Price>(40 + Draw(20)); }
  exchange::Quantity Amount() { return static_cast<exchange::Quantity>(1 + Draw(40)); }

  exchange::Command NewOrder() {
    exchange::NewOrder order{SymbolId(1),
                             Id(),
                             Draw(2) == 0 ? Side::kBuy : Side::kSell,
                             static_cast<OrderType>(1 + Draw(5)),
                             static_cast<TimeInForce>(1 + Draw(5)),
                             0,
                             Amount(),
                             static_cast<exchange::SelfTrade>(Draw(5)),
                             Draw(8) == 0};
    exchange::OrderTerms terms;
    if (Draw(3) > 0) order.type = OrderType::kLimit;
    if (order.type == OrderType::kLimit || order.type == OrderType::kStopLimit) {
      order.price = Price();
    }
    if (order.type == OrderType::kStop || order.type == OrderType::kStopLimit) {
      terms.stop_price = Price();
    }
    if (order.type == OrderType::kTrailingStop) terms.trail = 1 + static_cast<int64_t>(Draw(5));
    if (order.type != OrderType::kLimit) terms.protection = 10;
    if (order.time_in_force == TimeInForce::kGoodTillTime) {
      terms.expires = static_cast<exchange::Time>(Draw(20'000'000'000'000));
    }
    if (Draw(4) == 0) terms.display = 1 + static_cast<int64_t>(Draw(5));
    if (Draw(10) == 0) terms.minimum = 1;
    if (Draw(10) == 0) terms.all_or_none = true;
    return exchange::SpecialOrder{order, terms};
  }

  std::mt19937_64 random_;
};

}  // namespace quorumbook::server
