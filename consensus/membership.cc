// Changes of the members (4): proposing them, following what the log says, leaving.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

// 4.1: "a server always uses the latest configuration in its log". REQUIRES: a valid payload.
void Raft::Core::NoteConfiguration(const Entry& entry) {
  if (entry.type != EntryType::kConfiguration) return;
  std::optional<Configuration> configuration = DecodeConfiguration(entry.bytes());
  QB_CHECK(configuration.has_value());
  configurations_.TruncateFrom(entry.index);
  configurations_.Append(entry.index, *std::move(configuration));
  ConfigurationChanged();
}

void Raft::Core::ConfigurationChanged() {
  configuration_changed_ = true;
  electorate_ = configuration();
  if (Is(Mutant::kSingleMajorityInJoint)) electorate_.voters_outgoing.clear();
  if (Is(Mutant::kLearnerCounted) && !electorate_.empty()) {
    for (NodeId learner : electorate_.learners) {
      if (electorate_.voters.size() < kVotersMax) electorate_.voters.push_back(learner);
    }
  }
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  if (Is(Mutant::kRemovedLeaderCounts) && !electorate_.IsVoter(options_.id)) {
    electorate_.voters.push_back(options_.id);
  }
  FollowConfiguration(*leader);
  // Those who are needed now may have answered already, and nobody else may be left to.
  RoundAnswered(*leader);
}

// A peer for each other member. Who is not one any more stays until it knows (DropLeaving).
void Raft::Core::FollowConfiguration(Leader& leader) {
  for (NodeId member : configuration().Members()) {
    if (member == options_.id) continue;
    if (Progress* peer = leader.Find(member)) {
      peer->leaving_until.reset();
      continue;
    }
    leader.peers.push_back({.id = member,
                            .next = log_.last().Next(),
                            .window_bytes = options_.max_inflight_bytes,
                            .heard = now_});
  }
  for (Progress& peer : leader.peers) {
    if (!configuration().Contains(peer.id) && !peer.leaving_until) {
      peer.leaving_until = Instant::max();
    }
  }
}

// A node that was taken out is told so: until it has the entry and knows it is committed, or for an
// election timeout after that, so that it neither waits nor campaigns (4.2.3).
void Raft::Core::DropLeaving(Leader& leader) {
  const Index change = configurations_.active_index();
  if (commit_ < change) return;
  std::erase_if(leader.peers, [&](Progress& peer) {
    if (!peer.leaving_until) return false;
    peer.leaving_until = std::min(*peer.leaving_until, now_ + options_.election_timeout_max);
    return now_ >= *peer.leaving_until || (peer.match >= change && peer.commit_sent >= change);
  });
}

ProposeResult Raft::Core::ProposeConfiguration(std::vector<NodeId> voters,
                                               std::vector<NodeId> learners, Instant now,
                                               Index* index, Term* term) {
  Advance(now);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->handover) return ProposeResult::kTransferring;
  // Else a change of an earlier leader could still come back beside this one (Ongaro, "bug in
  // single-server membership changes", raft-dev, 2015); joint ones would not let both be decided.
  const bool ready = commit_ >= leader->term_start || Is(Mutant::kChangeWithoutOwnCommit);
  if (!ready) return ProposeResult::kNotReady;
  const bool unseen = Is(Mutant::kConfigurationOnApply) && log_.last() > commit_;
  const bool under_way =
      configuration().joint() || configurations_.active_index() > commit_ || unseen;
  if (under_way && !Is(Mutant::kOverlappingChanges)) return ProposeResult::kChangeInProgress;

  Configuration next = MakeConfiguration(std::move(voters), std::move(learners));
  if (!IsValid(next)) return ProposeResult::kInvalid;
  next.retired = configuration().retired;
  for (NodeId member : configuration().Members()) {
    if (!next.Contains(member)) next.Retire(member);
  }
  if (Is(Mutant::kRetiredComesBack)) {
    std::erase_if(next.retired, [&next](NodeId member) { return next.Contains(member); });
  }
  if (!IsValid(next)) return ProposeResult::kRetired;
  if (next == configuration()) return ProposeResult::kInvalid;
  // The same voters have the same majorities: no need for the joint one.
  const bool in_one_step =
      Is(Mutant::kChangeWithoutOwnCommit) && VotersChanged(configuration(), next) == 1;
  if (next.voters != configuration().voters && !in_one_step) {
    next.voters_outgoing = configuration().voters;
  }
  WakeLeader(*leader);
  AppendOwn(EntryType::kConfiguration,
            std::make_shared<const std::string>(EncodeConfiguration(next)));
  *index = log_.last();
  *term = term_;
  return ProposeResult::kAccepted;
}

// 4.3: when the joint configuration is committed, the leader appends the new one; when that is
// committed a leader that is not in it steps down (4.2.2), to a successor if there is one.
void Raft::Core::ContinueChange() {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || configurations_.active_index() > commit_) return;
  if (configuration().joint()) {
    if (commit_ < leader->term_start) return;
    if (Is(Mutant::kConfigurationOnApply) && log_.last() > commit_) return;
    const std::string left = EncodeConfiguration(configuration().Left());
    return AppendOwn(EntryType::kConfiguration, std::make_shared<const std::string>(left));
  }
  if (configuration().IsVoter(options_.id) || leader->handover) return;
  if (!TransferLeadership(NodeId(), now_)) BecomeFollower(term_);
}

}  // namespace quorumbook::consensus
