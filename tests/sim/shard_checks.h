// What is checked of one shard after every event, over all its replicas and clients.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "consensus/invariants.h"
#include "exchange/exchange.h"
#include "tests/sim/context.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/model.h"

namespace quorumbook::sim {

bool HasMajority(const std::vector<NodeId>& voters, const std::vector<NodeId>& holders);

// A place in the order of everything that a shard did: index of the entry, then of the group in it.
struct Position {
  uint64_t index = 0;
  uint32_t group = 0;

  auto operator<=>(const Position&) const = default;
};

// Of what a client is told about a command, for comparing.
uint64_t HashOf(const exchange::CommandResult& command, const std::vector<exchange::Event>& events);

class ShardChecks {
 public:
  ShardChecks(ShardId shard, Context* context) : shard_(shard), context_(*context) {}

  // Of a member, also after its end: promises do not end with it.
  DurableLog& durable(NodeId member) { return durable_[member]; }

  // The core of `member` asks for something; see consensus/invariants.h.
  void Observe(NodeId member, const consensus::Raft& raft, const consensus::Output& output);
  void Forget(NodeId member) {
    invariants_.Forget(member);
    transfers_.erase(member);
    leading_.erase(member);
  }
  // `member` runs and leads. Called often: a leader that gets nothing committed, though there is
  // something, must give way. Time counts from call to call, unless they are a second apart.
  void WatchLeader(NodeId member, const consensus::RaftStatus& status);
  // The members as somebody knows them, by the entry or snapshot at `index`; kept after its end
  // too.
  struct Known {
    consensus::Configuration configuration;
    consensus::Index index;
  };
  void SetMembers(NodeId member, Known known) { members_[member] = std::move(known); }
  const std::map<NodeId, Known>& members() const { return members_; }
  // Of the latest configuration that is committed: earlier ones are not in force any more.
  consensus::Index members_index() const { return members_index_; }
  // A traitor broke this term; see consensus/invariants.h.
  void Betrayed(consensus::Term term) { invariants_.Distrust(term); }
  // What the state machine of this member holds is not looked at, nor with what time it stamps what
  // it proposes: it may not know that of the last entry. The exchange takes no time for earlier.
  void Distrust(NodeId member) { distrusted_ = member; }
  bool trusts(NodeId member) const { return member != distrusted_; }

  // Whose disks have all that the disk of `member` has.
  std::vector<NodeId> HoldersOfAllOf(NodeId member) const;
  // An older copy of its disk was put back: nobody knows that it lacks what it had acknowledged,
  // until it is asked.
  void RolledBack(NodeId member) { rolled_back_.insert(member); }

  // `member` applied an entry; `exchange` is its state afterwards.
  void Applied(NodeId member, const consensus::Entry& entry, const exchange::ApplyResult& result,
               const exchange::Exchange& exchange);

  // `member` answers a client with the result of entry `index`: it must be committed, and durable
  // on a majority of `configuration`.
  void Acknowledged(NodeId member, consensus::Index index,
                    const consensus::Configuration& configuration);

  // What the committed history says about a command: hash of its events, and where it was executed.
  struct Command {
    uint64_t hash = 0;
    Position position;
  };
  // Null: never executed.
  const Command* Find(exchange::SessionId session, uint64_t sequence) const;

  // The client has heard of everything up to here: what comes later must be after it.
  void Heard(Position position) { heard_ = std::max(heard_, position); }
  Position heard() const { return heard_; }
  // Of the last event at an index that was applied.
  uint64_t LastSequence(consensus::Index index) const { return at(index).last_sequence; }

  consensus::Index committed() const { return invariants_.committed(); }
  consensus::Index applied() const { return consensus::Index(entries_.size()); }
  uint64_t commands() const { return commands_.size(); }

 private:
  struct First {
    Digest chain;
    uint64_t result_hash = 0;
    uint64_t last_sequence = 0;
  };
  const First& at(consensus::Index index) const { return entries_[index.value() - 1]; }

  void ApplyFirst(const consensus::Entry& entry, const exchange::ApplyResult& result, uint64_t hash,
                  uint64_t last_sequence);
  void CompareStates(NodeId member, consensus::Index index, const exchange::Exchange& exchange);
  void Fail(NodeId member, const std::string& what);
  void CheckCommit(NodeId member, const consensus::Raft& raft);
  void CheckTransfers(NodeId member, const consensus::Raft& raft, const consensus::Output& output);
  void CheckSilence(NodeId member, const consensus::Raft& raft, const consensus::Output& output);
  // Members who have made the entry durable, or a snapshot that covers it.
  std::vector<NodeId> Holders(consensus::Index index, const Digest& chain) const;

  const ShardId shard_;
  Context& context_;
  consensus::Invariants invariants_;
  bool violation_told_ = false;
  std::map<NodeId, DurableLog> durable_;
  // Of a leader, since when it has got no further.
  struct Leading {
    consensus::Term term;
    consensus::Index commit;
    uint64_t progress = 0;
    SimTime watched_at = 0;
    SimTime since = 0;
  };
  std::map<NodeId, Leading> leading_;
  // Of a process, the last snapshot that it sent to each peer.
  struct Transfer {
    consensus::Index index;
    uint64_t bytes = 0;
  };
  std::map<NodeId, std::map<NodeId, Transfer>> transfers_;
  std::map<NodeId, Known> members_;
  consensus::Index members_index_;
  NodeId distrusted_;
  std::set<consensus::Term> led_by_distrusted_;

  Model model_;
  std::vector<First> entries_;  // by index - 1, as first applied by anybody
  std::map<uint64_t, Digest> states_;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, Command> commands_;
  exchange::Time last_time_ = 0;
  Position heard_;
  std::set<NodeId> rolled_back_;
};

}  // namespace quorumbook::sim
