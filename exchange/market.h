// The market of a shard: executes commands, one at a time, whoever sent them and how often.
//
// One class, in files by subject: market.cc (commands on open orders, events), market_symbols.cc,
// market_accounts.cc, order_entry.cc, order_checks.cc, replace.cc, matching.cc, icebergs.cc,
// triggers.cc, funds.cc, phases.cc, sweeps.cc.
#pragma once

#include <absl/container/btree_map.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "exchange/account_orders.h"
#include "exchange/account_table.h"
#include "exchange/book_side.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/order_table.h"
#include "exchange/order_terms.h"
#include "exchange/symbol_table.h"
#include "exchange/types.h"
#include "exchange/work.h"

namespace quorumbook::exchange {

// On whose behalf a command runs, when, and where its events go.
struct CommandContext {
  AccountId account;
  Time time = 0;
  std::vector<Event>* events = nullptr;  // appended to: at least one event a command
  OrderHandle named = kNullHandle;       // a guess at the order that the command names
};

// The most events that one command brings about: with each fill an iceberg may show anew; accepted
// and triggered before, the rest cancelled after them.
inline constexpr uint32_t kMaxEventsPerCommand = 2 * kMaxFillsPerCommand + 4;
static_assert(kMaxStepEvents + 4 <= kMaxEventsPerCommand);

// What of a market is not found in its tables.
struct MarketCounters {
  uint64_t last_sequence = 0;  // of events
  uint64_t last_order_id = 0;
  uint64_t event_hash = 0;  // over all events, one by one
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
  void Execute(const CommandContext& context, const SpecialOrder& command);
  void Execute(const CommandContext& context, const CancelOrder& command);
  void Execute(const CommandContext& context, const ReduceOrder& command);
  void Execute(const CommandContext& context, const ReplaceOrder& command);
  void Execute(const CommandContext& context, const MassCancel& command);
  void Execute(const CommandContext& context, const SetSymbolRules& command);
  void Execute(const CommandContext& context, const SetPhase& command);
  void Execute(const CommandContext& context, const DelistSymbol& command);
  void Execute(const CommandContext& context, const AddAsset& command);
  void Execute(const CommandContext& context, const Deposit& command);
  void Execute(const CommandContext& context, const Withdraw& command);
  void Execute(const CommandContext& context, const SetAccountLimits& command);
  void Execute(const CommandContext& context, const SetPositionLimit& command);
  void Execute(const CommandContext& context, const SetKillSwitch& command);

  // Whether orders enough were looked at in this batch: what asks for more is for the next one.
  bool counted_enough() const { return counted_ >= kMaxBatchCounts; }
  // After the last command of a batch: what was put off because of such bounds may go on.
  void EndBatch() {
    counted_ = counted_for_parked_ = 0;
    if (!put_off_.empty()) [[unlikely]] {
      WakePutOff();
    }
  }

  // What goes on without a command: the account of the context is none. Each may add no events.
  // Ends orders whose time has come, and takes a step of unfinished work: at the start of a batch.
  void BeginBatch(const CommandContext& context);
  // Whether stops are triggered, or work is unfinished.
  bool has_work() const { return !jobs_.empty() || !awake_.empty(); }
  // Takes a step of that: after each command.
  void Work(const CommandContext& context);
  // Cancels the account's open orders up to one, in steps; `later`: the first in the next batch.
  void Disconnect(const CommandContext& context, AccountId account, OrderId up_to, bool later);
  // When BeginBatch will have something to do; nullopt: not before another command.
  std::optional<Time> NextDeadline(Time now) const;

  // Adds events to the running hash.
  void AddToHash(std::span<const Event> events);

  const SymbolTable& symbols() const { return symbols_; }
  const OrderTable& orders() const { return memory_.orders; }
  const TermsTable& terms() const { return terms_; }
  const AccountTable& accounts() const { return accounts_; }
  const std::deque<Job>& jobs() const { return jobs_; }
  // Symbols whose parked orders may have their turn, first come first served.
  const std::vector<SymbolId>& awake() const { return awake_; }
  const MarketCounters& counters() const { return counters_; }

  OrderInfo Describe(OrderHandle handle) const;
  // Calls `visit(handle)` for the open orders of an account in one symbol, or, with none, in all,
  // parked ones too: by symbol, buys before sells, by order id.
  template <typename Visitor>
  void ForEachOrderOf(AccountId account, SymbolId only, Visitor&& visit) const;

 private:
  friend class MarketRestorer;  // fills an empty market from a snapshot

