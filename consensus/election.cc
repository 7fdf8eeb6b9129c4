// Elections: terms, votes and pre-votes (3.4, 4.2.3, 9.6).
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

// While a leader is at work, nobody helps to replace it (4.2.3). A leader trusts in itself: it
// steps down by itself when it does not hear from a majority.
bool Raft::Core::LeaderIsFresh() const {
  if (role() == Role::kLeader) return true;
  const auto* follower = std::get_if<Follower>(&role_);
  return follower != nullptr && follower->leader != NodeId() &&
         now_ - follower->heard < options_.election_timeout_min;
}

// 3.6.1: a voter denies its vote to a candidate whose log is less complete than its own.
bool Raft::Core::CandidateIsUpToDate(const RequestVote& request) const {
  const SnapshotMeta own = log_.last_meta();
  return std::tie(request.last_log_term, request.last_log_index) >= std::tie(own.term, own.index);
}

void Raft::Core::BecomeFollower(Term term) {
  QB_CHECK(term >= term_);
  if (auto* leader = std::get_if<Leader>(&role_)) {
    leader->reads.FailAll(&reads_failed_);
    election_timer_.Restart(now_);
  }
  if (term > term_) {
    term_ = term;
    vote_ = NodeId();
    writes_.VoteChanged();
    held_.clear();
    campaigned_.Clear();
    voted_for_me_.Clear();
  }
  role_ = Follower{};
}

void Raft::Core::StartPreVote() {
  election_timer_.Restart(now_);
  // With a disk that stalls its vote would never be told, but the terms it entered would keep
  // others from winning. And while its vote of this term is still being written, a new term only
  // makes it later.
  const std::optional<Instant> oldest_write = writes_.oldest_taken_at();
  if (oldest_write && now_ - *oldest_write >= options_.election_timeout_min) return;
  role_ = PreCandidate{.votes = VoteTally(options_.configuration.voters.size())};
  auto& votes = std::get<PreCandidate>(role_).votes;
  votes.Record(options_.id, true);
  if (votes.Won()) return StartElection(/*leadership_transfer=*/false);
  const SnapshotMeta last = log_.last_meta();
  for (NodeId voter : options_.configuration.voters) {
    if (voter == options_.id) continue;
    SendAs(voter, term_.Next(),
           RequestVote{.last_log_index = last.index, .last_log_term = last.term, .pre_vote = true});
  }
}

// 3.4: increments its term, votes for itself and asks the others, in this order also on the disk.
void Raft::Core::StartElection(bool leadership_transfer) {
  BecomeFollower(term_.Next());
  election_timer_.Restart(now_);
  vote_ = options_.id;
  role_ = Candidate{.votes = VoteTally(options_.configuration.voters.size())};
  const SnapshotMeta last = log_.last_meta();
  for (NodeId voter : options_.configuration.voters) {
    if (voter == options_.id) continue;
    held_.push_back(Compose(voter, term_,
                            RequestVote{.last_log_index = last.index,
                                        .last_log_term = last.term,
                                        .leadership_transfer = leadership_transfer}));
  }
}

void Raft::Core::BecomeLeader() {
  Leader leader;
  for (NodeId voter : options_.configuration.voters) {
    if (voter == options_.id) continue;
    leader.peers.push_back({.id = voter, .next = log_.last().Next(), .heard = now_});
  }
  leader.term_start = log_.last().Next();
  leader.heartbeat_at = now_ + options_.heartbeat_interval;
  leader.progress_at = now_;
  leader.disk_checked_at = now_;
  role_ = std::move(leader);
  // 6.4: an entry of its own term shows what is committed, and commits it (3.6.2).
  AppendOwn(EntryType::kNoOp, std::make_shared<const std::string>());
}

void Raft::Core::CountVote(NodeId voter, bool granted) {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr) return;
  candidate->votes.Record(voter, granted);
  if (candidate->votes.Won()) {
    BecomeLeader();
  } else if (candidate->votes.Lost()) {
    BecomeFollower(term_);
  }
}

// The vote of this term is durable: it may be told, and counts for a candidate itself.
void Raft::Core::ReleaseVotes() {
  std::move(held_.begin(), held_.end(), std::back_inserter(messages_));
  held_.clear();
  CountVote(options_.id, /*granted=*/true);
}

void Raft::Core::OnRequestVote(const Message& message, const RequestVote& request) {
  if (message.term < term_) {
    Send(message.from, RequestVoteResponse{.pre_vote = request.pre_vote});
    return;
  }
  if (!request.pre_vote && message.term == term_) NoteCampaign(message.from);
  if (!request.leadership_transfer && LeaderIsFresh()) return;

  if (request.pre_vote) {
    const bool granted = message.term > term_ && CandidateIsUpToDate(request);
    SendAs(message.from, granted ? message.term : term_,
           RequestVoteResponse{.pre_vote = true, .granted = granted});
    return;
  }
  if (message.term > term_) {
    BecomeFollower(message.term);
    NoteCampaign(message.from);
  }
  const bool free = vote_ == NodeId() ? leader() == NodeId() : vote_ == message.from;
  if (!free || !CandidateIsUpToDate(request)) {
    Send(message.from, RequestVoteResponse{});
    return;
  }
  if (vote_ == NodeId()) {
    vote_ = message.from;
    writes_.VoteChanged();
    role_ = Follower{};
  }
  election_timer_.Restart(now_);
  Message response = Compose(message.from, term_, RequestVoteResponse{.granted = true});
  if (writes_.vote_durable()) {
    messages_.push_back(std::move(response));
  } else if (held_.empty()) {  // else it is a repetition: the answer is waiting already
    held_.push_back(std::move(response));
  }
}

void Raft::Core::OnPreVoteResponse(const Message& message, bool granted) {
  auto* pre_candidate = std::get_if<PreCandidate>(&role_);
  if (granted) {
    // Comes in the term that was asked about, which is not a reason to enter it.
    if (pre_candidate == nullptr || message.term != term_.Next()) return;
  } else if (message.term > term_) {
    return BecomeFollower(message.term);
  } else if (pre_candidate == nullptr || message.term < term_) {
    return;
  }
  pre_candidate->votes.Record(message.from, granted);
  if (pre_candidate->votes.Won()) {
    StartElection(/*leadership_transfer=*/false);
  } else if (pre_candidate->votes.Lost()) {
    BecomeFollower(term_);
  }
}

void Raft::Core::OnVoteResponse(const Message& message, bool granted) {
  if (granted) NoteVoteForMe(message.from);
  CountVote(message.from, granted);
}

// 3.10: the target campaigns at once. Only the leader it follows can ask for it.
void Raft::Core::OnTimeoutNow(const Message& message) {
  if (leader() != message.from || role() != Role::kFollower) return;
  StartElection(/*leadership_transfer=*/true);
}

// Who campaigns or leads in a term has voted for itself in it.
void Raft::Core::NoteCampaign(NodeId candidate) {
  campaigned_.Insert(candidate);
  if (voted_for_me_.Contains(candidate)) {
    Report(Evidence::Kind::kDoubleVote, candidate, log_.last());
  }
}

void Raft::Core::NoteVoteForMe(NodeId voter) {
  voted_for_me_.Insert(voter);
  if (campaigned_.Contains(voter)) Report(Evidence::Kind::kDoubleVote, voter, log_.last());
}

}  // namespace quorumbook::consensus
