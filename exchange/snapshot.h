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

inline constexpr uint32_t kSnapshotMagic = 0x01534251;  // "QBS", version 1
inline constexpr size_t kSnapshotHeaderBytes = 12;

std::string WriteSnapshot(const ReplicatedState& state);
// Errors: kDataLoss for bytes that are damaged, of another version or against the rules of the
// market; what is in `state` is then to be dropped. REQUIRES: `state` is fresh.
absl::Status ReadSnapshot(std::string_view bytes, ReplicatedState* state);

// Exchange::MarketDigest.
Digest DigestOf(const Market& market);

}  // namespace quorumbook::exchange
