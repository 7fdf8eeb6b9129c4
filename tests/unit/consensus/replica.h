// One core and its disk, driven by hand: what the others would say is made up by the test.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consensus/raft.h"
#include "tests/unit/consensus/sim_disk.h"

namespace quorumbook::consensus {

inline constexpr NodeId kOne{1};
inline constexpr NodeId kTwo{2};
inline constexpr NodeId kThree{3};
inline constexpr NodeId kFour{4};
inline constexpr NodeId kFive{5};

Payload Text(std::string text);

// The voters 1 to `voters`, this one `id`.
Options GroupOf(uint64_t voters, NodeId id = kOne);

// Entries of these terms, from index 1 on, chained; their payloads are "1", "2", ...
std::vector<Entry> LogOfTerms(const std::vector<uint64_t>& terms);
SnapshotMeta MetaOf(const std::vector<Entry>& log, uint64_t index);
// A message body with the entries after `previous` up to `through` of `log`.
AppendEntries AppendOf(const std::vector<Entry>& log, uint64_t previous, uint64_t through,
                       uint64_t commit = 0, uint64_t round = 0);

class Replica {
 public:
  explicit Replica(const Options& options, RestoredState restored = {});
  // With the log of LogOfTerms, term and vote.
  Replica(const Options& options, const std::vector<Entry>& log, uint64_t term,
          NodeId vote = NodeId());

  // Time goes on to the next deadline.
  void TickToDeadline();
  void TickAfter(Duration duration);
  void Receive(NodeId from, uint64_t term, decltype(Message::body) body);
  ProposeResult Propose(const std::string& text);
  bool Read(uint64_t id);
  bool Transfer(NodeId target);
  ProposeResult ProposeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners = {});
  // With the members that are in force at its index.
  void Compact(Snapshot snapshot);

  // All writes under way become durable.
  void Sync();
  void SyncOne();
  // What was not durable is gone, and all that was gathered below.
  void CrashAndRestart();

  // An election that is won: pre-votes and votes of as many as it takes.
  void Elect();

  Raft& raft() { return *raft_; }
  const SimDisk& disk() const { return disk_; }
  Instant now() const { return now_; }

  // What was given out since the last call.
  std::vector<Message> TakeMessages();
  // The bodies of one kind among them, the others dropped.
  template <typename Body>
  std::vector<Body> Take() {
    std::vector<Body> bodies;
    for (Message& message : TakeMessages()) {
      if (auto* body = std::get_if<Body>(&message.body)) bodies.push_back(std::move(*body));
    }
    return bodies;
  }
  std::vector<Entry> TakeCommitted() { return std::exchange(committed_, {}); }
  std::vector<ReadReady> TakeReads() { return std::exchange(reads_, {}); }
  std::vector<uint64_t> TakeFailedReads() { return std::exchange(reads_failed_, {}); }
  std::vector<Evidence> TakeEvidence() { return std::exchange(evidence_, {}); }
  std::vector<Snapshot> TakeRestores() { return std::exchange(restores_, {}); }
  // Snapshots that came are readable at once, or else the test says so itself.
  void ReadSnapshotsByHand() { reads_snapshots_ = false; }
  std::vector<Snapshot> TakeReceived() { return std::exchange(received_, {}); }
  std::vector<Configuration> TakeConfigurations() { return std::exchange(configurations_, {}); }
  // Calls a method of the core and handles what comes out.
  template <typename Call>
  void Do(Call call) {
    call(*raft_);
    Handle();
  }

 private:
  void Handle();

  Options options_;
  Instant now_{};
  SimDisk disk_;
  std::unique_ptr<Raft> raft_;
  std::vector<Message> messages_;
  std::vector<Entry> committed_;
  std::vector<ReadReady> reads_;
  std::vector<uint64_t> reads_failed_;
  std::vector<Evidence> evidence_;
  std::vector<Snapshot> restores_;
  std::vector<Configuration> configurations_;
  std::vector<Snapshot> received_;
  bool reads_snapshots_ = true;
};

}  // namespace quorumbook::consensus
