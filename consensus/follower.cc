// The receiving side of replication (3.5): verify, merge, acknowledge what is durable.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

// `from` claims to lead this term. Returns the follower's state, or nothing when it can not be.
Follower* Raft::Core::HearLeader(NodeId from, uint64_t round) {
  if (role() == Role::kLeader) {
    // Who voted for this leader can not have been elected. Otherwise somebody voted for both: from
    // here it can not be told who lies.
    const bool provable = voted_for_me_.Contains(from) || Is(Mutant::kRivalNamed);
    const NodeId culprit = provable ? from : NodeId();
    Report(Evidence::Kind::kTwoLeadersInTerm, culprit, log_.last());
    return nullptr;
  }
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader == NodeId()) {
    const bool keeps = Is(Mutant::kMatchedKeptOverTerms) && follower != nullptr;
    role_ = Follower{.leader = from, .matched = keeps ? follower->matched : Index()};
    follower = std::get_if<Follower>(&role_);
    NoteCampaign(from);
  } else if (follower->leader != from) {
    // Which of the two was elected can not be told from here.
    Report(Evidence::Kind::kTwoLeadersInTerm, NodeId(), log_.last());
    return nullptr;
  }
  follower->round_seen = std::max(follower->round_seen, round);
  follower->quiesced = false;
  if (Is(Mutant::kVoteClearedByAppend)) vote_ = NodeId();
  election_timer_.Restart(now_);
  sits_out_ = BehindOthers();
  sticky_until_ = std::max(sticky_until_, now_ + options_.election_timeout_min);
  return follower;
}

void Raft::Core::OnAppendEntries(Message& message) {
  auto& append = std::get<AppendEntries>(message.body);
  const Index last = Index(append.prev_index.value() + append.entries.size());
  const bool only_heartbeat = append.entries.empty();
  const bool quiesce = append.quiesce;
  Follower* follower = HearLeader(message.from, append.round);
  if (follower == nullptr) return;
  if (!EntriesAreSound(message.from, message.term, append)) {
    return RefuseCorrupt(message.from, append);
  }

  std::optional<Index> look_at;
  if (!AgreesAtPrevious(message.from, follower->matched, append, &look_at)) {
    if (look_at) Refuse(message.from, append, *look_at);
    return;
  }
  if (!MergeEntries(message.from, follower->matched, append.entries)) return;

  // The leader's log of one term only grows, so that an old message takes nothing back.
  follower->matched = std::max(follower->matched, last);
  if (Is(Mutant::kTruncateOnShorterAppend) && last < log_.last() && last >= commit_) {
    TruncateFrom(last.Next());
  }
  if (Is(Mutant::kTruncateBelowCommit) && last < log_.last() && last > log_.base().index) {
    TruncateFrom(last.Next());
    commit_ = std::min(commit_, last);
  }
  const Index verified = Is(Mutant::kCommitBeyondVerified) ? log_.last() : follower->matched;
  const Index commit = std::min({append.commit, verified, log_.last()});
  if (commit > commit_) CommitThrough(commit);
  // Everything is here: nothing to wait for, and nothing to answer.
  if (quiesce && last == log_.last() && commit_ == last) {
    follower->quiesced = true;
    return;
  }

  // A question is answered at once, so that a slow disk does not look like a dead node. Entries
  // are acknowledged when they are durable; news of the commit index needs no answer.
  const bool asked = follower->round_seen > follower->round_answered;
  const bool durable = last <= writes_.durable() || Is(Mutant::kAcknowledgeBeforeSync);
  if (only_heartbeat ? asked : durable) Acknowledge(*follower);
}

// The entries follow each other, and each chain value follows from its contents. What is wrong
// here was made by the sender or on the way.
bool Raft::Core::EntriesAreSound(NodeId from, Term term, const AppendEntries& append) {
  Index index = append.prev_index;
  Term previous_term = append.prev_term;
  Digest chain = append.prev_chain;
  for (const Entry& entry : append.entries) {
    index = index.Next();
    const bool sound =
        entry.payload != nullptr && entry.index == index && entry.term >= previous_term &&
        entry.term <= term &&
        (entry.chain == Chain(chain, entry.term, entry.index, entry.type, entry.bytes()) ||
         Is(Mutant::kChainNotChecked)) &&
        (entry.type != EntryType::kConfiguration || DecodeConfiguration(entry.bytes()));
    if (!sound) {
      Report(Evidence::Kind::kCorruptEntry, from, index);
      return false;
    }
    previous_term = entry.term;
    chain = entry.chain;
  }
  return true;
}

// The consistency check of 3.5. Below base() nothing is left to compare with: it was committed.
// When the logs do not agree, `*look_at` is set where that is ordinary, to the index at or before
// which the leader should look next.
bool Raft::Core::AgreesAtPrevious(NodeId from, Index matched, const AppendEntries& append,
                                  std::optional<Index>* look_at) {
  if (append.prev_index < log_.base().index) return true;
  const std::optional<SnapshotMeta> own = log_.Meta(append.prev_index);
  if (!own) {
    *look_at = append.prev_index;
    return false;
  }
  if (own->term != append.prev_term) {
    if (append.prev_index <= commit_) {
      Report(Evidence::Kind::kCommitRegressed, from, append.prev_index);
    } else {
      *look_at = append.prev_index;
    }
    return false;
  }
  if (own->chain != append.prev_chain) {
    // No further back than this: what it acknowledged to this leader may be right before.
    if (GivesWay(from, matched, *own)) *look_at = append.prev_index.Previous();
    return false;
  }
  return true;
}

