// What a shard's replica counts besides its own counters (server/replica/replica_counters.h): what
// its host sees of the log's way, and the events of the exchange.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "common/duration_histogram.h"
#include "consensus/output.h"
#include "consensus/raft.h"
#include "exchange/event.h"
#include "server/log_writer.h"

namespace quorumbook::server {

// Where the time of a commit goes, at the leader. Not thread-safe.
class CommitTimer {
 public:
  using Clock = std::chrono::steady_clock;

  // The core asked for `output` in a replica of this role.
  void Observe(consensus::Role role, const consensus::Output& output);
  // A write of the core is durable.
  void Persisted(uint64_t sequence, const WriteTimes& times);

  const DurationHistogram& append() const { return append_; }
  const DurationHistogram& replicate() const { return replicate_; }
  const DurationHistogram& commit() const { return commit_; }

 private:
  // Entries that were proposed together.
  struct Proposal {
    uint64_t sequence = 0;  // of their write
    consensus::Index last;
    Clock::time_point proposed;
    Clock::time_point durable;  // the epoch: not yet
    bool committed = false;
  };
  void Committed(consensus::Index index);

  std::deque<Proposal> proposals_;  // by sequence
  DurationHistogram append_;
  DurationHistogram replicate_;
  DurationHistogram commit_;
};

inline constexpr size_t kCommandKinds = static_cast<size_t>(exchange::kLastCommandKind) + 1;
inline constexpr size_t kEventTypes = static_cast<size_t>(exchange::kLastEventType) + 1;
// The first place counts what enters no order.
inline constexpr size_t kOrderTypes = static_cast<size_t>(exchange::OrderType::kTrailingStop) + 1;
inline constexpr size_t kReasons = static_cast<size_t>(exchange::kLastReason) + 1;

struct ShardCounters {
  uint64_t messages_sent = 0;
  uint64_t messages_received = 0;
  uint64_t campaigns = 0;
  uint64_t elections_won = 0;
  uint64_t leader_changes = 0;
  // Of each kind against each node, and when the last came. Bounded by the nodes that there are.
  struct EvidenceOf {
    consensus::Evidence::Kind kind{};
    uint32_t culprit = 0;  // 0: it can not be told
    uint64_t count = 0;
    std::chrono::steady_clock::time_point last;
  };
  std::vector<EvidenceOf> evidence;

  std::array<uint64_t, kCommandKinds> accepted{};
  std::array<uint64_t, kCommandKinds> rejected{};
  std::array<uint64_t, kOrderTypes> orders_accepted{};
  std::array<uint64_t, kOrderTypes> orders_rejected{};
  std::array<uint64_t, kEventTypes> events{};
  std::array<uint64_t, kReasons> rejects{};
  std::array<uint64_t, kReasons> cancels{};
  uint64_t traded_lots = 0;
  uint64_t duplicates = 0;
  uint64_t batches = 0;

  uint64_t last_event = 0;  // the last one that was counted, or that a snapshot brought

  uint64_t subscriptions = 0;
  uint64_t conflated = 0;

  // `result` is that of an entry.
  void Count(const exchange::ApplyResult& result);
  void Count(const consensus::Evidence& evidence, std::chrono::steady_clock::time_point now);
};

}  // namespace quorumbook::server
