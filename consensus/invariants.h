// The properties that Raft guarantees at all times (thesis figure 3.2), checked from outside.
//
// An observer of a whole group: tests and simulations show it each replica after each step. The
// cost of a look is in proportion to what has changed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "consensus/output.h"
#include "consensus/raft.h"

namespace quorumbook::consensus {

// What is on the disk of a replica, as its host knows.
class DurableView {
 public:
  virtual ~DurableView() = default;
  virtual HardState hard_state() const = 0;
  // Of an entry in the log or of the snapshot's last one; empty otherwise.
  virtual std::optional<SnapshotMeta> Meta(Index index) const = 0;
  // Of the snapshot; 0 when there is none.
  virtual Index snapshot_index() const = 0;
};

// Remembers what it has seen of a group since its beginning. Once something is violated,
// `violation` says what, and stays.
class Invariants {
 public:
  // Looks at a replica after a step. `output` is what the step gave out.
  void Observe(NodeId id, const Raft& raft, const Output& output, const DurableView& disk);
  // A Byzantine voter or leader broke this term: it may have two leaders, and logs need not match
  // in it. All else still has to hold, above all for what is committed.
  void Distrust(Term term) { distrusted_.insert(term); }
  // A replica crashed: what it held in memory only is gone.
  void Forget(NodeId id) { replicas_.erase(id); }

  const std::optional<std::string>& violation() const { return violation_; }
  // The highest index that was seen committed anywhere.
  Index committed() const { return Index(committed_.size()); }

 private:
  struct Replica {
    Term term;
    Role role = Role::kFollower;
    Index commit;
    SnapshotMeta last;
    Index emitted;
    std::map<Index, Configuration> configurations;  // of its log, as far as it was seen
  };
  struct Committed {
    SnapshotMeta meta;
    Term by;  // the term in which it was first seen committed
  };

  void Violated(NodeId id, const std::string& what);
  void CheckTerms(NodeId id, const Raft& raft, const Replica& before);
  void CheckLeader(NodeId id, const Raft& raft, const RaftStatus& status, const Replica& before);
  void CheckLogMatching(NodeId id, const Raft& raft, const RaftStatus& status,
                        const Replica& before);
  void CheckCommitted(NodeId id, const Raft& raft, const Replica& before);
  void CheckEmitted(NodeId id, const Output& output, Replica* replica);
  void CheckElectorate(NodeId id, const RaftStatus& status);
  void CheckConfiguration(NodeId id, const RaftStatus& status, const Output& output,
                          Replica* replica);
  void CheckMembers(NodeId id, const Entry& entry);
  void CheckPromises(NodeId id, const Raft& raft, const Output& output, const DurableView& disk);

  std::optional<std::string> violation_;
  std::unordered_map<NodeId, Replica> replicas_;
  std::set<Term> distrusted_;
  std::map<Term, NodeId> leaders_;
  std::map<std::pair<Term, NodeId>, NodeId> votes_;  // (term, voter) -> candidate
  std::map<std::pair<Index, Term>, Digest> chains_;
  std::map<Index, Configuration> members_;  // by the entries that were applied
  std::vector<Committed> committed_;        // at place i the entry with index i + 1
};

}  // namespace quorumbook::consensus
