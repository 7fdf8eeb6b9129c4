// Random batches of several sessions, and the same with retries or otherwise packed.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/command.h"
#include "random_flow.h"

namespace quorumbook::exchange {

// Sessions 1 to kSessions of accounts 1 to kSessions, their commands one after another.
inline constexpr uint64_t kSessions = 4;

// The first batch opens the sessions; each of the others carries a few messages. Nothing repeats.
std::vector<Batch> RandomBatches(uint64_t seed, uint64_t count, const FlowShape& shape = {});

// The same messages, each a batch of its own at another time.
std::vector<Batch> Unpacked(const std::vector<Batch>& batches);

// The same messages, some of them sent again up to ten messages later, and some too early.
std::vector<Batch> WithRetries(const std::vector<Batch>& batches, uint64_t seed);

}  // namespace quorumbook::exchange
