// A slow market that is right by looking at it: what the real one is compared with. It keeps no
// indexes, no running sums and nothing that is held: it looks at all orders whenever it needs to
// know. Steps of longer work are not in it: comparisons stay below kMaxStepEvents.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

class ReferenceMarket {
 public:
  using Name = std::tuple<AccountId, SymbolId, ClientOrderId>;

  // The events of one command, and of what has its turn after it.
  std::vector<Event> Execute(AccountId account, const Command& command, Time time);
  // Those of the time that has passed; of a lost session.
  std::vector<Event> BeginBatch(Time time);
  std::vector<Event> Disconnect(AccountId account, Time time);

  // The same again.
  const std::vector<Event>& last_events() const { return events_; }

  // As the views of Exchange.
  std::vector<OrderInfo> GetOrders(SymbolId symbol, Side side) const;
  std::vector<LevelInfo> GetLevels(SymbolId symbol, Side side) const;
  std::optional<OrderInfo> FindOrder(const OrderName& name) const;
  MarketSummary Summary(SymbolId symbol) const;
  std::vector<TradeInfo> RecentTrades(SymbolId symbol) const;
  std::vector<Candle> Candles(SymbolId symbol, CandleInterval interval) const;
  std::optional<AuctionInfo> Indicative(SymbolId symbol) const;
  SymbolInfo FindSymbol(SymbolId symbol) const;
  AccountInfo FindAccount(AccountId account) const;  // with a balance of each asset there is
  AssetInfo FindAsset(AssetId asset) const;
  Phase phase(SymbolId symbol) const { return markets_.at(symbol.value() - 1).phase; }
  // All of an asset that an account has, and what of it open orders hold.
  Amount Total(AccountId account, AssetId asset) const;
  Amount Held(AccountId account, AssetId asset) const;
  Amount Fees(AssetId asset) const { return assets_.at(asset.value() - 1).fees; }

  size_t symbols() const { return markets_.size(); }
  size_t assets() const { return assets_.size(); }
  size_t open_orders() const;
  const std::map<Name, OrderInfo>& orders() const { return orders_; }

 private:
  using Side2Queues = std::map<Price, std::list<Name>>;
  struct SymbolMarket {
    AddSymbol added;
    SymbolRules rules;
    Phase phase = Phase::kContinuous;
    Price reference = 0;
    bool delisted = false;
    Side2Queues bids, asks;
    std::vector<Name> parked;      // in any order
    std::vector<Name> triggered;   // of those, in the order of their turn
    std::deque<TradeInfo> trades;  // all of them
  };
  struct Asset {
    AddAsset added;
    Amount deposited = 0;
    Amount fees = 0;
  };
  struct Account {
    AccountLimits limits;
    bool blocked = false;
    std::map<AssetId, Amount> total;
    std::map<AssetId, Amount> position_limit;
  };
  struct Band {
    Price low = 1, high = kMaxPrice;
    bool any = false;
  };

  // reference_market.cc
  void Run(const CancelOrder& command);
  void Run(const ReduceOrder& command);
  void Run(const ReplaceOrder& command);
  void Run(const MassCancel& command);
  SymbolMarket* Market(SymbolId id);
  const SymbolMarket* Market(SymbolId id) const;
  Side2Queues& SideOf(const OrderInfo& order);
  void Rest(OrderInfo* order);
  void Leave(OrderInfo* order);  // the book, or the parked ones
  void Finish(OrderInfo* order, OrderStatus status, Reason reason);
  void Cancel(OrderInfo* order, Reason reason);        // one that is in no queue
  void CancelQueued(OrderInfo* order, Reason reason);  // one that is
  void CancelAll(const std::vector<Name>& names, Reason reason);
  std::vector<Name> OrdersOf(AccountId account, SymbolId symbol, Side side);
  std::vector<Name> QueuedIn(SymbolId symbol);  // by priority: bids, asks, parked
  std::vector<Name> ParkedIn(SymbolId symbol);
  void Reject(Reason reason, const Event& as);
  // The open order that a command names, or nullptr after having refused it.
  OrderInfo* Open(SymbolId symbol, ClientOrderId id, const Event& rejection);
  Event& Emit(EventType type);
  Event& EmitOrder(EventType type, const OrderInfo& order, Quantity quantity);

  // reference_orders.cc
  void Run(const NewOrder& command) { Enter(command, {}); }
  void Run(const SpecialOrder& command) { Enter(command.order, command.terms); }
  void Enter(const NewOrder& command, const OrderTerms& terms);
  Reason Check(const NewOrder& command, OrderInfo* order) const;
  Reason CheckTerms(const NewOrder& command, const OrderTerms& terms) const;
  Reason CheckMarket(const SymbolMarket& market, OrderInfo* order) const;
  Reason CheckFunds(const SymbolMarket& market, const OrderInfo& order,
                    const OrderInfo* replaced) const;
  Reason CheckReplace(const OrderInfo& order, const ReplaceOrder& command) const;
  static Price LastPrice(const SymbolMarket& market) {
    return market.trades.empty() ? 0 : market.trades.back().price;
  }
  // The dynamic band around `last`, or with none around the reference price.
  Band BandOf(const SymbolMarket& market, Price last) const;
  Price Protection(const Band& band, Side side, Price from, Price ticks) const;

  // reference_matching.cc
  OrderInfo* BestMaker(const OrderInfo& taker);
  Quantity Executable(const OrderInfo& taker) const;
  void Match(OrderInfo* taker);
  bool PreventSelfTrade(OrderInfo* taker, OrderInfo* maker);
  void Trade(OrderInfo* taker, OrderInfo* maker, Price price, bool auction);
  void AfterFill(OrderInfo* order);
  void OnTrade(SymbolMarket* market, Price price);
  void RunParked();
  void Activate(OrderInfo* order);
  AuctionInfo FindAuctionPrice(const SymbolMarket& market) const;
  void Uncross(SymbolId symbol);

  // reference_accounts.cc
  void Run(const AddSymbol& command);
  void Run(const SetSymbolRules& command);
  void Run(const SetPhase& command);
  void Run(const DelistSymbol& command);
  void Run(const AddAsset& command);
  void Run(const Deposit& command);
  void Run(const Withdraw& command);
  void Run(const SetAccountLimits& command);
  void Run(const SetPositionLimit& command);
  void Run(const SetKillSwitch& command);
  Reason SymbolProblem(SymbolId symbol) const;
  void Settle(const SymbolMarket& market, OrderInfo* buyer, OrderInfo* seller, Event* trade,
              bool auction);
  static bool Funded(const SymbolMarket& market) { return market.added.base.value() != 0; }
  Amount BaseScale(const SymbolMarket& market) const;
  Amount QuoteScale(const SymbolMarket& market) const;

  std::vector<SymbolMarket> markets_;
  std::vector<Asset> assets_;
  std::map<AccountId, Account> accounts_;
  std::map<Name, OrderInfo> orders_;   // open, and finished while remembered
  std::set<Name> timed_;               // those that were ever good till time
  std::map<uint64_t, Name> finished_;  // by when, so oldest first
  std::map<Name, uint64_t> finished_when_;
  uint64_t finished_ever_ = 0;
  uint64_t last_sequence_ = 0;
  uint64_t last_order_id_ = 0;
  // Of the command being executed.
  AccountId account_;
  CommandKind kind_ = CommandKind::kNewOrder;
  Time time_ = 0;
  std::vector<Event> events_;
};

}  // namespace quorumbook::exchange