  // An open order that a command names; or why there is none.
  struct Target {
    OrderHandle handle = kNullHandle;
    Reason reason = Reason::kNone;
  };
  // A new order as it will be kept: `order.price` of a market order is its protection.
  struct Entry {
    NewOrder order;
    OrderTerms terms;
  };
  enum class MatchEnd : uint8_t { kDone, kFillLimit, kSelfTrade };

  // market.cc
  void Begin(const CommandContext& context, CommandKind kind);
  Target FindTarget(const OrderName& name, OrderHandle guess) const;
  // An event that answers the command, with the next sequence number; the caller fills in the rest.
  Event& Emit(EventType type);
  Event& EmitOrder(EventType type, const Order& order, Quantity quantity);
  void Reject(Reason reason, SymbolId symbol, ClientOrderId id = {}, Price price = 0,
              Quantity quantity = 0, Side side = Side{});
  // Takes `quantity`, less than is left, off an open order, which keeps its place.
  void Shrink(OrderHandle handle, Quantity quantity);
  // Takes an open order out of the book or from the parked ones.
  void Leave(Symbol& symbol, OrderHandle handle);
  // Cancels an order that is in no queue; or one that is.
  void FinishCanceled(OrderHandle handle, Reason reason);
  void CancelOpen(OrderHandle handle, Reason reason);
  // Remembers an order as finished. REQUIRES: its status is final, and it is in no queue.
  void Finish(OrderHandle handle);
  void ForgetSpecial(OrderHandle handle);

  // order_entry.cc
  void EnterPlain(Symbol& symbol, const NewOrder& command);
  void Enter(Entry entry, Symbol* symbol);
  void RejectEntry(const NewOrder& order, Reason reason);
  // A fresh open order of the account; kNullHandle when it has an open one of that name.
  OrderHandle Open(const NewOrder& command);
  // Puts what is left of an order into the book.
  void Rest(Symbol& symbol, OrderHandle handle);
  // Notes where an order that stays open is to be found: by account, by what ends it.
  void Register(Symbol& symbol, OrderHandle handle);

  // order_checks.cc. Those that take `order` or `terms` by pointer fill in what the market decides.
  Reason Check(const Symbol* symbol, const Account* account, Entry* entry) const;
  Reason CheckPhase(const Symbol& symbol, const NewOrder& order, const OrderTerms& terms) const;
  Reason CheckStop(const Symbol& symbol, const NewOrder& order, OrderTerms* terms) const;
  Reason CheckPrice(const Symbol& symbol, const OrderTerms& terms, NewOrder* order) const;
  Reason CheckQuantityRules(const Symbol& symbol, Quantity quantity) const;
  // The worst price at which an order may trade that has none itself: `ticks` from a price, within
  // the band; 0 when nothing bounds it.
  static Price ProtectedPrice(const PriceBand& band, Side side, Price from, Price ticks);
  bool WouldTrade(const Symbol& symbol, Side side, Price price) const;

  // replace.cc
  Reason CheckReplace(const ReplaceOrder& command, OrderHandle handle) const;
  void ReplaceParked(Symbol& symbol, OrderHandle handle, const ReplaceOrder& command);
  // Changes price and quantity of an order that is in no queue, and what is held for it.
  void Restate(const Symbol& symbol, OrderHandle handle, Price price, Quantity quantity);

  // matching.cc
  // Trades an incoming order, then lets what is left rest or cancels it.
  void MatchAndSettle(Symbol& symbol, OrderHandle handle);
  void SettleRest(Symbol& symbol, OrderHandle handle, MatchEnd end);
  // Trades an incoming order with what it crosses, at most kMaxFillsPerCommand times.
  MatchEnd MatchPlain(Symbol& symbol, Order& taker, PriceKey worst);
  MatchEnd MatchSpecial(Symbol& symbol, OrderHandle handle, PriceKey worst);
  void TradePlain(Symbol& symbol, Order& taker, OrderHandle maker_handle);
  void Trade(Symbol& symbol, OrderHandle taker_handle, OrderHandle maker_handle);
  Event& EmitTrade(Symbol& symbol, const Order& taker, const Order& maker, Price price,
                   Quantity quantity);
  // Lets a resting order execute `quantity` of what it shows; afterwards lets it go if it is
  // filled, or show anew if it has hidden more.
  void FillResting(Symbol& symbol, OrderHandle handle, Quantity quantity);
  void AfterFill(Symbol& symbol, OrderHandle handle);
  // Does what the taker wants when it meets an own order. False: the taker is to be cancelled.
  bool PreventSelfTrade(Symbol& symbol, OrderHandle taker_handle, OrderHandle maker_handle);
  // Whether so much would trade at once, within kMaxFillsPerCommand fills. For plain books.
  // `counted` grows by the levels and orders looked at.
  bool Fillable(const BookSide& makers, PriceKey worst, Quantity quantity, uint64_t* counted) const;
  // How much of an incoming order would. For any book. `counted` grows by what it takes to tell.
  Quantity Executable(const Symbol& symbol, const Order& taker, PriceKey worst,
                      uint64_t* counted) const;

