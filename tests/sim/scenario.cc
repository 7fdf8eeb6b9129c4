#include "tests/sim/scenario.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/sim/random.h"

namespace quorumbook::sim {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kFaultNames[] = {
    "loss",
    "delay",
    "reorder",
    "duplicate",
    "late_duplicate",
    "clog",
    "black_hole",
    "slow_link",
    "one_way_partition",
    "split_partition",
    "bridge",
    "isolated_leader",
    "wire_corruption",
    "crash",
    "leader_crash",
    "crash_loop",
    "pause",
    "cluster_power_loss",
    "lost_writes",
    "torn_write",
    "log_bit_rot",
    "snapshot_bit_rot",
    "misdirected_write",
    "rolled_back_disk",
    "slow_disk",
    "stalled_disk",
    "sync_error",
    "disk_full",
    "clock_skew",
    "clock_drift",
    "clock_jump",
    "membership_change",
    "node_replaced",
    "leadership_transfer",
    "drain",
    "snapshot_under_load",
    "lonely_node",
    "stale_leader",
    "stranded_candidate",
    "disputed_entry",
    "disputed_members",
    "siege",
    "client_retry",
    "client_duplicate",
    "client_disconnect",
};
static_assert(std::size(kFaultNames) == kFaults);

constexpr std::string_view kByzantineNames[] = {
    "none",           "equivocating_leader", "false_leader",
    "double_voter",   "forged_identity",     "corrupting_sender",
    "diverged_state",
};
static_assert(std::size(kByzantineNames) == kByzantines);

constexpr Fault kMessageFaults[] = {Fault::kLoss,          Fault::kDelay,
                                    Fault::kReorder,       Fault::kDuplicate,
                                    Fault::kLateDuplicate, Fault::kWireCorruption};

bool IsOfMessages(Fault fault) {
  return std::find(std::begin(kMessageFaults), std::end(kMessageFaults), fault) !=
         std::end(kMessageFaults);
}

// Clients and small snapshots do these by themselves, in every run.
bool IsAlwaysOn(Fault fault) {
  return fault == Fault::kClientRetry || fault == Fault::kClientDuplicate ||
         fault == Fault::kClientDisconnect;
}

// The others, which are many, leave them too little time: a leader has to live for a while, or all
// others to pause.
constexpr std::pair<Fault, std::string_view> kDrawnApart[] = {
    {Fault::kBlackHole, "black hole"},
    {Fault::kSlowLink, "slow link"},
    {Fault::kSiege, "siege"},
    {Fault::kRolledBackDisk, "rolled back disk"},
};

bool IsDrawnApart(Fault fault) {
  return std::ranges::find(kDrawnApart, fault, &std::pair<Fault, std::string_view>::first) !=
         std::end(kDrawnApart);
}

bool IsPlot(Fault fault) { return fault >= Fault::kLonelyNode && fault <= Fault::kDisputedMembers; }

void DrawFaults(Random& random, Scenario* scenario) {
  // How many classes are on differs from seed to seed: many at once hide what one alone shows.
  const uint64_t density = 1 + random.Below(8);
  for (size_t i = 0; i < kFaults; ++i) {
    const Fault fault = static_cast<Fault>(i);
    SimTime& strength = scenario->faults[i];
    if (IsDrawnApart(fault)) continue;
    if (IsAlwaysOn(fault)) {
      strength = random.Between(1'000, 60'000);  // ppm
    } else if (IsPlot(fault)) {
      // By themselves: the more else goes wrong, the less likely they get to their end.
      strength = random.OneIn(4) ? random.Between(2, 15) * kSecond : 0;
    } else if (random.Below(16) >= density) {
      strength = 0;
    } else if (IsOfMessages(fault)) {
      strength = random.Between(1'000, 150'000) / static_cast<int64_t>(1 + random.Below(8));
    } else {
      strength = random.Between(3, 30) * kSecond;
    }
  }
}

void DrawRaft(Random& random, Scenario* scenario) {
  const int64_t scale = random.Between(1, 3);
  scenario->election_timeout_min = milliseconds(300 * scale);
  scenario->election_timeout_max = milliseconds(600 * scale);
  scenario->heartbeat_interval = milliseconds(random.Between(50, 100) * scale);
  // Below an election timeout too, and so short that clients leave time for it.
  scenario->quiesce_after =
      random.OneIn(3) ? milliseconds(50 << random.Below(7)) : consensus::Duration::zero();
  scenario->lease_reads = random.OneIn(2);
  scenario->priorities = random.OneIn(4);
  scenario->digest_interval = uint64_t{16} << random.Below(4);
  scenario->snapshot_log_bytes = uint64_t{4'000} << random.Below(6);
  scenario->keep_log_bytes = scenario->snapshot_log_bytes / (1 + random.Below(16));
  scenario->snapshot_chunk_bytes = uint64_t{512} << random.Below(6);
  // At times each entry goes alone.
  scenario->max_append_bytes = random.OneIn(3) ? 1 : uint64_t{1} << (9 + random.Below(10));
  scenario->max_inflight_messages = uint64_t{1} << random.Below(9);
}

void DrawApart(uint64_t seed, Scenario* scenario) {
  for (const auto& [fault, stream] : kDrawnApart) {
    Random random(seed, stream);
    scenario->faults[static_cast<size_t>(fault)] =
        random.OneIn(6) ? random.Between(3, 30) * kSecond : 0;
  }
}

void DrawBounds(Random random, Scenario* scenario) {
  scenario->snapshot_window_bytes = scenario->snapshot_chunk_bytes * (1 + random.Below(16));
  scenario->snapshot_bytes_per_second = random.OneIn(4) ? uint64_t{32'768} << random.Below(5) : 0;
  scenario->transfer_log_bytes = uint64_t{16'384} << random.Below(12);
  scenario->max_inflight_bytes = uint64_t{256} << random.Below(16);
  scenario->max_uncommitted_bytes = uint64_t{512} << random.Below(16);
}

}  // namespace

std::string_view NameOf(Fault fault) { return kFaultNames[static_cast<size_t>(fault)]; }
std::string_view NameOf(Byzantine byzantine) {
  return kByzantineNames[static_cast<size_t>(byzantine)];
}

namespace {

void Restrict(Profile profile, Random& random, Scenario* scenario) {
  if (profile == Profile::kSwarm) return;
  scenario->nodes = 3;
  scenario->spares = 0;
  scenario->shards = 1;
  scenario->byzantine = Byzantine::kNone;
  scenario->quiesce_after = {};
  scenario->priorities = false;
  scenario->peer_codec = false;
  scenario->any_orders = false;
  scenario->faults = {};
  if (profile == Profile::kLeaderDeath) {
    scenario->nodes = 3 + 2 * static_cast<int>(random.Below(2));
    scenario->faults[static_cast<size_t>(Fault::kLeaderCrash)] = 15 * kSecond;
    scenario->one_down = true;
    return;
  }
  constexpr Fault kOrdinary[] = {
      Fault::kCrash,     Fault::kLeaderCrash,       Fault::kPause,          Fault::kLostWrites,
      Fault::kTornWrite, Fault::kSlowDisk,          Fault::kSplitPartition, Fault::kClog,
      Fault::kDiskFull,  Fault::kLeadershipTransfer};
  for (const Fault fault : kOrdinary) scenario->faults[static_cast<size_t>(fault)] = kMinute;
  constexpr Fault kRare[] = {Fault::kLoss,    Fault::kDelay,           Fault::kDuplicate,
                             Fault::kReorder, Fault::kClientDuplicate, Fault::kClientDisconnect};
  for (const Fault fault : kRare) scenario->faults[static_cast<size_t>(fault)] = 1'000;
}

}  // namespace

Scenario DrawScenario(uint64_t seed, Profile profile, SimTime time) {
  constexpr int kSizes[] = {1, 2, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 6, 7};
  Random random(seed, "scenario");
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = kSizes[random.Below(std::size(kSizes))];
  scenario.spares = std::min<int>(static_cast<int>(random.Below(3)), kNodesMax - scenario.nodes);
  scenario.shards = random.OneIn(3) ? 1 + static_cast<int>(random.Below(kShardsMax)) : 1;
  DrawRaft(random, &scenario);
  DrawBounds(Random(seed, "bounds"), &scenario);
  scenario.peer_codec = Random(seed, "codec").OneIn(8);
  scenario.network_delay = random.Between(50, 2'000) * kMicrosecond;
  scenario.network_jitter = random.Between(10, 5'000) * kMicrosecond;
  scenario.sync_time = random.Between(50, 2'000) * kMicrosecond;
  scenario.sync_jitter = random.Between(10, 5'000) * kMicrosecond;
  scenario.clients = 1 + static_cast<int>(random.Below(4));
  scenario.think_time = random.Between(50, 1'500) * kMillisecond;
  scenario.commands = 1 + static_cast<int>(random.Below(6));
  scenario.window = 1 + static_cast<int>(random.Below(3));
  scenario.symbols = 1 + static_cast<int>(random.Below(3));
  scenario.read_ppm = static_cast<uint32_t>(random.Below(500'000));
  DrawFaults(random, &scenario);
  DrawApart(seed, &scenario);
  scenario.any_orders = Random(seed, "orders").OneIn(4);
  scenario.faulty_time = random.Between(30, 150) * kSecond;
  if (time != 0) scenario.faulty_time = time;
  if (scenario.nodes >= 3 && random.OneIn(8)) {
    scenario.byzantine = static_cast<Byzantine>(1 + random.Below(kByzantines - 1));
  }
  Restrict(profile, random, &scenario);
  return scenario;
}

std::string Scenario::ToString() const {
  std::string text = absl::StrCat(nodes, " nodes, ", spares, " spares, ", shards, " shards, ",
                                  shards * clients, " clients, ", faulty_time / kSecond, " s of");
  for (size_t i = 0; i < kFaults; ++i) {
    if (faults[i] != 0) absl::StrAppend(&text, " ", kFaultNames[i].data());
  }
  if (byzantine != Byzantine::kNone) absl::StrAppend(&text, "; ", NameOf(byzantine).data());
  return text;
}

}  // namespace quorumbook::sim
