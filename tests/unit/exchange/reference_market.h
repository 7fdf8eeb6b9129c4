// A slow market that is right by looking at it: what the real one is compared with.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

class ReferenceMarket {
 public:
  // The events of one command.
  std::vector<Event> Execute(AccountId account, const Command& command, Time time);

  // As the views of Exchange.
  std::vector<OrderInfo> GetOrders(SymbolId symbol, Side side) const;
  std::vector<LevelInfo> GetLevels(SymbolId symbol, Side side) const;
  const OrderInfo* FindOrder(const OrderName& name) const;
  MarketSummary Summary(SymbolId symbol) const;
  std::vector<TradeInfo> RecentTrades(SymbolId symbol) const;

  size_t symbols() const { return markets_.size(); }
  size_t open_orders() const;
  const std::map<std::tuple<AccountId, SymbolId, ClientOrderId>, OrderInfo>& orders() const {
    return orders_;
  }

 private:
  using Name = std::tuple<AccountId, SymbolId, ClientOrderId>;
  struct SymbolMarket {
    AddSymbol added;
    std::map<Price, std::list<Name>> bids, asks;
    std::deque<TradeInfo> trades;  // all of them
  };

  void Run(const AddSymbol& command);
  void Run(const NewOrder& command);
  void Run(const CancelOrder& command);
  void Run(const ReduceOrder& command);
  void Run(const ReplaceOrder& command);
  template <typename Other>
  void Run(const Other&) {}

  SymbolMarket* Market(SymbolId id);
  std::map<Price, std::list<Name>>& SideOf(const OrderInfo& order);
  // The best resting order that `taker` may trade with, or nullptr.
  OrderInfo* BestMaker(const OrderInfo& taker);
  bool CanFill(const OrderInfo& taker);
  void Match(OrderInfo* taker);
  void Leave(const OrderInfo& order);
  void Finish(OrderInfo* order, OrderStatus status, Reason reason);
  void Cancel(OrderInfo* order, Reason reason);
  void Reject(Reason reason, const Event& as);
  // The open order that a command names, or nullptr after having refused it.
  OrderInfo* Open(SymbolId symbol, ClientOrderId id, const Event& rejection);
  Event& Emit(EventType type);
  Event& EmitOrder(EventType type, const OrderInfo& order, Quantity quantity);

  std::vector<SymbolMarket> markets_;
  std::map<Name, OrderInfo> orders_;   // open, and finished while remembered
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