  // icebergs.cc
  bool IsIceberg(const Order& order, OrderHandle handle) const {
    return (order.flags & kTermsFlag) != 0 && terms_[handle].terms.display != 0;
  }
  // What of a resting order others see.
  Quantity ShownOf(const Order& order, OrderHandle handle) const {
    return IsIceberg(order, handle) ? terms_[handle].displayed : order.leaves();
  }
  // Adds what a resting iceberg hides to what its symbol knows of its price; and takes it out.
  void CountHidden(Symbol& symbol, OrderHandle handle);
  void UncountHidden(Symbol& symbol, OrderHandle handle);
  // Lets an iceberg that has just come to the end of its queue show what it may.
  void ShowSlice(Symbol& symbol, OrderHandle handle);

  // triggers.cc
  void Park(Symbol& symbol, OrderHandle handle);
  void OnTrades(Symbol& symbol, Price first, Price last);
  // Says that parked orders may have their turn.
  void Wake(Symbol* symbol);
  // Says so for the next batch.
  void PutOff(Symbol* symbol);
  void WakePutOff();
  // Lets those have it that were told of, in the order in which they were.
  void RunAwake();
  // Runs triggered stops and all-or-none orders that can trade. False: more are waiting.
  bool RunParked(Symbol& symbol);
  void Activate(Symbol& symbol, OrderHandle handle);
  // An all-or-none order that can trade whole now; kNullHandle when there is none.
  OrderHandle FindFillable(const Symbol& symbol);
  OrderHandle FindFillable(const Symbol& symbol, Side side);
  // Says that an order has come into the book or left it: all-or-none orders that reach its price
  // may be able to trade.
  void WakeAllOrNone(Symbol* symbol, const Order& order);

  // market_symbols.cc, market_accounts.cc
  // The units of a symbol's assets, if it has any; or why it can not have them.
  Reason FindAssets(const AddSymbol& command, AssetScale* scale) const;
  void RejectTransfer(Reason reason, AccountId account, AssetId asset, Amount amount);
  void EmitBalance(AccountId account, AssetId asset, Amount amount, Amount free);
  // Lets `change` change an account, which is added if need be. False: refused, for `reason` if
  // that is one.
  template <typename Change>
  bool ChangeAccount(AccountId id, Reason reason, Change&& change);

  // funds.cc
  struct Fees {
    Amount buyer = 0;
    Amount seller = 0;
  };
  struct Execution {
    Price price = 0;
    Quantity quantity = 0;
    uint32_t buyer_fee_bp = 0;
    uint32_t seller_fee_bp = 0;
  };
  // Why the account's limits and balances do not allow an order, or an open one, `replaced`, to
  // become it. REQUIRES: the symbol is funded; quantity and price are in range.
  Reason CheckFunds(const Symbol& symbol, const Account& account, const NewOrder& order,
                    const Order* replaced) const;
  // What `quantity` of an order needs to be held.
  static Amount HoldOf(const Symbol& symbol, const Order& order, Quantity quantity);
  void Hold(const Symbol& symbol, OrderHandle handle, Quantity quantity);
  void Release(const Symbol& symbol, OrderHandle handle, Quantity quantity);
  // Changes the price of an open order, and what is held for it.
  void SetPrice(const Symbol& symbol, OrderHandle handle, Price price);
  // Moves what a trade exchanges. REQUIRES: it is held for both orders.
  Fees SettleTrade(const Symbol& symbol, OrderHandle buyer, OrderHandle seller,
                   const Execution& execution);

  // phases.cc
  bool StepSettlePhase(Job* job);
  // Finds at which price an auction would trade now, and how much.
  static void FindPrice(const Symbol& symbol, Job* job);
  // Trades at the auction's price until the book does not cross. False: more is left to trade.
  bool Uncross(Symbol& symbol, Job* job);
  bool TradeAtOnePrice(Symbol& symbol, Job* job);

  // sweeps.cc
  bool Exhausted() const { return task_.events->size() >= step_end_; }
  void BeginStep() { step_end_ = task_.events->size() + kMaxStepEvents; }
  // Takes the first step; the rest follows in later batches. Returns whether nothing is left.
  bool Start(Job job);
  // Leaves a job for later batches; one of the same orders, bar new ones, becomes this one.
  void Postpone(const Job& job);
  bool Step(Job* job);
  bool StepCancelAccount(Job* job);
  bool StepCancelSymbol(const Job& job);

