// The inside of Raft. One class, whose parts are in the files named beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "consensus/configuration_log.h"
#include "consensus/election_timer.h"
#include "consensus/log.h"
#include "consensus/raft.h"
#include "consensus/roles.h"
#include "consensus/state_digests.h"
#include "consensus/writes.h"

namespace quorumbook::consensus {

class Raft::Core {
 public:
  // Contracts in raft.h. core.cc:
  Core(const Options& options, RestoredState restored, Instant now);
  void Tick(Instant now);
  Instant deadline() const;
  void Step(Message message, Instant now);
  void OnPersisted(uint64_t sequence, Instant now);
  void Compact(Snapshot snapshot);
  Output TakeOutput(bool proposing_soon);

  // status.cc
  RaftStatus status() const;
  Role role() const { return static_cast<Role>(role_.index()); }
  Term term() const { return term_; }
  NodeId leader() const;
  Index commit() const { return commit_; }
  std::optional<SnapshotMeta> EntryMeta(Index index) const;
  uint64_t log_bytes() const;

  // leader.cc
  ProposeResult Propose(Payload payload, Instant now, Index* index, Term* term);
  bool TransferLeadership(NodeId target, Instant now);

  // reads.cc
  bool ReadIndex(uint64_t id, Instant now);
  void SetClockTrusted(bool trusted, Instant now);

  // membership.cc
  ProposeResult ProposeConfiguration(std::vector<NodeId> voters, std::vector<NodeId> learners,
                                     Instant now, Index* index, Term* term);
  const Configuration& configuration() const { return configurations_.active(); }
  const Configuration& ConfigurationAt(Index index) const { return configurations_.At(index); }

  // quiescence.cc
  void Wake(Instant now);
  void PeerLost(NodeId peer, Instant now);

  // detection.cc
  void OnStateDigest(Index index, const Digest& digest, Instant now);
  void OnWholeState(Index index, const Digest& digest, Instant now);
  void Fence(NodeId node, Instant now);

  // snapshot_receipt.cc
  void OnSnapshotRead(const Payload& data, bool readable, Instant now);
  bool Awaits(const Payload& data) const;

 private:
  // A leader whose quorum gets no further, or whose own disk does not, for this many times
  // election_timeout_max gives way. Above 1, so that an ordinary election is not mistaken for it.
  static constexpr int kStallElections = 2;
  // So many times that long it waits while those that the quorum needs come closer.
  static constexpr int kPatienceStalls = 10;
  // That a leader which got nothing done sits out, besides those of its priority. Its last
  // heartbeats may be long under way, and whoever hears one of them begins to wait anew: it would
  // be the first to campaign, again and again.
  static constexpr uint32_t kStalledSitsOut = 2;
  // A chunk that is not answered is sent again after a heartbeat interval, then after twice that
  // time, up to this many doublings: a slow link must not be filled with repetitions.
  static constexpr int kResendDoublings = 3;
  // Evidence that is remembered, so that it is not told again.
  static constexpr size_t kReportedKept = 64;
  // A leader looks for a follower of a higher priority each time this many election_timeout_max
  // have passed: one that can not lead for long must not get it again at once.
  static constexpr int kPreferenceElections = 10;

  bool Is(Mutant mutant) const { return Planted(options_.mutant, mutant); }

  // core.cc
  void RestoreLog(std::vector<Entry> entries, const HardState& hard_state);
  void Advance(Instant now);
  Message Compose(NodeId to, Term term, decltype(Message::body) body) const;
  void Send(NodeId to, decltype(Message::body) body) { SendAs(to, term_, std::move(body)); }
  void SendAs(NodeId to, Term term, decltype(Message::body) body);
  bool IsHeard(const Message& message) const;
  void StepInTerm(Message& message);
  void AnswerStale(const Message& message);
  void CommitThrough(Index index);
  uint32_t BehindOthers() const { return kPriorityMax - options_.priority; }
  Duration stall_timeout() const { return kStallElections * options_.election_timeout_max; }

  // election.cc
  bool LeaderIsFresh() const;
  bool DiskStalls() const;
  bool MayCampaign() const;
  bool CandidateIsUpToDate(const RequestVote& request) const;
  void BecomeFollower(Term term);
  void LeaderLost();
  void OnElectionTimeout();
  void StartPreVote();
  void StartElection(bool leadership_transfer);
  void BecomeLeader();
  void CountVote(NodeId voter, bool granted);
  void ReleaseVotes();
  void OnRequestVote(const Message& message, const RequestVote& request);
  void GrantVote(NodeId candidate);
  void OnPreVoteResponse(const Message& message, bool granted);
  void OnVoteResponse(const Message& message, bool granted);
  void OnTimeoutNow(const Message& message);
  void NoteCampaign(NodeId candidate);
  void NoteVoteForMe(NodeId voter);

  // follower.cc
  Follower* HearLeader(NodeId from, uint64_t round);
  void OnAppendEntries(Message& message);
  bool EntriesAreSound(NodeId from, Term term, const AppendEntries& append);
  bool AgreesAtPrevious(NodeId from, Index matched, const AppendEntries& append,
                        std::optional<Index>* look_at);
  bool MergeEntries(NodeId from, Index matched, std::vector<Entry>& entries);
  bool GivesWay(NodeId from, Index matched, const SnapshotMeta& own);
  void TruncateFrom(Index index);
  void Refuse(NodeId to, const AppendEntries& append, Index look_at);
  void RefuseCorrupt(NodeId to, const AppendEntries& append);
  AppendEntriesResponse Answer(bool accepted, Index index) const;
  void Acknowledge(Follower& follower);
  void AcknowledgeDurable();

