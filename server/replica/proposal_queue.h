// Groups of commands on their way: waiting to be packed, or proposed and not yet applied.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "consensus/types.h"
#include "exchange/event.h"
#include "server/replica/refusal.h"
#include "server/replica/replica_counters.h"

namespace quorumbook::server {

// What became of a group. Exactly one of `refusal` and `group` is set; valid during the call.
struct GroupReply {
  const Refusal* refusal = nullptr;
  const exchange::ApplyResult* result = nullptr;
  const exchange::GroupResult* group = nullptr;
};
// Called once, by the replica.
using GroupCallback = std::function<void(const GroupReply&)>;

struct WaitingGroup {
  std::string bytes;  // exchange::EncodeGroup
  GroupCallback callback;
  consensus::Instant since{};  // when it arrived
};

// Bounded by the replica, which counts what it lets in.
class ProposalQueue {
 public:
  // `counters`: where durations and failures are counted; outlives this.
  explicit ProposalQueue(ReplicaCounters* counters) : counters_(*counters) {}

  void Add(WaitingGroup group);
  bool HasWaiting() const { return !waiting_.empty(); }
  size_t waiting() const { return waiting_.size(); }
  uint64_t waiting_bytes() const { return waiting_bytes_; }
  // Of groups that wait or are proposed.
  uint64_t unanswered_bytes() const { return waiting_bytes_ + proposed_bytes_; }
  bool HasProposed() const { return !proposed_.empty(); }

  // Packs waiting groups, in order, into one batch of at most about `max_bytes` (one group at
  // least). They stay waiting until Proposed(). REQUIRES: HasWaiting().
  struct Packed {
    consensus::Payload payload;
    size_t groups = 0;
  };
  Packed Pack(exchange::Time time, uint64_t max_bytes) const;
  // The first `groups` waiting ones are now entry (index, term).
  void Proposed(size_t groups, consensus::Index index, consensus::Term term,
                consensus::Instant now);

  // Entry (index, term) was applied with this result: answers its groups, if they came from here.
  // Returns how many those are.
  size_t Applied(consensus::Index index, consensus::Term term, const exchange::ApplyResult& result,
                 consensus::Instant now);
  void FailWaiting(const Refusal& refusal);
  void FailProposed(const Refusal& refusal);

 private:
  struct ProposedGroup {
    GroupCallback callback;
    consensus::Instant since;
  };
  struct ProposedEntry {
    consensus::Index index;
    consensus::Term term;
    std::vector<ProposedGroup> groups;
    uint64_t bytes = 0;
  };
  void Fail(const std::vector<ProposedGroup>& groups, const Refusal& refusal);

  ReplicaCounters& counters_;

  std::deque<WaitingGroup> waiting_;
  uint64_t waiting_bytes_ = 0;
  std::deque<ProposedEntry> proposed_;  // by ascending index
  uint64_t proposed_bytes_ = 0;
};

}  // namespace quorumbook::server