  // What is being executed, and for whom.
  struct Task {
    AccountId account;
    Time time = 0;
    std::vector<Event>* events = nullptr;
    CommandKind kind = CommandKind::kNone;
  };

  BookMemory memory_;  // before symbols_, which point into it
  SymbolTable symbols_;
  AccountTable accounts_;
  AccountOrders account_orders_{&memory_.orders};
  TermsTable terms_;
  absl::btree_map<std::pair<Time, OrderId>, OrderHandle> by_expiry_;  // of good till time
  std::deque<Job> jobs_;                                              // unfinished, oldest first
  std::vector<SymbolId> awake_;                                       // see awake()
  std::vector<SymbolId> put_off_;  // of this batch: they are awake in the next one
  MarketCounters counters_;
  Task task_;
  size_t step_end_ = 0;  // events at which a step pauses
  // Orders, levels and lists looked at in this batch, which need not cause events: for commands
  // and what they began, and for all-or-none orders that wait.
  uint64_t counted_ = 0;
  uint64_t counted_for_parked_ = 0;
  std::vector<std::pair<PriceKey, Quantity>> depth_;  // a buffer: what there is up to a price
  const uint64_t max_open_orders_;
};

inline Event& Market::Emit(EventType type) {
  // Copied whole: compilers turn clearing it into a string instruction, which takes long to start.
  static constexpr Event kBlank;
  Event& event = task_.events->emplace_back(kBlank);
  event.sequence = ++counters_.last_sequence;
  event.type = type;
  event.command = task_.kind;
  event.side = Side{};
  event.account = task_.account;
  return event;
}

inline Event& Market::EmitOrder(EventType type, const Order& order, Quantity quantity) {
  Event& event = Emit(type);
  event.account = order.account;
  event.side = order.side;
  event.symbol = order.symbol;
  event.order_id = order.id;
  event.client_order_id = order.client_order_id;
  event.price = order.price;
  event.quantity = quantity;
  event.leaves = order.leaves();
  event.executed = order.executed;
  return event;
}

inline Event& Market::EmitTrade(Symbol& symbol, const Order& taker, const Order& maker, Price price,
                                Quantity quantity) {
  Event& event = EmitOrder(EventType::kTrade, taker, quantity);
  event.price = price;
  event.trade_id = symbol.stats.trades + 1;
  event.maker_account = maker.account;
  event.maker_order_id = maker.id;
  event.maker_client_order_id = maker.client_order_id;
  event.maker_leaves = maker.leaves();
  event.maker_executed = maker.executed;
  symbol.stats.Add({.id = event.trade_id,
                    .sequence = event.sequence,
                    .time = task_.time,
                    .taker_side = taker.side,
                    .price = price,
                    .quantity = quantity});
  return event;
}

inline OrderHandle Market::Open(const NewOrder& command) {
  const OrderHandle handle =
      memory_.orders.Open({task_.account, command.symbol, command.client_order_id});
  if (handle == kNullHandle) return handle;
  Order& order = memory_.orders[handle];
  order.id = OrderId(++counters_.last_order_id);
  order.side = command.side;
  order.type = command.type;
  order.time_in_force = command.time_in_force;
  order.self_trade = command.self_trade;
  order.price = command.price;
  order.quantity = command.quantity;
  order.entered = order.changed = task_.time;
  return handle;
}

template <typename Change>
bool Market::ChangeAccount(AccountId id, Reason reason, Change&& change) {
  Account* account = nullptr;
  if (id == AccountId()) {
    reason = Reason::kInvalidAccount;
  } else if (reason == Reason::kNone) {
    account = accounts_.FindOrAdd(id);
    if (account == nullptr) reason = Reason::kTooManyAccounts;
  }
  if (reason == Reason::kNone) {
    change(*account);
    Emit(EventType::kAccountChanged).account = id;
  } else {
    Reject(reason, SymbolId());
    task_.events->back().account = id;
  }
  return reason == Reason::kNone;
}

template <typename Visitor>
void Market::ForEachOrderOf(AccountId account, SymbolId only, Visitor&& visit) const {
  AccountOrders::Key from{account, only, {}};
  while (const AccountOrders::List* const list = account_orders_.ListFrom(from)) {
    if (only != SymbolId() && list->key.symbol != only) return;
    for (OrderHandle at = list->first; at != kNullHandle; at = memory_.orders[at].newer) visit(at);
    from = AccountOrders::After(list->key);
  }
}

}  // namespace quorumbook::exchange