// The leader has another entry than `own` at its index, of the same term: somebody wrote two. Whose
// log was said or committed to be this one contradicts himself. Else, and once the term is over,
// it is as with any other conflict: the later leader decides. It can not be told whether it or the
// one of that term is wrong, but two honest replicas that were told different things go on. In the
// same term the entry stays: it may have been acknowledged to this leader before a restart.
bool Raft::Core::GivesWay(NodeId from, Index matched, const SnapshotMeta& own) {
  const bool contradicts_itself = own.index <= std::max(matched, commit_);
  const bool named = contradicts_itself && !Is(Mutant::kEquivocationNotNamed);
  Report(Evidence::Kind::kDivergedLog, named ? from : NodeId(), own.index);
  return !contradicts_itself && own.term < term_;
}

// 3.5: only a conflict truncates. An old message whose entries are all here changes nothing.
bool Raft::Core::MergeEntries(NodeId from, Index matched, std::vector<Entry>& entries) {
  for (Entry& entry : entries) {
    if (entry.index < log_.base().index) continue;
    if (const std::optional<SnapshotMeta> own = log_.Meta(entry.index)) {
      if (own->term == entry.term && own->chain == entry.chain) {
        const bool after_snapshot = !snapshot_ || entry.index > snapshot_->meta.index;
        if (Is(Mutant::kReplayedConfiguration) && after_snapshot) NoteConfiguration(entry);
        continue;
      }
      if (own->term == entry.term) {
        if (!GivesWay(from, matched, *own)) return false;
      } else if (entry.index <= commit_) {
        Report(Evidence::Kind::kCommitRegressed, from, entry.index);
        return false;
      } else if (entry.index <= matched) {  // its log of this term held another entry here before
        Report(Evidence::Kind::kDivergedLog, from, entry.index);
        return false;
      }
      TruncateFrom(entry.index);
    }
    if (!Is(Mutant::kConfigurationOnApply)) NoteConfiguration(entry);
    writes_.Append(entry);
    log_.Append(std::move(entry));
  }
  return true;
}

// A configuration that is not in the log any more is not in force (4.1).
void Raft::Core::TruncateFrom(Index index) {
  log_.TruncateFrom(index);
  writes_.TruncateFrom(index);
  if (Is(Mutant::kRolledBackConfiguration)) return;
  if (configurations_.TruncateFrom(index)) ConfigurationChanged();
}

void Raft::Core::Refuse(NodeId to, const AppendEntries& append, Index look_at) {
  auto& follower = std::get<Follower>(role_);
  follower.round_answered = follower.round_seen;
  const Index hint = log_.LastAtMost(look_at, append.prev_term);
  const std::optional<SnapshotMeta> meta = log_.Meta(hint);
  QB_CHECK(meta.has_value());
  AppendEntriesResponse answer = Answer(/*accepted=*/false, append.prev_index);
  answer.hint_index = hint;
  answer.hint_term = meta->term;
  answer.round = follower.round_seen;
  Send(to, answer);
}

// Not treated as lost: then it would be sent again and again, and a leader whose memory of an entry
// is wrong would never know.
void Raft::Core::RefuseCorrupt(NodeId to, const AppendEntries& append) {
  auto& follower = std::get<Follower>(role_);
  follower.round_answered = follower.round_seen;
  AppendEntriesResponse answer = Answer(/*accepted=*/false, append.prev_index);
  answer.round = follower.round_seen;
  answer.corrupt = true;
  Send(to, answer);
}

// Nobody may rely on a promise that a restart forgets: a voter that finds no term on its disk does
// not wait.
AppendEntriesResponse Raft::Core::Answer(bool accepted, Index index) const {
  return {.accepted = accepted,
          .index = index,
          .clock_trusted = clock_trusted_ && writes_.vote_durable(),
          .priority = options_.priority};
}

// Tells the leader what is durable of what it sent. Held back while the term is not durable: a
// node that forgot it could follow an older leader over what it acknowledges here.
void Raft::Core::Acknowledge(Follower& follower) {
  if (!writes_.vote_durable() && !Is(Mutant::kAcknowledgeInLostTerm)) return;
  const Index durable = Is(Mutant::kAcknowledgeBeforeSync) ? log_.last() : writes_.durable();
  follower.acknowledged = std::max(follower.acknowledged, std::min(follower.matched, durable));
  follower.round_answered = follower.round_seen;
  AppendEntriesResponse answer = Answer(/*accepted=*/true, follower.acknowledged);
  answer.round = follower.round_seen;
  answer.chain = log_.Meta(follower.acknowledged).value_or(SnapshotMeta{}).chain;
  Send(follower.leader, answer);
}

// Some write is complete.
void Raft::Core::AcknowledgeDurable() {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader == NodeId()) return;
  if (!writes_.vote_durable() && !Is(Mutant::kAcknowledgeInLostTerm)) return;
  const bool further = std::min(follower->matched, writes_.durable()) > follower->acknowledged;
  if (further || follower->round_seen > follower->round_answered) Acknowledge(*follower);
  const Index durable = Is(Mutant::kInstallToldEarly) ? log_.last() : writes_.durable();
  if (follower->install_reply && follower->install_reply->meta.index <= durable) {
    Send(follower->leader,
         InstallSnapshotResponse{.meta = follower->install_reply->meta,
                                 .next_offset = follower->install_reply->total_bytes,
                                 .installed = true,
                                 .round = follower->round_seen});
    follower->install_reply.reset();
  }
}

}  // namespace quorumbook::consensus
