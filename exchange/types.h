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

using Price = int64_t;     // in ticks of the symbol
using Quantity = int64_t;  // in lots of the symbol
// Cluster time: nanoseconds since 1970-01-01 UTC as stamped by leaders; never goes back.
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
inline constexpr uint64_t kMaxOpenOrders = uint64_t{1} << 24;      // a shard
inline constexpr uint32_t kMaxSymbols = 100'000;                   // a shard
inline constexpr uint64_t kMaxFinishedOrders = uint64_t{1} << 16;  // remembered a shard, oldest out
inline constexpr uint64_t kMaxSessions = uint64_t{1} << 16;        // a shard, least recent out
inline constexpr uint64_t kMaxSessionResults = 16'384;             // unacknowledged, a session
inline constexpr uint64_t kMaxSessionBytes = uint64_t{8} << 20;    // of such results, a session
inline constexpr uint64_t kMaxResultBytes = uint64_t{256} << 20;   // of all, least recent out
inline constexpr uint32_t kMaxFillsPerCommand = 16'384;            // the rest is cancelled
inline constexpr uint64_t kMaxBatchEvents = uint64_t{1} << 18;     // then its rest is refused
inline constexpr uint32_t kMaxRecentTrades = 1'024;                // remembered a symbol
inline constexpr uint32_t kMaxSymbolName = 16;                     // bytes
// The quantity of a whole level fits in an int64.
static_assert(kMaxQuantity <=
              std::numeric_limits<Quantity>::max() / static_cast<Quantity>(kMaxOpenOrders));

enum class Side : uint8_t { kBuy = 1, kSell = 2 };
enum class OrderType : uint8_t { kLimit = 1, kMarket = 2 };
enum class TimeInForce : uint8_t {
  kGoodTillCancel = 1,     // rests
  kImmediateOrCancel = 2,  // what does not trade at once is cancelled
  kFillOrKill = 3,         // trades at once and whole, or not at all
};
enum class OrderStatus : uint8_t { kNew = 1, kPartiallyFilled, kFilled, kCanceled, kRejected };

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
  kInvalidSymbol = 9,           // empty, too long or unprintable name, bad tick or lot size
  kTooManySymbols = 10,
  kTooManyOrders = 11,
  kInvalidClientOrderId = 12,  // 0
  // Of cancellations:
  kRequested = 32,              // by the client
  kUnfilledRemainder = 33,      // of a market or IOC order
  kNotFillable = 34,            // a FOK order that can not trade whole
  kFillLimit = 35,              // kMaxFillsPerCommand reached
  kReplacedBelowExecuted = 36,  // replace with a quantity not above what is executed
};

// value = mantissa * 10^exponent; used for the size of a tick and of a lot, never for arithmetic
// of the book. REQUIRES where it is accepted: 0 < mantissa <= 10^9, -12 <= exponent <= 12.
struct Decimal {
  int64_t mantissa = 0;
  int8_t exponent = 0;

  bool operator==(const Decimal&) const = default;
};

}  // namespace quorumbook::exchange
