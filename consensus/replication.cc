// The sending side of replication (3.5): probes, pipelines, acknowledgements, commitment.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::OnAppendResponse(const Message& message) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  const auto& response = std::get<AppendEntriesResponse>(message.body);
  Progress* peer = leader->Find(message.from);
  if (peer == nullptr) return;
  peer->heard = now_;
  peer->priority = response.priority;
  // A refusal, too, recognizes this leader.
  const uint64_t round = std::min(response.round, leader->round);
  peer->round = std::max(peer->round, round);
  if (response.clock_trusted) peer->lease_round = std::max(peer->lease_round, round);
  RoundAnswered(*leader);
  if (response.accepted) {
    if (round >= peer->heard_from_round) {
      OnAppendAccepted(*leader, *peer, response.index, response.chain);
    }
  } else if (response.corrupt) {
    OnCorruptAppend(*peer, response.index);
  } else {
    OnAppendRefused(*leader, *peer, response);
  }
}

// `chain`: zero where the peer does not know it any more.
void Raft::Core::OnAppendAccepted(Leader& leader, Progress& peer, Index index,
                                  const Digest& chain) {
  if (index > log_.last()) return;  // not an answer to anything that this leader sent
  const std::optional<SnapshotMeta> own = log_.Meta(index);
  if (own && chain != Digest{} && chain != own->chain) {
    // It was sent, and has verified, what is in this log.
    Report(Evidence::Kind::kDivergedLog, peer.id, index);
    return;
  }
  const bool older = index < peer.match;
  if (index > peer.match) {
    peer.match = index;
    peer.match_round = leader.round;
    peer.rose_at = now_;
    if (CatchesUp(leader)) leader.progress_at = now_;
    // Prompt again: it may have more under way.
    const std::optional<Instant> sent_at = peer.inflight.FreeThrough(index);
    if (sent_at && now_ - *sent_at < options_.election_timeout_min) {
      peer.window_bytes = std::min(options_.max_inflight_bytes, 2 * peer.window_bytes);
    }
    peer.next = std::max(peer.next, index.Next());
    MaybeCommit(leader);
  }
  // Right behind what it acknowledged is a place where the logs agree, also for a follower that was
  // to receive a snapshot.
  const bool reachable = peer.match >= log_.base().index;
  if (peer.state != Progress::State::kReplicate && reachable && !older) {
    // It has installed a snapshot, and says that its log is durable before it says so.
    if (peer.transfer) peer.catching_up_to = log_.last();
    peer.BecomeReplicate();
  }
  ContinueHandover(leader);
}

void Raft::Core::OnAppendRefused(Leader& leader, Progress& peer,
                                 const AppendEntriesResponse& response) {
  if (Is(Mutant::kMatchFromRefusal)) OnAppendAccepted(leader, peer, response.hint_index, {});
  if (HasForgotten(leader, peer, response)) {
    Report(Evidence::Kind::kForgotAcknowledged, peer.id, peer.match);
    const Index agree = log_.LastAtMost(response.hint_index, response.hint_term);
    Disregard(leader, peer.id);
    peer.heard_from_round = leader.round + 1;
    peer.BecomeProbe(agree.Next());
    return;
  }
  // What it acknowledged as durable it can not refuse: an old message.
  if (response.index <= peer.match) return;
  if (peer.state == Progress::State::kReplicate) {
    // Something on the way was lost.
    peer.BecomeProbe(peer.match.Next());
  } else if (peer.state == Progress::State::kProbe && response.index == peer.next.Previous()) {
    // Its hint skips the entries of terms that this log does not have; this one's skips those that
    // the follower does not have: one round trip a term.
    const Index agree = log_.LastAtMost(response.hint_index, response.hint_term);
    peer.BecomeProbe(std::clamp(agree.Next(), peer.match.Next(), response.index));
  }
}

// It refuses after a round that was asked when it had acknowledged `match` already, and what it
// has agrees with this log only before that: it came back with less than was on its disk, or with
// an older tail. (Where an honest follower's hint is, its log is not older than what it
// acknowledged in this term: those entries are the leader's own.)
bool Raft::Core::HasForgotten(const Leader& leader, const Progress& peer,
                              const AppendEntriesResponse& response) const {
  if (Is(Mutant::kForgottenUnnoticed)) return false;
  return std::min(response.round, leader.round) > peer.match_round &&
         log_.LastAtMost(response.hint_index, response.hint_term) < peer.match;
}

// The entries after `previous` are not sound where they arrived. If they are not sound here either,
// the memory of this replica is at fault. Else they were damaged on the way: they are sent again
// once what came before them is acknowledged anew, by the next heartbeat at the latest, and without
// a window full of what follows them.
void Raft::Core::OnCorruptAppend(Progress& peer, Index previous) {
  const std::optional<SnapshotMeta> before = log_.Meta(previous);
  if (peer.state == Progress::State::kSnapshot || !before) return;
  if (previous < log_.last()) {
    Digest chain = before->chain;
    for (const Entry& entry : log_.Slice(previous.Next(), log_.last(), options_.max_append_bytes)) {
      if (entry.chain != Chain(chain, entry.term, entry.index, entry.type, entry.bytes())) {
        Report(Evidence::Kind::kCorruptEntry, options_.id, entry.index);
        return Quarantine();
      }
      chain = entry.chain;
    }
  }
  if (previous < peer.match) return;  // they have arrived since
  peer.window_bytes = std::min(options_.max_append_bytes, options_.max_inflight_bytes);
  if (peer.state == Progress::State::kReplicate) peer.BecomeProbe(peer.match.Next());
  peer.probe_sent = true;
}

