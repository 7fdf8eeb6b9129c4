// The inside of Raft. One class, whose parts are in the files named beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "consensus/election_timer.h"
#include "consensus/log.h"
#include "consensus/raft.h"
#include "consensus/roles.h"
#include "consensus/writes.h"

namespace quorumbook::consensus {

class Raft::Core {
 public:
  // core.cc; contracts in raft.h.
  Core(const Options& options, RestoredState restored, Instant now);
  void Tick(Instant now);
  Instant deadline() const;
  void Step(Message message, Instant now);
  void OnPersisted(uint64_t sequence, Instant now);
  void Compact(Snapshot snapshot);
  Output TakeOutput();
  RaftStatus status() const;
  Role role() const { return static_cast<Role>(role_.index()); }
  Term term() const { return term_; }
  NodeId leader() const;
  Index commit() const { return commit_; }
  std::optional<SnapshotMeta> EntryMeta(Index index) const;
  uint64_t log_bytes() const { return log_.bytes(); }

  // leader.cc
  ProposeResult Propose(Payload payload, Instant now, Index* index, Term* term);
  bool ReadIndex(uint64_t id, Instant now);
  bool TransferLeadership(NodeId target, Instant now);

 private:
  // A leader whose quorum gets no further, or whose own disk does not, for this many times
  // election_timeout_max gives way. Above 1, so that an ordinary election is not mistaken for it.
  static constexpr int kStallElections = 2;
  // While a follower receives a snapshot, the entries after it are kept for it up to this many
  // times keep_log_bytes: without them it would need the next snapshot at once, for ever.
  static constexpr uint64_t kTransferKeepFactor = 8;
  // A chunk that is not answered is sent again after a heartbeat interval, then after twice that
  // time, up to this many doublings: a slow link must not be filled with repetitions.
  static constexpr int kResendDoublings = 3;

  // core.cc
  void RestoreLog(std::vector<Entry> entries, const HardState& hard_state);
  void Advance(Instant now) { now_ = std::max(now_, now); }
  bool IsVoter(NodeId id) const;
  Message Compose(NodeId to, Term term, decltype(Message::body) body) const;
  void Send(NodeId to, decltype(Message::body) body) { SendAs(to, term_, std::move(body)); }
  void SendAs(NodeId to, Term term, decltype(Message::body) body);
  void AnswerStale(const Message& message);
  void Report(Evidence::Kind kind, NodeId culprit, Index index);
  void CommitThrough(Index index);
  Duration stall_timeout() const { return kStallElections * options_.election_timeout_max; }

  // election.cc
  bool LeaderIsFresh() const;
  bool CandidateIsUpToDate(const RequestVote& request) const;
  void BecomeFollower(Term term);
  void StartPreVote();
  void StartElection(bool leadership_transfer);
  void BecomeLeader();
  void CountVote(NodeId voter, bool granted);
  void ReleaseVotes();
  void OnRequestVote(const Message& message, const RequestVote& request);
  void OnPreVoteResponse(const Message& message, bool granted);
  void OnVoteResponse(const Message& message, bool granted);
  void OnTimeoutNow(const Message& message);
  void NoteCampaign(NodeId candidate);
  void NoteVoteForMe(NodeId voter);

  // follower.cc
  Follower* HearLeader(NodeId from, uint64_t round);
  void OnAppendEntries(Message& message);
  bool EntriesAreSound(NodeId from, Term term, const AppendEntries& append);
  bool AgreesAtPrevious(NodeId from, const AppendEntries& append, bool* answer);
  bool MergeEntries(NodeId from, Index matched, std::vector<Entry>& entries);
  void Refuse(NodeId to, const AppendEntries& append);
  void Acknowledge(Follower& follower);
  void AcknowledgeDurable();

  // replication.cc
  void OnAppendResponse(const Message& message);
  void OnAppendAccepted(Leader& leader, Progress& peer, Index index);
  void OnAppendRefused(Progress& peer, const AppendEntriesResponse& response);
  void Flush(Leader& leader);
  void SendEntries(Leader& leader, Progress& peer);
  void SendEmpty(Progress& peer, uint64_t round);
  void Heartbeat(Leader& leader);
  void MaybeCommit(Leader& leader);

  // leader.cc
  void AppendOwn(EntryType type, Payload payload);
  void TickLeader();
  Instant LeaderDeadline(const Leader& leader) const;
  Instant QuorumHeard(const Leader& leader) const;
  Instant DiskCheckAt(const Leader& leader) const;
  bool IsStalled(const Leader& leader) const;
  bool IsActive(const Progress& peer) const;
  void StartReadRound(Leader& leader);
  void ConfirmReads(Leader& leader);
  void ContinueHandover(Leader& leader);

  // snapshot_transfer.cc
  void StartTransfer(Leader& leader, Progress& peer);
  void SendChunk(Leader& leader, Progress& peer);
  void OnInstallResponse(const Message& message);
  void OnInstallSnapshot(Message& message);
  bool StoreChunk(NodeId from, InstallSnapshot& chunk);
  void InstallReceived(Follower& follower);
  Index TransferFloor(const Leader& leader) const;

  struct IncomingSnapshot {
    NodeId from;
    Term term;  // in which its last chunk came
    SnapshotMeta meta;
    uint64_t total_bytes = 0;
    std::string data;
  };
  // To be given to the host once the write that stores it is complete.
  struct Restore {
    uint64_t sequence = 0;
    Snapshot snapshot;
  };

  const Options options_;
  Instant now_;
  ElectionTimer election_timer_;

  // Figure 3.1: persistent.
  Term term_;
  NodeId vote_;
  Log log_;
  std::optional<Snapshot> snapshot_;  // the latest

  Index commit_;
  Index emitted_;  // last one given out in Output::committed or restored
  std::variant<Follower, PreCandidate, Candidate, Leader> role_;
  Writes writes_;
  std::vector<Message> held_;  // votes and requests for votes, until the vote is durable
  std::optional<IncomingSnapshot> incoming_;
  std::optional<Restore> restore_;

  // For evidence: who asked for votes in this term, or led, and who voted for this node.
  VoterSet campaigned_;
  VoterSet voted_for_me_;
  std::optional<Evidence> last_evidence_;

  // The Output that is being gathered.
  std::vector<Message> messages_;
  std::vector<ReadReady> reads_;
  std::vector<uint64_t> reads_failed_;
  std::vector<Evidence> evidence_;
};

}  // namespace quorumbook::consensus
