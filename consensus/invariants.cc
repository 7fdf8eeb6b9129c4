#include "consensus/invariants.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "consensus/quorum.h"

namespace quorumbook::consensus {
namespace {

std::string At(Index index, Term term) {
  return "index " + std::to_string(index.value()) + " term " + std::to_string(term.value());
}

}  // namespace

void Invariants::Violated(NodeId id, const std::string& what) {
  if (!violation_) violation_ = "node " + std::to_string(id.value()) + ": " + what;
}

void Invariants::Observe(NodeId id, const Raft& raft, const Output& output,
                         const DurableView& disk) {
  const auto [place, is_new] = replicas_.try_emplace(id);
  Replica& replica = place->second;
  const RaftStatus status = raft.status();
  if (!is_new) CheckTerms(id, raft, replica);
  CheckLeader(id, raft, status, replica);
  CheckLogMatching(id, raft, status, replica);
  CheckCommitted(id, raft, replica);
  CheckEmitted(id, output, &replica);
  CheckConfiguration(id, status, output, &replica);
  CheckPromises(id, raft, output, disk);
  replica.term = raft.term();
  replica.role = raft.role();
  replica.commit = raft.commit();
  replica.last = raft.EntryMeta(status.last).value_or(SnapshotMeta{});
}

void Invariants::CheckTerms(NodeId id, const Raft& raft, const Replica& before) {
  if (raft.term() < before.term) Violated(id, "term went back");
  if (raft.commit() < before.commit) Violated(id, "commit index went back");
}

void Invariants::CheckLeader(NodeId id, const Raft& raft, const RaftStatus& status,
                             const Replica& before) {
  if (raft.role() != Role::kLeader) return;
  const auto [leader, first_seen] = leaders_.try_emplace(raft.term(), id);
  const bool trusted = !distrusted_.contains(raft.term());
  if (leader->second != id && trusted) {
    Violated(id, "election safety: term " + std::to_string(raft.term().value()) +
                     " is already led by node " + std::to_string(leader->second.value()));
  }
  if (before.role == Role::kLeader && before.term == raft.term()) {
    const std::optional<SnapshotMeta> kept = raft.EntryMeta(before.last.index);
    const bool dropped = status.last < before.last.index;
    if (dropped || (kept && *kept != before.last)) {
      Violated(id, "leader append-only: lost " + At(before.last.index, before.last.term));
    }
    return;
  }
  if (!first_seen && trusted) return;
  if (trusted) CheckElectorate(id, status);
  // Just elected: everything that leaders of earlier terms committed must be here. The chain of
  // the last such entry speaks for those before it.
  for (size_t i = committed_.size(); i > 0; --i) {
    const Committed& entry = committed_[i - 1];
    if (entry.by >= raft.term()) continue;
    const std::optional<SnapshotMeta> own = raft.EntryMeta(entry.meta.index);
    const bool behind = entry.meta.index < status.first;
    if (!behind && own != entry.meta) {
      Violated(id, "leader completeness: lacks " + At(entry.meta.index, entry.meta.term));
    }
    return;
  }
}

// 4.3: it was elected by a majority of each set of voters that it knows of.
void Invariants::CheckElectorate(NodeId id, const RaftStatus& status) {
  MemberSet voted;
  for (const auto& [cast, candidate] : votes_) {
    if (cast.first == status.term && candidate == id) voted.Insert(cast.second);
  }
  voted.Insert(id);  // it asks nobody when it is the only voter
  if (!voted.HasQuorumOf(status.configuration)) {
    Violated(id, "election safety: elected without a quorum of its configuration");
  }
}

// 4.1: a server uses the latest configuration in its log, committed or not.
void Invariants::CheckConfiguration(NodeId id, const RaftStatus& status, const Output& output,
                                    Replica* replica) {
  std::map<Index, Configuration>& known = replica->configurations;
  if (output.persist) {
    const Persist& persist = *output.persist;
    if (persist.snapshot) {
      known.clear();
      const Configuration& members = persist.snapshot->configuration;
      if (!members.empty()) known[persist.snapshot->meta.index] = members;
    }
    if (persist.truncate_from) known.erase(known.lower_bound(*persist.truncate_from), known.end());
    for (const Entry& entry : persist.entries) {
      if (entry.type != EntryType::kConfiguration) continue;
      known[entry.index] = DecodeConfiguration(entry.bytes()).value_or(Configuration{});
    }
  }
  // What it started with was not seen in a write.
  if (known.empty()) known[status.configuration_index] = status.configuration;
  if (known.rbegin()->first != status.configuration_index ||
      known.rbegin()->second != status.configuration) {
    Violated(id, "the configuration in force is not the latest in the log");
  }
}

// One change at a time: through a joint configuration (4.3), or of one voter at most (4.1).
void Invariants::CheckMembers(NodeId id, const Entry& entry) {
  if (entry.type != EntryType::kConfiguration) return;
  const std::optional<Configuration> members = DecodeConfiguration(entry.bytes());
  if (!members) return Violated(id, "applied a configuration that is not valid");
  const auto place = members_.try_emplace(entry.index, *members).first;
  if (place == members_.begin()) return;
  const Configuration& before = std::prev(place)->second;
  const bool follows = before.joint()     ? *members == before.Left()
                       : members->joint() ? members->voters_outgoing == before.voters
                                          : VotersChanged(*members, before) <= 1;
  if (!follows) {
    Violated(id, "two changes of members overlap at index " + std::to_string(entry.index.value()));
  }
  for (NodeId member : members->Members()) {
    if (before.Contains(member) || !before.IsRetired(member)) continue;
    Violated(id, "a member that was removed is back: " + std::to_string(member.value()));
  }
}

// Entries of one index and term have one chain value everywhere, hence one history.
void Invariants::CheckLogMatching(NodeId id, const Raft& raft, const RaftStatus& status,
                                  const Replica& before) {
  if (raft.EntryMeta(before.last.index) == before.last && status.last == before.last.index) return;
  for (Index index = status.last; index >= status.first; index = index.Previous()) {
    const SnapshotMeta meta = *raft.EntryMeta(index);
    // From here on down this log was looked at before.
    if (meta == before.last) return;
    if (distrusted_.contains(meta.term)) continue;
    const auto [known, is_new] = chains_.try_emplace({index, meta.term}, meta.chain);
    if (known->second != meta.chain) {
      return Violated(id, "log matching: two histories of " + At(index, meta.term));
    }
    // A chain that is known speaks for the entries before it, all of which were seen then.
    if (!is_new) return;
  }
}

void Invariants::CheckCommitted(NodeId id, const Raft& raft, const Replica& before) {
  for (Index index = before.commit.Next(); index <= raft.commit(); index = index.Next()) {
    const std::optional<SnapshotMeta> own = raft.EntryMeta(index);
    if (index > committed()) {
      if (!own) return Violated(id, "committed an entry that nobody has seen committed or has");
      committed_.push_back({.meta = *own, .by = raft.term()});
    } else if (own && *own != committed_[index.value() - 1].meta) {
      return Violated(id,
                      "state machine safety: another entry committed at " + At(index, own->term));
    }
  }
}

// What goes to the state machine is consecutive, and the same everywhere.
void Invariants::CheckEmitted(NodeId id, const Output& output, Replica* replica) {
  if (output.restore) {
    const SnapshotMeta& meta = output.restore->meta;
    if (meta.index > committed() || committed_[meta.index.value() - 1].meta != meta) {
      Violated(id, "state machine safety: restored what is not committed");
    }
    replica->emitted = meta.index;
  }
  for (const Entry& entry : output.committed) {
    if (entry.index != replica->emitted.Next()) {
      return Violated(id, "applied a gap before " + At(entry.index, entry.term));
    }
    replica->emitted = entry.index;
    CheckMembers(id, entry);
    if (entry.index > committed() ||
        committed_[entry.index.value() - 1].meta.chain != entry.chain) {
      return Violated(id, "state machine safety: applied " + At(entry.index, entry.term) +
                              ", which is not what is committed there");
    }
  }
}

// 3.8: what is told to others is durable before. `output.persist` is not yet.
void Invariants::CheckPromises(NodeId id, const Raft& raft, const Output& output,
                               const DurableView& disk) {
  for (const Message& message : output.messages) {
    if (message.term < raft.term()) continue;  // of an earlier step in the same Output
    const HardState hard = disk.hard_state();
    const auto* vote = std::get_if<RequestVoteResponse>(&message.body);
    const auto* request = std::get_if<RequestVote>(&message.body);
    const bool grants = vote != nullptr && vote->granted && !vote->pre_vote;
    const bool campaigns = request != nullptr && !request->pre_vote;
    if (grants || campaigns) {
      const NodeId candidate = grants ? message.to : id;
      if (hard.term != message.term || hard.vote != candidate) {
        Violated(id, "told a vote that is not durable");
      }
      const auto [cast, is_new] = votes_.try_emplace({message.term, id}, candidate);
      if (cast->second != candidate) Violated(id, "voted twice in a term");
    }
    Index acknowledged;
    if (const auto* append = std::get_if<AppendEntriesResponse>(&message.body)) {
      if (append->accepted) acknowledged = append->index;
    } else if (const auto* install = std::get_if<InstallSnapshotResponse>(&message.body)) {
      if (install->installed) acknowledged = install->meta.index;
    }
    if (acknowledged == Index() || acknowledged <= disk.snapshot_index()) continue;
    const std::optional<SnapshotMeta> own = raft.EntryMeta(acknowledged);
    const std::optional<SnapshotMeta> stored = disk.Meta(acknowledged);
    if (hard.term < message.term) Violated(id, "acknowledged in a term that is not durable");
    if (!stored || (own && *own != *stored)) {
      Violated(id, "acknowledged an entry that is not durable, up to index " +
                       std::to_string(acknowledged.value()));
    }
  }
}

}  // namespace quorumbook::consensus