// Whether the quorum will get further when those have all entries that still come closer to it: a
// voter that it needs may have a long way to where it stood last.
bool Raft::Core::CatchesUp(const Leader& leader) const {
  const Index reached = QuorumReached(electorate_, [&](NodeId voter) {
    if (voter == options_.id) return log_.last();
    const Progress* peer = leader.Find(voter);
    if (peer == nullptr) return Index();
    const bool rises = peer->rose_at && now_ - *peer->rose_at < stall_timeout();
    return rises ? log_.last() : peer->match;
  });
  return reached > leader.quorum_durable;
}

// Sends what there is to send; called once for everything that happened since the last Output, so
// that proposals gather into one message.
void Raft::Core::Flush(Leader& leader, bool proposing_soon) {
  StartReadRound(leader);
  for (Progress& peer : leader.peers) {
    SendEntries(leader, peer);
    if (proposing_soon || peer.state != Progress::State::kReplicate) continue;
    // News of the commit index, unless it has just ridden along.
    if (std::min(commit_, peer.next.Previous()) > peer.commit_sent) {
      SendEmpty(peer, leader.round, /*quiesce=*/false);
    }
  }
  SendChunks(leader);
}

void Raft::Core::SendEntries(Leader& leader, Progress& peer) {
  while (peer.state != Progress::State::kSnapshot) {
    const bool probing = peer.state == Progress::State::kProbe;
    // Compaction may also overtake a probe that is on its way.
    if (peer.next <= log_.base().index) return StartTransfer(peer);
    if (probing ? peer.probe_sent : peer.next > log_.last()) return;
    if (peer.inflight.bytes() >= peer.window_bytes ||
        peer.inflight.messages() >= options_.max_inflight_messages) {
      return;
    }
    const SnapshotMeta previous = *log_.Meta(peer.next.Previous());
    AppendEntries append{.prev_index = previous.index,
                         .prev_term = previous.term,
                         .prev_chain = previous.chain,
                         .commit = commit_,
                         // A probe is a question even when it carries nothing.
                         .round = probing ? ++leader.round : leader.round,
                         .entries = {}};
    Index last = previous.index;
    if (peer.next <= log_.last()) {
      append.entries = log_.Slice(peer.next, log_.last(), options_.max_append_bytes);
      last = append.entries.back().index;
    }
    Send(peer.id, std::move(append));
    if (probing) {
      peer.probe_sent = true;
      return;
    }
    peer.inflight.Add(last, log_.BytesAfter(previous.index) - log_.BytesAfter(last), now_);
    peer.next = last.Next();
    peer.commit_sent = std::min(commit_, last);
  }
}

// A heartbeat, or news of the commit index. Right behind what was sent, so that a follower that
// missed something notices. For a follower without any common entry: at 0, where all logs agree.
void Raft::Core::SendEmpty(Progress& peer, uint64_t round, bool quiesce) {
  const SnapshotMeta previous = log_.Meta(peer.next.Previous()).value_or(SnapshotMeta{});
  if (peer.state == Progress::State::kReplicate) {
    peer.commit_sent = std::min(commit_, previous.index);
  }
  Send(peer.id, AppendEntries{.prev_index = previous.index,
                              .prev_term = previous.term,
                              .prev_chain = previous.chain,
                              .commit = commit_,
                              .round = round,
                              .quiesce = quiesce,
                              .entries = {}});
}

// On a grid that all groups of a node share, so that a host can send what falls together as one.
Instant Raft::Core::NextHeartbeat() const {
  return (now_ / options_.heartbeat_interval + 1) * options_.heartbeat_interval;
}

void Raft::Core::Heartbeat(Leader& leader) {
  leader.heartbeat_at = NextHeartbeat();
  RoundSent(leader);
  for (Progress& peer : leader.peers) {
    NarrowWindow(peer);
    SendEmpty(peer, leader.round, /*quiesce=*/false);
  }
}

// A follower that takes too long for what is under way gets half as much, down to one message: it
// must neither fill the network's queues nor what the leader holds for it. It widens again by the
// same factor with each prompt acknowledgement.
void Raft::Core::NarrowWindow(Progress& peer) {
  const std::optional<Instant> oldest = peer.inflight.oldest();
  if (!oldest) return;
  const Instant since = std::max(*oldest, peer.window_cut_at);
  if (now_ - since < options_.election_timeout_max) return;
  peer.window_cut_at = now_;
  peer.window_bytes = std::max(std::min(options_.max_append_bytes, options_.max_inflight_bytes),
                               peer.window_bytes / 2);
}

// 3.6.2: an entry is committed when it is durable on a majority and of the leader's own term;
// those before it are committed with it. The own disk is one vote among the others (10.2.1).
void Raft::Core::MaybeCommit(Leader& leader) {
  const Index own = Is(Mutant::kOwnDiskCountedEarly) ? log_.last() : writes_.durable();
  const Index reached = QuorumReached(electorate_, [&](NodeId voter) {
    if (voter == options_.id) return own;
    const Progress* peer = leader.Find(voter);
    return peer == nullptr ? Index() : peer->match;
  });
  if (reached > leader.quorum_durable) {
    leader.quorum_durable = reached;
    leader.GotFurther(now_);
  }
  const bool of_own_term = reached >= leader.term_start || Is(Mutant::kCommitOfEarlierTerm);
  if (reached > commit_ && of_own_term) CommitThrough(reached);
}

}  // namespace quorumbook::consensus
