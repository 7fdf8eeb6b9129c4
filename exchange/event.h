// Events: what commands bring about. Names and meanings follow FIX 4.4 execution reports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/types.h"

namespace quorumbook::exchange {

// Which fields each sets: docs/formats/snapshot.md, Event.
enum class EventType : uint8_t {
  kSymbolAdded = 1,      // also when it was there already with the same sizes and assets
  kOrderAccepted = 2,    // FIX exec type New; the order is in the book from here on
  kTrade = 3,            // exec type Trade; one event for both sides
  kOrderCanceled = 4,    // exec type Canceled, or Expired: `reason` says by whom or what
  kOrderReduced = 5,     // exec type Replaced; priority kept
  kOrderReplaced = 6,    // exec type Replaced
  kCommandRejected = 7,  // exec type Rejected, or a cancel reject; nothing changed
  // Exec type New, but not in the book: a stop that waits for its price (`trigger_price`), or an
  // all-or-none order that waits for quantity.
  kOrderParked = 8,
  kOrderTriggered = 9,   // exec type Triggered; a parked order is in the book from here on
  kOrderDisplayed = 10,  // an iceberg shows `quantity` from here on, last in its queue
  kMassCanceled = 11,    // `quantity` orders are; `leaves` is 1 when more follow in later batches
  kPhaseChanged = 12,    // `phase()`; `price` is the reference price
  kUncrossed = 13,       // an auction's end: `price`, and `quantity` at it (0 at 0: nothing traded)
  kRulesChanged = 14,    // SetSymbolRules
  kSymbolDelisted = 15,
  kAssetAdded = 16,      // `asset()`; also when it was there already
  kBalanceChanged = 17,  // Deposit, Withdraw: `asset()`, `quantity` moved, `leaves` free after it
  kAccountChanged = 18,  // SetAccountLimits, SetPositionLimit, SetKillSwitch
};
inline constexpr EventType kLastEventType = EventType::kAccountChanged;

// Which command an event answers, or came about by.
enum class CommandKind : uint8_t {
  kNone = 0,  // none: time passed, a stop was triggered, a session was closed or lost
  kAddSymbol = 1,
  kNewOrder = 2,  // also stands for kSpecialOrder in events
  kCancelOrder = 3,
  kReduceOrder = 4,
  kReplaceOrder = 5,
  kSpecialOrder = 6,
  kMassCancel = 7,
  kSetSymbolRules = 8,
  kSetPhase = 9,
  kDelistSymbol = 10,
  kAddAsset = 11,
  kDeposit = 12,
  kWithdraw = 13,
  kSetAccountLimits = 14,
  kSetPositionLimit = 15,
  kSetKillSwitch = 16,
};
inline constexpr CommandKind kLastCommandKind = CommandKind::kSetKillSwitch;

// One event. Fields that a type does not speak of are zero. For kTrade the order is the incoming
// one (taker) and `price` is the resting order's (maker's); in an auction the order is the buyer's,
// the "maker" the seller's, and `price` that of the auction. `account` is that of the order; of an
// event without an order, of the command.
struct Event {
  uint64_t sequence = 0;  // gapless a shard, from 1
  EventType type = EventType::kCommandRejected;
  CommandKind command = CommandKind::kNewOrder;
  Reason reason = Reason::kNone;
  Side side = Side::kBuy;
  SymbolId symbol;
  AccountId account;
  OrderId order_id;
  ClientOrderId client_order_id;
  Price price = 0;        // of the order (a market order: its protection), or of the trade
  Quantity quantity = 0;  // order: total; trade: traded; canceled, reduced: taken off the book
  Quantity leaves = 0;    // still open after the event
  Quantity executed = 0;  // cumulative after the event
  // Of a trade; of kOrderParked the first is trigger_price():
  uint64_t trade_id = 0;  // gapless a symbol, from 1
  AccountId maker_account;
  OrderId maker_order_id;
  ClientOrderId maker_client_order_id;
  Quantity maker_leaves = 0;
  Quantity maker_executed = 0;  // cumulative after the trade
  Amount fee = 0;               // of the order's account, in the asset that it receives
  Amount maker_fee = 0;         // likewise

  Phase phase() const { return static_cast<Phase>(quantity); }  // of kPhaseChanged
  AssetId asset() const { return AssetId(symbol.value()); }     // of kAssetAdded, kBalanceChanged
  Price trigger_price() const { return static_cast<Price>(trade_id); }  // of kOrderParked; 0: none

  bool operator==(const Event&) const = default;
};

// Binary form, used where results are kept for retries (docs/formats/snapshot.md).
void EncodeEvent(const Event& event, std::string* out);
// Appends the events in `bytes`. False when `bytes` is malformed.
bool DecodeEvents(std::string_view bytes, std::vector<Event>* events);

enum class SessionStatus : uint8_t {
  kOk = 0,
  kUnknown = 1,     // never opened, closed, or evicted
  kGap = 2,         // first_sequence is beyond expected_sequence: send from there
  kForgotten = 3,   // a command asked for was acknowledged earlier
  kWindowFull = 4,  // kMaxSessionResults or kMaxSessionBytes reached: acknowledge, then go on
  kBatchFull = 6,   // the batch did too much (kMaxBatchEvents, kMaxBatchCounts): repeat from
                    // expected_sequence
  kInvalid = 5,     // first_sequence 0, no commands, or an account of 0
};

// What became of one command: events [first_event, first_event + event_count) of ApplyResult.
struct CommandResult {
  uint64_t sequence = 0;
  uint32_t first_event = 0;
  uint32_t event_count = 0;
  bool repeated = false;   // executed earlier; these are its first events again
  OrderType order_type{};  // of the order that it was to enter; of no other command, nor of repeats
};

// What became of one group: commands [first_command, first_command + command_count). When status
// is not kOk, the commands listed were answered and those after them had no effect.
struct GroupResult {
  SessionStatus status = SessionStatus::kOk;
  SessionId session;               // the new one, for OpenSession
  uint64_t expected_sequence = 0;  // the next that is not a repeat
  uint32_t first_command = 0;
  uint32_t command_count = 0;
};

// What became of one batch. A buffer to be reused: no allocation once it is warm.
//
// Events that no command's range covers came about by the passing of time, a lost or closed
// session, or as a consequence of the command before them: stops triggered by its trades, the rest
// of work that is done in steps. They are not kept for retries. Market data takes every event once:
// one whose sequence was seen is of a repeated command. Books from events: docs/market-model.md.
struct ApplyResult {
  Time time = 0;
  std::vector<GroupResult> groups;  // one for each group of the batch, in order
  std::vector<CommandResult> commands;
  std::vector<Event> events;

  void Clear();
};

}  // namespace quorumbook::exchange