  // replication.cc
  void OnAppendResponse(const Message& message);
  void OnAppendAccepted(Leader& leader, Progress& peer, Index index, const Digest& chain);
  void OnAppendRefused(Leader& leader, Progress& peer, const AppendEntriesResponse& response);
  void OnCorruptAppend(Progress& peer, Index previous);
  bool CatchesUp(const Leader& leader) const;
  bool HasForgotten(const Leader& leader, const Progress& peer,
                    const AppendEntriesResponse& response) const;
  void Flush(Leader& leader, bool proposing_soon);
  void SendEntries(Leader& leader, Progress& peer);
  void SendEmpty(Progress& peer, uint64_t round, bool quiesce);
  void Heartbeat(Leader& leader);
  Instant NextHeartbeat() const;
  void NarrowWindow(Progress& peer);
  void MaybeCommit(Leader& leader);

  // leader.cc
  void AppendOwn(EntryType type, Payload payload);
  void TickLeader();
  void MaybePreferOther(Leader& leader);
  Instant LeaderDeadline(const Leader& leader) const;
  Instant QuorumHeard(const Leader& leader) const;
  Instant DiskCheckAt(const Leader& leader) const;
  bool IsStalled(const Leader& leader) const;
  Instant StallsAt(const Leader& leader) const;
  bool IsActive(const Progress& peer) const;
  bool CanLead(const Progress& peer) const;
  void ContinueHandover(Leader& leader);

  // reads.cc
  void TrustClock(bool trusted);
  void StartReadRound(Leader& leader);
  void RoundSent(Leader& leader);
  void RoundAnswered(Leader& leader);
  bool LeaseHolds(const Leader& leader) const;

  // membership.cc
  void NoteConfiguration(const Entry& entry);
  void ConfigurationChanged();
  void FollowConfiguration(Leader& leader);
  void DropLeaving(Leader& leader);
  void ContinueChange();

  // quiescence.cc
  bool IsQuiet(const Leader& leader) const;
  bool MaybeQuiesce(Leader& leader);
  void WakeBy(const Message& message);
  void WakeLeader(Leader& leader);
  void WakeFollower(Follower& follower);

  // snapshot_transfer.cc
  void StartTransfer(Progress& peer);
  bool WantsChunk(const Progress& peer) const;
  void SendChunks(Leader& leader);
  void SendChunk(Leader& leader, Progress& peer);
  void RetryTransfers(Leader& leader);
  void OnInstallResponse(const Message& message);
  Index TransferFloor(const Leader& leader) const;

  // snapshot_receipt.cc
  struct IncomingSnapshot {
    SnapshotMeta meta;
    Configuration configuration;
    Digest digest;
    uint64_t total_bytes = 0;
    NodeId from;  // none: pieces of it came from several leaders
    Term term;    // in which its last chunk came
    std::string data;
    Payload whole;          // all of it, once its digest is known to be right; `data` is empty then
    bool readable = false;  // the host said so

    uint64_t received_bytes() const { return whole != nullptr ? total_bytes : data.size(); }
  };
  void OnInstallSnapshot(Message& message);
  void Installed(Follower& follower, const SnapshotMeta& meta, uint64_t total_bytes);
  bool SnapshotIsSound(NodeId from, Index matched, const InstallSnapshot& chunk);
  bool StoreChunk(NodeId from, InstallSnapshot& chunk);
  bool IsWhole();
  void AskForRest(NodeId leader, const SnapshotMeta& meta, uint64_t next_offset);
  void InstallReceived(Follower& follower);

  // detection.cc
  void Report(Evidence::Kind kind, NodeId culprit, Index index);
  void TellState(Index index, const Digest& digest, uint32_t format);
  void NoteStateDigest(NodeId node, const StateDigest& state);
  void Quarantine();
  void Disregard(Leader& leader, NodeId node);

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
  ConfigurationLog configurations_;   // what the log and the snapshot say of the members

  Index commit_;
  Index emitted_;  // last one given out in Output::committed or restored
  std::variant<Follower, PreCandidate, Candidate, Leader> role_;
  Writes writes_;
  std::vector<Message> held_;  // votes and requests for votes, until the vote is durable
  std::optional<IncomingSnapshot> incoming_;
  std::optional<Restore> restore_;

  // Whose majorities decide: configuration(), but for planted bugs.
  Configuration electorate_;
  Instant sticky_until_{};  // until then nobody is helped to replace a leader (4.2.3)
  uint32_t sits_out_ = 0;   // election timeouts, before it campaigns
  bool clock_trusted_ = false;

  // For evidence: who asked for votes in this term, or led, and who voted for this node.
  MemberSet campaigned_;
  MemberSet voted_for_me_;
  std::vector<Evidence> reported_;  // the latest of this term, for it is told once
  StateDigests digests_;
  StateDigests whole_states_;
  MemberSet fenced_;
  bool quarantined_ = false;

  // The Output that is being gathered.
  std::vector<Message> messages_;
  std::vector<ReadReady> reads_;
  std::vector<uint64_t> reads_failed_;
  std::vector<Evidence> evidence_;
  std::optional<Snapshot> received_;
  bool configuration_changed_ = true;
};

}  // namespace quorumbook::consensus
