// The canonical binary form of a shard's state: docs/formats/snapshot.md.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/digest.h"
#include "exchange/market.h"
#include "exchange/state.h"

namespace quorumbook::exchange {

// Says who can read it: another one is no damage, but another program's (docs/formats/snapshot.md).
// So whoever reads more strictly, and refuses what an earlier program wrote under the same number,
// must raise it: or else honest leaders of that program are taken for corrupt, and fenced.
inline constexpr uint32_t kSnapshotMagic = 0x03534251;  // "QBS", version 3
inline constexpr size_t kSnapshotHeaderBytes = 12;
// What is counted one by one (events, orders, sessions, a session's commands, trades) comes nowhere
// near this. A snapshot that says so would lead to numbers that begin again.
inline constexpr uint64_t kMaxCount = uint64_t{1} << 62;
// ... in one that comes from elsewhere: from here to kMaxCount it takes 70,000 years at a million a
// second.
inline constexpr uint64_t kMaxReceivedCount = uint64_t{1} << 61;

// The first two bytes of an order.
struct SnapshotOrderBits {
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  SelfTrade self_trade = SelfTrade::kAllow;
  bool post_only = false;
  bool has_terms = false;
  bool has_executed = false;
  bool has_changed = false;

  uint16_t Pack() const {
    return static_cast<uint16_t>(
        static_cast<unsigned>(type) | static_cast<unsigned>(time_in_force) << 3 |
        static_cast<unsigned>(self_trade) << 6 | unsigned{post_only} << 9 |
        unsigned{has_terms} << 10 | unsigned{has_executed} << 11 | unsigned{has_changed} << 12);
  }
  // False for what Pack can not have made.
  bool Unpack(uint16_t bits) {
    type = static_cast<OrderType>(bits & 7);
    time_in_force = static_cast<TimeInForce>(bits >> 3 & 7);
    self_trade = static_cast<SelfTrade>(bits >> 6 & 7);
    post_only = (bits >> 9 & 1) != 0;
    has_terms = (bits >> 10 & 1) != 0;
    has_executed = (bits >> 11 & 1) != 0;
    has_changed = (bits >> 12 & 1) != 0;
    return type >= OrderType::kLimit && type <= OrderType::kTrailingStop &&
           time_in_force >= TimeInForce::kGoodTillCancel &&
           time_in_force <= TimeInForce::kGoodTillTime && self_trade <= SelfTrade::kDecrement &&
           bits < 1u << 13;
  }
};

std::string WriteSnapshot(const ReplicatedState& state);
// Takes no count above `max_count`. Errors: kDataLoss for bytes that are damaged,
// kFailedPrecondition for another version, or when the checksum is right and what it is of is
// against the rules of the market: who made it keeps others. What is in `state` is then to be
// dropped. REQUIRES: `state` is fresh.
absl::Status ReadSnapshot(std::string_view bytes, uint64_t max_count, ReplicatedState* state);

// Exchange::MarketDigest.
Digest DigestOf(const Market& market);

}  // namespace quorumbook::exchange
