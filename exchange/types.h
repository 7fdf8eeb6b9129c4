// The nouns of the exchange. Integers only: prices in ticks, quantities in lots.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "common/strong_id.h"

namespace quorumbook::exchange {

using SymbolId = StrongId<struct SymbolIdTag, uint32_t>;  // 0: no such symbol
using AccountId = StrongId<struct AccountIdTag>;          // 0: none
using SessionId = StrongId<struct SessionIdTag>;          // 0: none
// Given by the exchange, counting from 1 a shard.
using OrderId = StrongId<struct OrderIdTag>;
// Given by the client; unique among the open orders of its account in a symbol. 0 is refused.
using ClientOrderId = StrongId<struct ClientOrderIdTag>;
using AssetId = StrongId<struct AssetIdTag, uint32_t>;  // 0: none

using Price = int64_t;     // in ticks of the symbol
using Quantity = int64_t;  // in lots of the symbol
using Amount = int64_t;    // in units of an asset
// Cluster time: nanoseconds since 1970-01-01 UTC as stamped by leaders; never goes back, never
// negative.
using Time = int64_t;

__extension__ using Uint128 = unsigned __int128;  // sums of price * quantity

// What an order is called: unique among the open orders of a shard.
struct OrderName {
  AccountId account;
  SymbolId symbol;
  ClientOrderId id;

