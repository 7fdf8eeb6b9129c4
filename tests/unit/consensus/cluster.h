// A whole group in one thread: real cores on a simulated network, disks and clock. One seed
// decides everything. Invariants are checked after every step.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "consensus/invariants.h"
#include "consensus/raft.h"
#include "tests/unit/consensus/random.h"
#include "tests/unit/consensus/sim_disk.h"

namespace quorumbook::consensus {

struct NetworkFaults {
  Duration delay_min = std::chrono::microseconds(100);
  Duration delay_max = std::chrono::microseconds(500);  // unequal delays reorder messages
  uint64_t loss_percent = 0;
  uint64_t duplicate_percent = 0;
};

struct DiskFaults {
  Duration write_min = std::chrono::microseconds(200);
  Duration write_max = std::chrono::milliseconds(2);
};

struct ClusterOptions {
  size_t nodes = 3;
  uint64_t seed = 1;
  Options raft;  // id, configuration and seed are filled in
  bool random_priorities = false;
  NetworkFaults network;
  DiskFaults disk;
  // A host takes a snapshot when its log is larger. 0: never.
  uint64_t compact_bytes = 0;
  uint64_t snapshot_padding_bytes = 0;
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options);

  // One event: a message, a completed write or a timer. Time moves to it.
  void Step();
  void RunFor(Duration duration);
  // Until `done` or for `limit`; whether it came to `done`.
  template <typename Done>
  bool RunUntil(Done done, Duration limit) {
    const Instant end = now_ + limit;
    while (!done()) {
      if (now_ >= end || failure()) return false;
      Step();
    }
    return true;
  }

  // Clients. False: not the leader, or refused.
  bool Propose(NodeId node, std::string payload);
  bool Read(NodeId node);
  bool Transfer(NodeId from, NodeId target);
  ProposeResult ChangeMembers(NodeId node, std::vector<NodeId> voters,
                              std::vector<NodeId> learners = {});

  // A node that belongs to no configuration yet.
  NodeId Join();
  // It never comes back.
  void Retire(NodeId node);
  // Its state machine goes wrong at its next entry.
  void Diverge(NodeId node) { At(node).diverges = true; }

  // Faults.
  void Crash(NodeId node);
  void Restart(NodeId node);
  void Block(NodeId from, NodeId to) { blocked_.insert({from, to}); }
  // Only nodes of the same side hear each other.
  void Partition(const std::set<NodeId>& side);
  void Isolate(NodeId node) { Partition({node}); }
  void Heal() { blocked_.clear(); }
  // Writes of this node complete no earlier.
  void StallDisk(NodeId node, Instant until);
  NetworkFaults& network() { return options_.network; }
  DiskFaults& disk_faults() { return options_.disk; }
  // Bytes of messages are copied on the way and one is changed, in this share of appends.
  void CorruptAppends(uint64_t percent) { corrupt_percent_ = percent; }

  Instant now() const { return now_; }
  const std::vector<NodeId>& nodes() const { return nodes_; }
  bool up(NodeId node) const { return At(node).raft != nullptr; }
  Raft& raft(NodeId node) { return *At(node).raft; }
  const SimDisk& disk(NodeId node) const { return At(node).disk; }
  Index applied(NodeId node) const { return At(node).applied; }
  // The leader of the highest term that is up.
  std::optional<NodeId> Leader() const;
  // Whether all members that the leader knows have applied all that is committed.
  bool AllAppliedEqually() const;

  // The first thing that was found wrong.
  std::optional<std::string> failure() const;
  Index committed() const { return invariants_.committed(); }
  uint64_t reads_confirmed() const { return reads_confirmed_; }
  uint64_t snapshots_installed() const { return snapshots_installed_; }
  uint64_t leaders_elected() const { return leaders_.size(); }
  uint64_t messages_sent() const { return messages_sent_; }
  const std::vector<Evidence>& evidence() const { return evidence_; }
  // One line a replica.
  std::string Describe() const;

 private:
  struct Node {
    std::unique_ptr<Raft> raft;  // null: crashed
    bool founder = true;
    bool retired = false;
    bool diverges = false;
    SimDisk disk;
    uint64_t incarnation = 0;
    Instant disk_free_at{};
    Instant disk_stalled_until{};
    // The state machine: a hash over all it applied.
    Index applied;
    Digest state;
    std::map<uint64_t, Index> reads;  // id -> committed anywhere when it was asked
  };
  struct Event {
    Instant at{};
    uint64_t order = 0;
    NodeId node;
    uint64_t incarnation = 0;        // of a disk completion
    std::optional<Message> message;  // empty: the disk completes a write
    bool operator>(const Event& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  Node& At(NodeId node) { return replicas_[node.value() - 1]; }
  const Node& At(NodeId node) const { return replicas_[node.value() - 1]; }
  void Schedule(Event event);
  void Handle(NodeId id);
  void SendMessage(Message message);
  void Apply(NodeId id, const Entry& entry);
  void Restore(NodeId id, const Snapshot& snapshot);
  void FinishRead(NodeId id, const ReadReady& ready);
  void MaybeCompact(NodeId id);
  void ReportState(NodeId id);
  void Fail(const std::string& what);

  ClusterOptions options_;
  Random random_;
  Instant now_{};
  std::vector<NodeId> nodes_;
  std::deque<Node> replicas_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t order_ = 0;
  std::set<std::pair<NodeId, NodeId>> blocked_;
  Invariants invariants_;
  std::optional<std::string> failure_;
  std::vector<Evidence> evidence_;
  std::set<Term> leaders_;
  std::map<Index, Digest> states_;  // of the state machine, wherever it was first seen
  uint64_t next_read_ = 1;
  uint64_t reads_confirmed_ = 0;
  uint64_t snapshots_installed_ = 0;
  uint64_t messages_sent_ = 0;
  uint64_t corrupt_percent_ = 0;
};

}  // namespace quorumbook::consensus
