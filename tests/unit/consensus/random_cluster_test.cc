// Clusters under random faults: safety after every step, service again once healed.
//
// QUORUMBOOK_SEED=N runs one seed, QUORUMBOOK_SEEDS=N that many.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/unit/consensus/cluster.h"
#include "tests/unit/consensus/describe.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t kSeedsDefault = 60;

// Draws for one seed how large the cluster is, how bad its world, and what goes wrong when.
class Nemesis {
 public:
  explicit Nemesis(uint64_t seed) : random_(seed * 2 + 1), cluster_(DrawOptions(seed)) {}

  Cluster& cluster() { return cluster_; }
  uint64_t changes() const { return changes_; }

  void Torment(Duration duration) {
    const Instant end = cluster_.now() + duration;
    while (cluster_.now() < end && !cluster_.failure()) {
      Act();
      cluster_.RunFor(microseconds(random_.Between(100, 30'000)));
    }
  }

  void HealAll() {
    cluster_.Heal();
    cluster_.network() = NetworkFaults{};
    cluster_.disk_faults() = DiskFaults{};
    for (NodeId node : cluster_.nodes()) {
      cluster_.StallDisk(node, cluster_.now());
      cluster_.Restart(node);
    }
  }

 private:
  ClusterOptions DrawOptions(uint64_t seed) {
    ClusterOptions options;
    options.nodes = random_.Between(1, 7);
    options.seed = seed;
    options.network.loss_percent = random_.Chance(50) ? random_.Below(15) : 0;
    options.network.duplicate_percent = random_.Chance(50) ? random_.Below(15) : 0;
    if (random_.Chance(50)) options.network.delay_max = milliseconds(random_.Between(1, 60));
    if (random_.Chance(50)) options.disk.write_max = milliseconds(random_.Between(1, 200));
    options.raft.max_append_bytes = random_.Between(200, 4'000);
    options.raft.max_inflight_bytes = random_.Between(1'000, 20'000);
    options.raft.max_inflight_messages = random_.Between(1, 16);
    options.raft.max_uncommitted_bytes = 50'000;
    options.raft.snapshot_chunk_bytes = random_.Between(20, 500);
    options.raft.keep_log_bytes = random_.Chance(50) ? random_.Below(3'000) : 0;
    options.compact_bytes = random_.Chance(70) ? random_.Between(500, 10'000) : 0;
    options.snapshot_padding_bytes = random_.Below(3'000);
    options.raft.snapshot_window_bytes = random_.Between(20, 2'000);
    options.raft.transfer_log_bytes = random_.Between(1'000, 30'000);
    options.raft.digest_interval = random_.Between(1, 50);
    options.raft.lease_reads = random_.Chance(50);
    options.random_priorities = random_.Chance(30);
    if (random_.Chance(30)) options.raft.quiesce_after = milliseconds(random_.Between(1, 500));
    changes_members_ = random_.Chance(60);
    return options;
  }

  NodeId Any() { return cluster_.nodes()[random_.Below(cluster_.nodes().size())]; }
  // Often the leader, where most of the trouble is.
  NodeId Victim() { return random_.Chance(50) ? cluster_.Leader().value_or(Any()) : Any(); }

  void Act() {
    for (uint64_t count = random_.Below(6); count > 0; --count) {
      const std::string payload(random_.Below(300), 'x');
      cluster_.Propose(Victim(), payload + std::to_string(proposals_++));
    }
    if (random_.Chance(30)) cluster_.Read(Victim());
    if (changes_members_ && random_.Chance(5)) ChangeMembers();
    if (!random_.Chance(10)) return;
    if (random_.Chance(40)) return Recover();
    switch (random_.Below(6)) {
      case 0:
        return cluster_.Crash(Victim());
      case 1:
        return cluster_.Isolate(Victim());
      case 2: {
        std::set<NodeId> side;
        for (NodeId node : cluster_.nodes()) {
          if (random_.Chance(50)) side.insert(node);
        }
        return cluster_.Partition(side);
      }
      case 3:
        return cluster_.Block(Any(), Any());
      case 4:
        cluster_.Transfer(Any(), random_.Chance(50) ? Any() : NodeId());
        return;
      default:
        return cluster_.StallDisk(Victim(), cluster_.now() + milliseconds(random_.Below(2'000)));
    }
  }

  // Somebody joins, gets another role, leaves, or is gone for good when the group does not need it.
  void ChangeMembers() {
    const std::optional<NodeId> leader = cluster_.Leader();
    if (!leader) return;
    const RaftStatus status = cluster_.raft(*leader).status();
    if (status.configuration.joint() || status.commit < status.configuration_index) return;
    RetireSomebody(status.configuration);
    std::vector<NodeId> voters = status.configuration.voters;
    std::vector<NodeId> learners = status.configuration.learners;
    for (uint64_t changes = random_.Between(1, 3); changes > 0; --changes) {
      if (random_.Chance(40) && cluster_.nodes().size() < 20) learners.push_back(cluster_.Join());
      if (random_.Chance(50)) Move(&learners, &voters);
      if (random_.Chance(30) && voters.size() > 1) Move(&voters, &learners);
      if (random_.Chance(30) && voters.size() > 1) Take(&voters);
      if (random_.Chance(30) && !learners.empty()) Take(&learners);
    }
    const ProposeResult result = cluster_.ChangeMembers(*leader, voters, learners);
    if (result == ProposeResult::kAccepted) ++changes_;
  }

  NodeId Take(std::vector<NodeId>* from) {
    const auto place = from->begin() + static_cast<ptrdiff_t>(random_.Below(from->size()));
    const NodeId taken = *place;
    from->erase(place);
    return taken;
  }
  void Move(std::vector<NodeId>* from, std::vector<NodeId>* to) {
    if (!from->empty()) to->push_back(Take(from));
  }

  void RetireSomebody(const Configuration& committed) {
    const NodeId node = Any();
    if (random_.Chance(50) && !committed.Contains(node)) cluster_.Retire(node);
  }

  void Recover() {
    cluster_.Heal();
    cluster_.Restart(Any());
    cluster_.Restart(Any());
  }

  Random random_;
  bool changes_members_ = false;  // drawn with the options of the cluster
  Cluster cluster_;
  uint64_t proposals_ = 0;
  uint64_t changes_ = 0;
};

// What went wrong; empty when nothing did.
std::string Ordeal(Nemesis& nemesis) {
  Cluster& cluster = nemesis.cluster();
  nemesis.Torment(seconds(15));
  if (cluster.failure()) return *cluster.failure();
  nemesis.HealAll();
  const Index before = cluster.committed();
  const auto serves = [&] {
    const std::optional<NodeId> leader = cluster.Leader();
    return leader && cluster.Propose(*leader, "after healing");
  };
  if (!cluster.RunUntil(serves, seconds(10))) return "no leader after healing";
  const auto converged = [&] {
    return cluster.committed() > before && cluster.AllAppliedEqually();
  };
  if (!cluster.RunUntil(converged, seconds(20))) return "no convergence after healing";
  const uint64_t reads = cluster.reads_confirmed();
  const auto read = [&] {
    const std::optional<NodeId> leader = cluster.Leader();
    if (leader && cluster.reads_confirmed() == reads) cluster.Read(*leader);
    return cluster.reads_confirmed() > reads;
  };
  if (!cluster.RunUntil(read, seconds(5))) return "no read after healing";
  if (cluster.failure()) return *cluster.failure();
  if (!cluster.evidence().empty()) {
    return "against a correct node: " + Describe(cluster.evidence().front());
  }
  return "";
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(RandomClusterTest, StaysSafeUnderFaultsAndServesAfterHealing) {
  const uint64_t only = FromEnvironment("QUORUMBOOK_SEED", 0);
  const uint64_t first = only != 0 ? only : 1;
  const uint64_t last = only != 0 ? only : FromEnvironment("QUORUMBOOK_SEEDS", kSeedsDefault);
  uint64_t committed = 0;
  uint64_t reads = 0;
  uint64_t snapshots = 0;
  uint64_t leaders = 0;
  uint64_t changes = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    Nemesis nemesis(seed);
    const std::string problem = Ordeal(nemesis);
    ASSERT_EQ(problem, "") << nemesis.cluster().Describe() << "again with: QUORUMBOOK_SEED=" << seed
                           << " consensus_random_test";
    committed += nemesis.cluster().committed().value();
    reads += nemesis.cluster().reads_confirmed();
    snapshots += nemesis.cluster().snapshots_installed();
    leaders += nemesis.cluster().leaders_elected();
    changes += nemesis.changes();
  }
  std::cout << last - first + 1 << " seeds: " << committed << " entries, " << reads << " reads, "
            << snapshots << " snapshots restored, " << leaders << " leaders, " << changes
            << " changes of members\n";
  // The faults must have been hard enough, and not too hard, to show anything.
  EXPECT_GT(committed, 100 * (last - first + 1));
  if (only != 0) return;
  EXPECT_GT(reads, last);
  EXPECT_GT(snapshots, last);
  EXPECT_GT(leaders, 3 * last);
  EXPECT_GT(changes, last);
}

}  // namespace
}  // namespace quorumbook::consensus