  bool operator==(const OrderName&) const = default;
};

// Bounds. The state of a shard is finite; what happens at each bound is said at the reject reason.
inline constexpr Price kMaxPrice = 1'000'000'000'000;
inline constexpr Quantity kMaxQuantity = 500'000'000'000;
inline constexpr Time kMaxTime = Time{1} << 62;                  // later stamps count as this
inline constexpr Amount kMaxAmount = 4'000'000'000'000'000'000;  // of an asset, all accounts
inline constexpr uint64_t kMaxOpenOrders = uint64_t{1} << 24;    // a shard
inline constexpr uint32_t kMaxSymbols = 100'000;                 // a shard
inline constexpr uint32_t kMaxAssets = 4'096;                    // a shard
inline constexpr uint32_t kMaxAccounts = 1'000'000;              // a shard, with balances or limits
inline constexpr uint64_t kMaxFinishedOrders = uint64_t{1} << 16;  // remembered a shard, oldest out
inline constexpr uint64_t kMaxSessions = uint64_t{1} << 16;        // a shard, least recent out
inline constexpr uint32_t kMaxAccountSessions = 1'024;             // an account, least recent out
inline constexpr uint64_t kMaxSessionResults = 16'384;             // unacknowledged, a session
inline constexpr uint64_t kMaxSessionBytes = uint64_t{8} << 20;    // of such results, a session
inline constexpr uint64_t kMaxResultBytes = uint64_t{256} << 20;   // of all, who has most out
inline constexpr uint32_t kMaxFillsPerCommand = 16'384;            // the rest is cancelled
inline constexpr uint32_t kMaxStepEvents = 16'384;                 // then longer work pauses
inline constexpr uint64_t kMaxBatchEvents = uint64_t{1} << 18;     // then its rest is refused
inline constexpr uint64_t kMaxBatchCounts = uint64_t{1} << 20;     // orders looked at in a batch
inline constexpr uint64_t kMaxParkedCounts = uint64_t{1} << 16;    // likewise, for parked orders
inline constexpr uint32_t kMaxRecentTrades = 1'024;                // remembered a symbol
inline constexpr uint32_t kMaxSymbolName = 16;                     // bytes
inline constexpr uint32_t kMaxAssetName = 16;                      // bytes
inline constexpr uint32_t kMaxStops = 32'768;                      // waiting, a symbol
inline constexpr uint32_t kMaxTrailingStops = 1'024;               // of those
inline constexpr uint32_t kMaxAllOrNone = 64;                      // open, a side of a symbol
inline constexpr uint32_t kMaxDisplays = 1'024;                    // parts of an iceberg
inline constexpr uint32_t kMaxBasisPoints = 10'000;                // 100 %
// The quantity of a whole level fits in an int64.
static_assert(kMaxQuantity <=
              std::numeric_limits<Quantity>::max() / static_cast<Quantity>(kMaxOpenOrders));

enum class Side : uint8_t { kBuy = 1, kSell = 2 };
enum class OrderType : uint8_t {
  kLimit = 1,
  kMarket = 2,
  kStop = 3,          // a market order from the moment its stop price is traded
  kStopLimit = 4,     // a limit order from that moment
  kTrailingStop = 5,  // a stop whose price follows the market at a distance
};
enum class TimeInForce : uint8_t {
  kGoodTillCancel = 1,     // rests
  kImmediateOrCancel = 2,  // what does not trade at once is cancelled
  kFillOrKill = 3,         // trades at once and whole, or not at all
  kDay = 4,                // rests until its symbol is closed
  kGoodTillTime = 5,       // rests until a cluster time (FIX: GTD)
};
// kCanceled with reason kExpired or kDayOver is FIX's Expired.
enum class OrderStatus : uint8_t { kNew = 1, kPartiallyFilled, kFilled, kCanceled, kRejected };

// What happens when an incoming order meets a resting one of its own account in continuous
// trading. The incoming order's choice holds.
enum class SelfTrade : uint8_t {
  kAllow = 0,
  kCancelTaker = 1,
  kCancelMaker = 2,
  kCancelBoth = 3,
  kDecrement = 4,  // both shrink by what would have traded; what has nothing left is cancelled
};

// What a symbol does with orders: docs/market-model.md, Phases.
enum class Phase : uint8_t {
  kPreOpen = 1,         // orders are collected, nothing trades
  kOpeningAuction = 2,  // the same, market orders too; an indicative price is shown
  kContinuous = 3,
  kHalt = 4,  // orders may be cancelled, nothing else
  kClosingAuction = 5,
  kClosed = 6,  // as kHalt; day orders have expired
};

// Why a command was refused, or an order cancelled by the exchange. The numbers are part of the
// log and snapshot formats and of the API: never reused. Meanings: docs/api.md.
enum class Reason : uint8_t {
  kNone = 0,
  kUnknownSymbol = 1,
  kInvalidQuantity = 2,         // zero, negative or above kMaxQuantity
  kInvalidPrice = 3,            // zero, negative or above kMaxPrice
  kDuplicateClientOrderId = 4,  // an open order of the account in the symbol has it
  kUnknownOrder = 5,            // never seen, or finished too long ago to be remembered
  kOrderFinished = 6,           // filled or cancelled already ("too late")
  kInvalidOrder = 7,            // fields that contradict each other, e.g. a resting market order
  kSymbolExists = 8,            // with other parameters; equal ones are accepted again
  kInvalidSymbol = 9,           // name, tick or lot size, or sizes that the assets can not express
  kTooManySymbols = 10,
  kTooManyOrders = 11,
  kInvalidClientOrderId = 12,  // 0
  kSymbolDelisted = 13,
  kWrongPhase = 14,        // the symbol's phase does not take this command
  kSymbolBusy = 15,        // an uncrossing or expiry of many orders goes on: repeat
  kPriceOutsideBand = 16,  // also of a triggered order that is cancelled
  kNoReferencePrice = 17,  // a market order in an auction, or a trailing stop, without one
  kNoProtection = 18,      // a market or stop order that has no bound on its price, but needs one
  kWouldTrade = 19,        // post-only
  kInvalidStopPrice = 20,  // missing, out of range, or given with an order that has none
  kStopTriggered = 21,     // the stop price is traded already
  kInvalidTrail = 22,      // the same of a trailing stop's distance
  kInvalidDisplay = 23,    // above the quantity or negative, or of an order that can not rest
  kInvalidMinimum = 24,    // the same of the minimum, or of a stop or post-only order
  kInvalidExpiry = 25,     // missing, or given with an order that has none
  kExpiryPassed = 26,      // not after the time of the batch
  kTooManyTrailingStops = 27,
  kTooManyAllOrNone = 28,
  kInvalidRules = 29,      // of a symbol: a negative bound, a band or fee above 100 %
  kPhaseUnchanged = 30,    // the symbol is in that phase
  kInvalidSelection = 31,  // a mass cancel of a side without a symbol
  // Of cancellations:
  kRequested = 32,              // by the client
  kUnfilledRemainder = 33,      // of a market or IOC order, or of one at the end of an auction
  kNotFillable = 34,            // a FOK order that can not trade whole
  kFillLimit = 35,              // kMaxFillsPerCommand reached
  kReplacedBelowExecuted = 36,  // replace with a quantity not above what is executed
  kExpired = 37,                // good till time
  kDayOver = 38,                // a day order, at a close
  kSelfTradePrevented = 39,
  kMinimumNotMet = 40,
  kMassCanceled = 41,
  kKillSwitch = 42,
  kDisconnected = 43,
  kDelisted = 44,
  kProtectionReached = 45,  // the rest of a market or stop order
  // Of commands again, about assets and accounts:
  kUnknownAsset = 64,
  kInvalidAsset = 65,  // name or exponent
  kAssetExists = 66,   // with another exponent; an equal one is accepted again
  kTooManyAssets = 67,
  kUnknownAccount = 68,  // never had a deposit, limits or the kill switch
  kInvalidAccount = 69,  // 0
  kTooManyAccounts = 70,
  kInvalidAmount = 71,        // not 1 to kMaxAmount; of a limit: negative
  kAmountLimit = 72,          // there would be more than kMaxAmount of the asset
  kInsufficientBalance = 73,  // free balance is less than needed
  kNotionalTooLarge = 74,     // price times quantity is above kMaxAmount units
  kAccountBlocked = 75,       // by the kill switch
  kOrderQuantityLimit = 76,   // of the account or of the symbol
  kOpenOrderLimit = 77,
  kNotionalLimit = 78,
  kPositionLimit = 79,
  // Of orders again:
  kTooManyDisplays = 80,  // an iceberg would have to show itself more than kMaxDisplays times
  kTooManyStops = 81,
};
inline constexpr Reason kLastReason = Reason::kTooManyStops;

inline bool IsKnown(Reason reason) {
  return reason <= Reason::kProtectionReached ||
         (reason >= Reason::kUnknownAsset && reason <= kLastReason);
}
// Whether an order can have been cancelled for it.
inline bool Cancels(Reason reason) {
  return (reason >= Reason::kRequested && reason <= Reason::kProtectionReached) ||
         reason == Reason::kPriceOutsideBand;
}

// value = mantissa * 10^exponent; used for the size of a tick and of a lot, never for arithmetic
// of the book. REQUIRES where it is accepted: 0 < mantissa <= 10^9, -12 <= exponent <= 12.
struct Decimal {
  int64_t mantissa = 0;
  int8_t exponent = 0;

  bool operator==(const Decimal&) const = default;
};

}  // namespace quorumbook::exchange
