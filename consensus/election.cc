// Elections: terms, votes and pre-votes (3.4, 4.2.3, 9.6).
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

// While a leader is at work, nobody helps to replace it (4.2.3). A leader trusts in itself: it
// steps down by itself when it does not hear from a majority. The promise stays when a follower
// learns of a higher term or gives up its leader for another reason: leases rely on it.
bool Raft::Core::LeaderIsFresh() const {
  if (Is(Mutant::kNoStickiness)) return false;
  return role() == Role::kLeader || now_ < sticky_until_;
}

// A replica that was taken out may still be needed until its removal is committed: nobody else may
// have all entries (4.2.2). Its own vote does not count then.
bool Raft::Core::MayCampaign() const {
  if (quarantined_) return false;
  if (configuration().IsVoter(options_.id)) return true;
  const Configuration* previous = configurations_.previous();
  return configurations_.active_index() > commit_ && previous != nullptr &&
         previous->IsVoter(options_.id);
}

// 3.6.1: a voter denies its vote to a candidate whose log is less complete than its own.
bool Raft::Core::CandidateIsUpToDate(const RequestVote& request) const {
  const SnapshotMeta own = log_.last_meta();
  if (Is(Mutant::kElectionByLength)) return request.last_log_index >= own.index;
  if (Is(Mutant::kTransferWithoutCatchUp) && request.leadership_transfer) return true;
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
    reported_.clear();
  }
  const auto* before = std::get_if<Follower>(&role_);
  const bool keeps = Is(Mutant::kMatchedKeptOverTerms) && before != nullptr;
  role_ = Follower{.leader = NodeId(), .matched = keeps ? before->matched : Index()};
}

// Without waiting for the time-out. If the leader is there after all, the others hear it and refuse
// the pre-vote. What was promised for the sake of leases is kept.
void Raft::Core::LeaderLost() {
  if (!options_.lease_reads || Is(Mutant::kPromiseDropped)) sticky_until_ = now_;
  election_timer_.RestartWithoutLeader(std::max(now_, sticky_until_));
}

// With a disk that stalls no vote would ever be told. So it must not enter terms, which would keep
// others from winning, nor let a candidate count on a vote that does not come. And while its vote
// of this term is still being written, a new term only makes it later.
bool Raft::Core::DiskStalls() const {
  const std::optional<Instant> oldest_write = writes_.oldest_taken_at();
  return oldest_write && now_ - *oldest_write >= options_.election_timeout_min;
}

void Raft::Core::OnElectionTimeout() {
  election_timer_.Restart(now_);
  if (sits_out_ > 0) {
    --sits_out_;
    return;
  }
  if (DiskStalls()) return;
  if (Is(Mutant::kNoPreVote)) return StartElection(/*leadership_transfer=*/false);
  StartPreVote();
}

void Raft::Core::StartPreVote() {
  role_ = PreCandidate{.votes = VoteTally(electorate_)};
  auto& votes = std::get<PreCandidate>(role_).votes;
  votes.Record(options_.id, true);
  if (votes.Won()) return StartElection(/*leadership_transfer=*/false);
  const SnapshotMeta last = log_.last_meta();
  for (NodeId member : electorate_.Members()) {
    if (member == options_.id || !electorate_.IsVoter(member)) continue;
    SendAs(member, term_.Next(),
           RequestVote{.last_log_index = last.index, .last_log_term = last.term, .pre_vote = true});
  }
}

// 3.4: increments its term, votes for itself and asks the others, in this order also on the disk.
void Raft::Core::StartElection(bool leadership_transfer) {
  BecomeFollower(term_.Next());
  election_timer_.Restart(now_);
  vote_ = options_.id;
  role_ = Candidate{.votes = VoteTally(electorate_)};
  const SnapshotMeta last = log_.last_meta();
  for (NodeId member : electorate_.Members()) {
    if (member == options_.id || !electorate_.IsVoter(member)) continue;
    held_.push_back(Compose(member, term_,
                            RequestVote{.last_log_index = last.index,
                                        .last_log_term = last.term,
                                        .leadership_transfer = leadership_transfer}));
  }
}

void Raft::Core::BecomeLeader() {
  Leader leader;
  leader.term_start = log_.last().Next();
  leader.heartbeat_at = NextHeartbeat();
  leader.GotFurther(now_);
  leader.disk_checked_at = now_;
  leader.busy_at = now_;
  leader.preference_at = now_ + kPreferenceElections * options_.election_timeout_max;
  sits_out_ = BehindOthers();
  FollowConfiguration(leader);
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
    return;
  }
  // Two campaign, or more: it need not take a whole timeout until one of them tries again.
  if (!granted) election_timer_.RestartAfterRefusal(now_);
  if (candidate->votes.Lost()) BecomeFollower(term_);
}

// The vote of this term is durable: it may be told, and counts for a candidate itself.
void Raft::Core::ReleaseVotes() {
  std::move(held_.begin(), held_.end(), std::back_inserter(messages_));
  held_.clear();
  CountVote(options_.id, /*granted=*/true);
}

void Raft::Core::OnRequestVote(const Message& message, const RequestVote& request) {
  if (quarantined_) return;
  if (message.term < term_) {
    Send(message.from, RequestVoteResponse{.pre_vote = request.pre_vote});
    return;
  }
  if (!request.pre_vote && message.term == term_) NoteCampaign(message.from);
  const bool disturbs = Is(Mutant::kPreVoteDisturbs) && request.pre_vote;
  if (!request.leadership_transfer && !disturbs && LeaderIsFresh()) return;

  if (request.pre_vote) {
    const bool granted =
        message.term > term_ && (CandidateIsUpToDate(request) || disturbs) && !DiskStalls();
    SendAs(message.from, granted ? message.term : term_,
           RequestVoteResponse{.pre_vote = true, .granted = granted});
    return;
  }
  if (message.term > term_) {
    BecomeFollower(message.term);
    NoteCampaign(message.from);
  }
  const bool free = vote_ == NodeId() ? leader() == NodeId() : vote_ == message.from;
  if (free && CandidateIsUpToDate(request)) return GrantVote(message.from);
  Send(message.from, RequestVoteResponse{});
}

void Raft::Core::GrantVote(NodeId candidate) {
  if (vote_ == NodeId()) {
    vote_ = candidate;
    writes_.VoteChanged();
    role_ = Follower{};
  }
  election_timer_.Restart(now_);
  Message response = Compose(candidate, term_, RequestVoteResponse{.granted = true});
  if (writes_.vote_durable() || Is(Mutant::kVoteNotPersisted)) {
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
    StartElection(/*leadership_transfer=*/Is(Mutant::kPreVoteDisturbs));
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
  if (leader() != message.from || role() != Role::kFollower || !MayCampaign()) return;
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
