// What one seed is about: the size of the cluster, the load, which faults and how hard (swarm
// testing: Groce et al., "Swarm Testing", ISSTA 2012).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "consensus/mutant.h"
#include "consensus/types.h"
#include "server/replica/mutant.h"
#include "storage/simulated_store.h"
#include "tests/sim/event_queue.h"

namespace quorumbook::sim {

enum class Fault : uint8_t {
  kLoss,
  kDelay,
  kReorder,
  kDuplicate,
  kLateDuplicate,
  kClog,
  kBlackHole,  // of a path MTU: what is larger never arrives
  kSlowLink,   // what is sent waits for what was sent before it
  kOneWayPartition,
  kSplitPartition,
  kBridge,
  kIsolatedLeader,
  kWireCorruption,
  kCrash,
  kLeaderCrash,
  kCrashLoop,
  kPause,
  kClusterPowerLoss,
  kLostWrites,
  kTornWrite,
  kLogBitRot,
  kSnapshotBitRot,
  kMisdirectedWrite,
  kRolledBackDisk,  // an older copy of a disk is put back
  kSlowDisk,
  kStalledDisk,
  kSyncError,
  kDiskFull,
  kClockSkew,
  kClockDrift,
  kClockJump,
  kMembershipChange,
  kNodeReplaced,
  kLeadershipTransfer,
  kDrain,
  kSnapshotUnderLoad,
  // Plots (tests/sim/plots.cc): several faults at the moments at which they hurt most.
  kLonelyNode,
  kStaleLeader,
  kStrandedCandidate,
  kDisputedEntry,
  kDisputedMembers,
  kSiege,
  kClientRetry,
  kClientDuplicate,
  kClientDisconnect,
  kCount,
};
inline constexpr size_t kFaults = static_cast<size_t>(Fault::kCount);
std::string_view NameOf(Fault fault);

// A node that breaks the rules on purpose. At most one a seed.
enum class Byzantine : uint8_t {
  kNone,
  kEquivocatingLeader,  // sends one follower another entry than the others
  kFalseLeader,         // claims to lead, to whom it follows
  kDoubleVoter,         // votes for everybody who asks
  kForgedIdentity,      // sends messages in the name of another
  kCorruptingSender,    // changes bytes of entries and snapshots that it sends
  kDivergedState,       // its state machine is not what the log says
  kCount,
};
inline constexpr size_t kByzantines = static_cast<size_t>(Byzantine::kCount);
std::string_view NameOf(Byzantine byzantine);

// Bugs planted outside of the consensus core; consensus/mutant.h has those inside.
using server::ReplicaMutant;
using StoreMutant = storage::SimulatedDisk::Mutant;
enum class HostMutant : uint8_t {
  kNone,
  kIncarnationKept,  // a node whose disk was replaced keeps its identity
};

inline constexpr int kNodesMax = 7;
inline constexpr int kShardsMax = 3;

struct Scenario {
  uint64_t seed = 0;
  int nodes = 3;
  int spares = 0;  // nodes that are no founders
  int shards = 1;

  consensus::Duration election_timeout_min{};
  consensus::Duration election_timeout_max{};
  consensus::Duration heartbeat_interval{};
  consensus::Duration quiesce_after{};
  bool lease_reads = false;
  bool priorities = false;
  uint64_t digest_interval = 0;
  uint64_t snapshot_log_bytes = 0;
  uint64_t keep_log_bytes = 0;
  uint64_t snapshot_chunk_bytes = 0;
  uint64_t snapshot_window_bytes = 0;
  uint64_t snapshot_bytes_per_second = 0;
  uint64_t transfer_log_bytes = 0;
  uint64_t max_append_bytes = 0;
  uint64_t max_inflight_messages = 0;
  uint64_t max_inflight_bytes = 0;
  uint64_t max_uncommitted_bytes = 0;

  bool peer_codec = false;     // messages are encoded and decoded as between daemons
  SimTime network_delay = 0;   // one way, the least
  SimTime network_jitter = 0;  // on top, uniformly
  SimTime sync_time = 0;       // of a write to a disk; likewise
  SimTime sync_jitter = 0;

  int clients = 1;          // a shard
  SimTime think_time = 0;   // mean, between the groups of one client
  int commands = 1;         // most in a group
  int window = 1;           // most groups of a client under way
  int symbols = 1;          // a shard
  bool any_orders = false;  // of all kinds, which the reference model does not know
  uint32_t read_ppm = 0;    // of the requests

  // Mean time between two of its kind, or for those of messages the probability in ppm; 0: off.
  std::array<SimTime, kFaults> faults{};
  bool one_down = false;    // a leader dies only while all nodes run
  SimTime faulty_time = 0;  // afterwards a quorum is healed
  Byzantine byzantine = Byzantine::kNone;

  consensus::Mutant mutant = consensus::Mutant::kNone;
  ReplicaMutant replica_mutant = ReplicaMutant::kNone;
  StoreMutant store_mutant = StoreMutant::kNone;
  HostMutant host_mutant = HostMutant::kNone;

  SimTime fault(Fault which) const { return faults[static_cast<size_t>(which)]; }
  bool has(Fault which) const { return fault(which) != 0; }
  uint32_t ppm(Fault which) const { return static_cast<uint32_t>(fault(which)); }
  // "3 nodes, 1 shard, ...: loss, crash"
  std::string ToString() const;
};

enum class Profile : uint8_t {
  kSwarm,        // everything is drawn
  kLoad,         // 3 nodes and ordinary faults: for the speed of the simulator
  kLeaderDeath,  // nothing happens but that leaders die: for the time until there is another
};

// What a seed means. `time`: how long there are faults; 0: drawn too.
Scenario DrawScenario(uint64_t seed, Profile profile, SimTime time);

}  // namespace quorumbook::sim
