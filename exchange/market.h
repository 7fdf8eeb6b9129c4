// The market of a shard: executes commands, one at a time, whoever sent them and how often.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "exchange/book_side.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/order_table.h"
#include "exchange/symbol_table.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// On whose behalf a command runs, when, and where its events go.
struct CommandContext {
  AccountId account;
  Time time = 0;
  std::vector<Event>* events = nullptr;  // appended to: at least one event a command
};

// The most events that one command brings about: accepted, fills, the rest cancelled.
inline constexpr uint32_t kMaxEventsPerCommand = kMaxFillsPerCommand + 2;

// What of a market is not found in its tables.
struct MarketCounters {
  uint64_t last_sequence = 0;  // of events
  uint64_t last_order_id = 0;
  uint64_t event_hash = 0;  // over all events, command by command
};

class Market {
 public:
  explicit Market(uint64_t max_open_orders = kMaxOpenOrders) : max_open_orders_(max_open_orders) {}
  Market(const Market&) = delete;
  Market& operator=(const Market&) = delete;

  // docs/market-model.md states what each does and in which order fields are checked.
  // REQUIRES: enumerations have one of their named values.
  void Execute(const CommandContext& context, const AddSymbol& command);
  void Execute(const CommandContext& context, const NewOrder& command);
  void Execute(const CommandContext& context, const CancelOrder& command);
  void Execute(const CommandContext& context, const ReduceOrder& command);
  void Execute(const CommandContext& context, const ReplaceOrder& command);
  template <typename Other>
  void Execute(const CommandContext& context, const Other&) {
    Reject(context, CommandKind::kNone, Reason::kInvalidOrder, SymbolId(), ClientOrderId());
  }

  // Adds the encoded events of one command to the running hash.
  void AddToHash(std::string_view events);

  const SymbolTable& symbols() const { return symbols_; }
  const OrderTable& orders() const { return memory_.orders; }
  const MarketCounters& counters() const { return counters_; }

 private:
  friend class MarketRestorer;  // fills an empty market from a snapshot

  // An open order that a command names; or why there is none.
  struct Target {
    OrderHandle handle = kNullHandle;
    Reason reason = Reason::kNone;
  };
  Target FindTarget(const OrderName& name) const;

  Reason Check(const NewOrder& command, const Symbol* symbol) const;
  static Reason Check(const ReplaceOrder& command);

  // An event that answers `kind`, with the next sequence number; the caller fills in the rest.
  Event& Emit(const CommandContext& context, EventType type, CommandKind kind);
  Event& EmitOrder(const CommandContext& context, EventType type, CommandKind kind,
                   const Order& order, Quantity quantity);
  void Reject(const CommandContext& context, CommandKind kind, Reason reason, SymbolId symbol,
              ClientOrderId id);

  // matching.cc
  // Trades an incoming order, then lets what is left rest or cancels it.
  void MatchAndSettle(const CommandContext& context, CommandKind kind, Symbol& symbol,
                      OrderHandle handle);
  // Trades an incoming order with what it crosses, at most kMaxFillsPerCommand times.
  // Returns whether that bound stopped it.
  bool Match(const CommandContext& context, CommandKind kind, Symbol& symbol, Order& taker,
             PriceKey worst);
  void Trade(const CommandContext& context, CommandKind kind, Symbol& symbol, Order& taker,
             OrderHandle maker_handle);
  // Whether an order could trade whole within kMaxFillsPerCommand fills.
  bool Fillable(const BookSide& makers, PriceKey worst, Quantity quantity) const;
  // Cancels an order that is in no queue; what it had left was `leaves`.
  void FinishCanceled(const CommandContext& context, CommandKind kind, OrderHandle handle,
                      Reason reason);
  void CancelResting(const CommandContext& context, CommandKind kind, OrderHandle handle,
                     Reason reason);

  BookMemory memory_;  // before symbols_, which point into it
  SymbolTable symbols_;
  MarketCounters counters_;
  const uint64_t max_open_orders_;
};

}  // namespace quorumbook::exchange
