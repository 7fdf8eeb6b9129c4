// Compaction and snapshots (5).
#include <gtest/gtest.h>

#include <map>

#include "common/digest.h"
#include "consensus/configuration.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;

const std::string kState = "the state of the machine at index five";

InstallSnapshot ChunkOf(const SnapshotMeta& meta, uint64_t offset, uint64_t size,
                        const std::string& state = kState) {
  const std::string data = state.substr(offset, size);
  return {.meta = meta,
          .data_digest = Digest128(state),
          .total_bytes = state.size(),
          .offset = offset,
          .checksum = Checksum64(data),
          .data = data};
}

const std::vector<Entry> kLog = LogOfTerms({1, 1, 2, 2, 2, 3});

// A leader of term 1 of three, which has compacted its log up to index 11 of 11 while kTwo has
// nothing and kThree everything.
Replica LeaderWithSnapshot(uint64_t keep_log_bytes = 0, uint64_t window_bytes = 10) {
  Options options = GroupOf(3);
  options.keep_log_bytes = keep_log_bytes;
  options.snapshot_chunk_bytes = 10;
  options.snapshot_window_bytes = window_bytes;
  options.transfer_log_bytes = 8 * 65;
  Replica replica(options);
  replica.Elect();
  for (int proposal = 0; proposal < 10; ++proposal) replica.Propose("a");
  replica.Sync();
  replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(11)});
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(11)), .data = Text(kState)});
  return replica;
}

InstallSnapshot OneChunk(Replica& replica) {
  const auto chunks = replica.Take<InstallSnapshot>();
  EXPECT_EQ(chunks.size(), 1u);
  return chunks.empty() ? InstallSnapshot{} : chunks[0];
}

TEST(CompactionTest, DropsWhatTheSnapshotCoversButATail) {
  Options options = GroupOf(1);
  options.keep_log_bytes = 3 * 65;
  Replica replica(options);
  replica.Elect();
  for (int proposal = 0; proposal < 10; ++proposal) replica.Propose("a");
  replica.Sync();
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(9)), .data = Text(kState)});
  EXPECT_EQ(replica.raft().status().first, Index(7));
  EXPECT_EQ(replica.raft().status().snapshot.index, Index(9));
  EXPECT_EQ(replica.raft().status().log_bytes, 5 * 65u);
  EXPECT_EQ(replica.raft().log_bytes(), 2 * 65u);
  replica.Sync();
  EXPECT_EQ(replica.disk().entries().front().index, Index(7));
  // An older snapshot changes nothing.
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(8)), .data = Text(kState)});
  EXPECT_EQ(replica.raft().status().snapshot.index, Index(9));
}

TEST(CompactionTest, RestartGoesOnFromSnapshotAndTail) {
  Options options = GroupOf(1);
  options.keep_log_bytes = 3 * 65;
  Replica replica(options);
  replica.Elect();
  for (int proposal = 0; proposal < 10; ++proposal) replica.Propose("a");
  replica.Sync();
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(9)), .data = Text(kState)});
  replica.Sync();
  const auto last = replica.raft().EntryMeta(Index(11));
  replica.CrashAndRestart();
  const std::vector<Snapshot> restores = replica.TakeRestores();
  ASSERT_EQ(restores.size(), 1u);
  EXPECT_EQ(*restores[0].data, kState);
  EXPECT_EQ(replica.raft().EntryMeta(Index(11)), last);
  replica.Elect();
  replica.Sync();
  const std::vector<Entry> committed = replica.TakeCommitted();
  ASSERT_EQ(committed.size(), 3u);
  EXPECT_EQ(committed[0].index, Index(10));
}

// The host's snapshot may be durable before the log entries that it covers.
TEST(CompactionTest, SnapshotAheadOfTheDurableLogReplacesIt) {
  const std::vector<Entry> stale = LogOfTerms({1, 1, 1, 1, 1, 1, 1, 1});
  for (const uint64_t entries : {2, 4, 8}) {
    RestoredState restored;
    restored.hard_state.term = Term(1);
    restored.snapshot = Snapshot{.meta = MetaOf(kLog, 5), .data = Text(kState)};
    restored.entries.assign(stale.begin(), stale.begin() + static_cast<ptrdiff_t>(entries));
    Replica replica(GroupOf(3), restored);
    EXPECT_EQ(replica.raft().status().last, Index(5));
    EXPECT_EQ(replica.raft().term(), Term(2));
    EXPECT_EQ(replica.TakeRestores().size(), 1u);
    replica.Receive(kTwo, 3, AppendOf(kLog, 5, 6));
    replica.Sync();
    EXPECT_EQ(replica.disk().entries().size(), 1u);
    EXPECT_EQ(replica.disk().Meta(Index(6)), MetaOf(kLog, 6));
    replica.CrashAndRestart();
    EXPECT_EQ(replica.raft().status().last, Index(6));
  }
}

// What the dropped entries said of the members is not in force either.
TEST(CompactionTest, SnapshotAheadOfTheDurableLogBringsItsMembers) {
  const Configuration members = MakeConfiguration({kOne, kTwo, kThree});
  std::vector<Entry> stale = LogOfTerms({1, 1, 1, 1, 1});
  const Payload other = Text(EncodeConfiguration(MakeConfiguration({kOne, kFour, kFive})));
  stale.push_back(
      {.term = Term(1),
       .index = Index(6),
       .type = EntryType::kConfiguration,
       .chain = Chain(stale.back().chain, Term(1), Index(6), EntryType::kConfiguration, *other),
       .payload = other});
  RestoredState restored;
  restored.hard_state.term = Term(2);
  restored.snapshot =
      Snapshot{.meta = MetaOf(kLog, 5), .configuration = members, .data = Text(kState)};
  restored.entries = stale;
  Replica replica(GroupOf(3), restored);
  EXPECT_EQ(replica.raft().status().last, Index(5));
  EXPECT_EQ(replica.raft().configuration(), members);
  EXPECT_EQ(replica.raft().status().configuration_index, Index(5));
}

// 5, figure 5.3: "send snapshot chunks [...] in order".
TEST(SnapshotTest, LeaderSendsASnapshotInChunksOneAtATime) {
  Replica replica = LeaderWithSnapshot();
  std::string received;
  for (int chunks = 0; chunks < 4; ++chunks) {
    const InstallSnapshot chunk = OneChunk(replica);
    ASSERT_EQ(chunk.offset, received.size());
    EXPECT_EQ(chunk.checksum, Checksum64(chunk.data));
    EXPECT_EQ(chunk.total_bytes, kState.size());
    EXPECT_LE(chunk.data.size(), 10u);
    received += chunk.data;
    const InstallSnapshotResponse answer{.meta = chunk.meta,
                                         .next_offset = received.size(),
                                         .installed = received.size() == kState.size()};
    replica.Receive(kTwo, 1, answer);
    replica.Receive(kTwo, 1, answer);  // a repeated answer does not bring a second chunk
  }
  EXPECT_EQ(received, kState);
  const PeerProgress peer = replica.raft().status().peers[0];
  EXPECT_EQ(peer.match, Index(11));
  EXPECT_FALSE(peer.snapshotting);
  replica.TakeMessages();
  replica.Propose("b");
  EXPECT_EQ(replica.Take<AppendEntries>().size(), 2u);
}

// Nobody else could commit either: kThree is gone.
TEST(SnapshotTest, LeaderStaysWhileTheOneThatItNeedsReadsASnapshot) {
  const Duration longest = 2 * GroupOf(3).election_timeout_max;
  Replica replica = LeaderWithSnapshot();
  ASSERT_EQ(replica.Propose("waits"), ProposeResult::kAccepted);
  replica.Sync();
  const Instant since = replica.now();
  while (replica.now() < since + 5 * longest) {
    ASSERT_EQ(replica.raft().role(), Role::kLeader) << (replica.now() - since).count();
    for (const InstallSnapshot& chunk : replica.Take<InstallSnapshot>()) {
      replica.Receive(kTwo, 1,
                      InstallSnapshotResponse{.meta = chunk.meta,
                                              .next_offset = chunk.offset + chunk.data.size()});
    }
    replica.TickToDeadline();
  }
  // And not for ever.
  while (replica.raft().role() == Role::kLeader) {
    ASSERT_LE(replica.now(), since + 10 * longest);
    for (const InstallSnapshot& chunk : replica.Take<InstallSnapshot>()) {
      replica.Receive(
          kTwo, 1, InstallSnapshotResponse{.meta = chunk.meta, .next_offset = chunk.total_bytes});
    }
    replica.TickToDeadline();
  }
}

// Its voters could elect each other: that kFour, a learner, gets on with a snapshot is no reason to
// hold them up.
TEST(SnapshotTest, LeaderGivesWayThoughSomebodyItDoesNotNeedReadsASnapshot) {
  const Duration longest = 2 * GroupOf(3).election_timeout_max;
  Replica replica = LeaderWithSnapshot();
  ASSERT_EQ(replica.ProposeMembers({kOne, kTwo, kThree}, {kFour}), ProposeResult::kAccepted);
  replica.Sync();
  for (const NodeId voter : {kTwo, kThree}) {
    replica.Receive(voter, 1, AppendEntriesResponse{.accepted = true, .index = Index(12)});
  }
  ASSERT_EQ(replica.Propose("waits"), ProposeResult::kAccepted);
  replica.Sync();
  const Instant since = replica.now();
  while (replica.raft().role() == Role::kLeader) {
    ASSERT_LE(replica.now(), since + 2 * longest);
    for (const Message& message : replica.TakeMessages()) {
      if (const auto* chunk = std::get_if<InstallSnapshot>(&message.body)) {
        replica.Receive(
            message.to, 1,
            InstallSnapshotResponse{.meta = chunk->meta, .next_offset = chunk->total_bytes});
      } else if (const auto* append = std::get_if<AppendEntries>(&message.body);
                 append != nullptr && append->entries.empty() && message.to != kFour) {
        replica.Receive(
            message.to, 1,
            AppendEntriesResponse{.accepted = true, .index = Index(12), .round = append->round});
      } else if (append != nullptr && message.to == kFour) {
        replica.Receive(
            kFour, 1,
            AppendEntriesResponse{
                .accepted = false, .index = append->prev_index, .round = append->round});
      }
    }
    replica.TickToDeadline();
  }
}

TEST(SnapshotTest, LostChunkIsSentAgainAndHeartbeatsGoOn) {
  Replica replica = LeaderWithSnapshot();
  size_t chunks = 0;
  size_t heartbeats = 0;
  const Instant begun = replica.now();
  while (replica.now() - begun < milliseconds(500)) {
    for (const Message& message : replica.TakeMessages()) {
      if (message.to != kTwo) continue;
      if (std::holds_alternative<InstallSnapshot>(message.body)) ++chunks;
      if (std::holds_alternative<AppendEntries>(message.body)) ++heartbeats;
    }
    replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(11)});
    replica.TickToDeadline();
  }
  // At 0, 60, 180 and 420 ms.
  EXPECT_GE(chunks, 3u);
  EXPECT_LE(chunks, 4u);
  EXPECT_GE(heartbeats, 8u);
}

TEST(SnapshotTest, TransferGoesOnWhereTheFollowerIs) {
  Replica replica = LeaderWithSnapshot();
  const SnapshotMeta meta = OneChunk(replica).meta;
  replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = meta, .next_offset = 20});
  EXPECT_EQ(OneChunk(replica).offset, 20u);
  // It was restarted.
  replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = meta, .next_offset = 0});
  EXPECT_EQ(OneChunk(replica).offset, 0u);
}

TEST(SnapshotTest, FollowerInstallsWhatArrivedWhenItIsDurable) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1}), 1);
  const SnapshotMeta meta = MetaOf(kLog, 5);
  replica.Receive(kTwo, 3, ChunkOf(meta, 0, 20));
  replica.Receive(kTwo, 3, ChunkOf(meta, 25, 100));  // not in order
  replica.Receive(kTwo, 3, ChunkOf(meta, 0, 20));    // again
  replica.Sync();
  for (const auto& answer : replica.Take<InstallSnapshotResponse>()) {
    EXPECT_EQ(answer.next_offset, 20u);
    EXPECT_FALSE(answer.installed);
  }
  replica.Receive(kTwo, 3, ChunkOf(meta, 20, 100));
  replica.Receive(kTwo, 3, AppendOf(kLog, 5, 6, /*commit=*/6));
  EXPECT_EQ(replica.raft().commit(), Index(6));
  for (const auto& answer : replica.Take<InstallSnapshotResponse>()) {
    EXPECT_FALSE(answer.installed);
  }
  EXPECT_TRUE(replica.TakeRestores().empty());
  EXPECT_TRUE(replica.TakeCommitted().empty());
  replica.SyncOne();
  const std::vector<Snapshot> restores = replica.TakeRestores();
  ASSERT_EQ(restores.size(), 1u);
  EXPECT_EQ(*restores[0].data, kState);
  ASSERT_EQ(replica.TakeCommitted().size(), 1u);
  const auto answers = replica.Take<InstallSnapshotResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].installed);
  EXPECT_EQ(answers[0].next_offset, kState.size());
}

// Figure 5.3, 6: "If existing log entry has same index and term as snapshot's last included entry,
// retain log entries following it".
TEST(SnapshotTest, FollowerThatHasTheEntryKeepsItsLog) {
  Replica replica(GroupOf(3), kLog, 3);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 10));
  EXPECT_EQ(replica.raft().status().last, Index(6));
  EXPECT_EQ(replica.raft().commit(), Index(5));
  EXPECT_EQ(replica.TakeCommitted().size(), 5u);
  const auto answers = replica.Take<InstallSnapshotResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].installed);
  EXPECT_TRUE(replica.TakeRestores().empty());
}

// Figure 5.3, 7: "Discard the entire log".
TEST(SnapshotTest, FollowerWithAnotherEntryThereDropsItsLog) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1, 1, 1, 1, 1, 1}), 1);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 100));
  EXPECT_EQ(replica.raft().status().last, Index(5));
  EXPECT_EQ(replica.raft().status().durable, Index(0));
  replica.Sync();
  EXPECT_EQ(replica.raft().status().durable, Index(5));
  EXPECT_TRUE(replica.disk().entries().empty());
  EXPECT_EQ(replica.disk().snapshot_index(), Index(5));
}

// Entries were on their way to the disk when the snapshot replaced them.
TEST(SnapshotTest, CompletionOfEarlierWritesDoesNotMakeTheSnapshotDurable) {
  Replica replica(GroupOf(3), {}, 1);
  const std::vector<Entry> stale = LogOfTerms({1, 1, 1, 1, 1, 1, 1});
  replica.Receive(kTwo, 1, AppendOf(stale, 0, 7));
  replica.Receive(kThree, 3, ChunkOf(MetaOf(kLog, 5), 0, 100));
  replica.TakeMessages();
  replica.SyncOne();
  replica.SyncOne();  // the term
  EXPECT_EQ(replica.raft().status().durable, Index(0));
  EXPECT_TRUE(replica.TakeMessages().empty());
  EXPECT_TRUE(replica.TakeRestores().empty());
  replica.SyncOne();
  EXPECT_EQ(replica.raft().status().durable, Index(5));
  EXPECT_EQ(replica.TakeRestores().size(), 1u);
}

TEST(SnapshotTest, NewerSnapshotReplacesOneThatIsArriving) {
  Replica replica(GroupOf(3), {}, 3);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 4), 0, 10));
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 10));
  replica.TakeMessages();
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 4), 10, 100));  // late
  EXPECT_TRUE(replica.TakeMessages().empty());
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 10, 100));
  EXPECT_EQ(replica.raft().commit(), Index(5));
}

TEST(SnapshotTest, TransferSurvivesAnElectionThatTheSenderWinsAgain) {
  Replica replica(GroupOf(3), {}, 3);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 10));
  replica.Receive(kTwo, 4, ChunkOf(MetaOf(kLog, 5), 0, 10));
  const auto answers = replica.Take<InstallSnapshotResponse>();
  ASSERT_EQ(answers.size(), 2u);
  replica.Receive(kTwo, 4, ChunkOf(MetaOf(kLog, 5), 10, 100));
  EXPECT_EQ(replica.raft().commit(), Index(5));
}

TEST(SnapshotTest, EmptyStateIsASnapshotToo) {
  Replica replica(GroupOf(3), {}, 3);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 0, ""));
  replica.Sync();
  EXPECT_EQ(replica.TakeRestores().size(), 1u);
}

// Without waiting for each answer; but first the follower says where to go on.
TEST(SnapshotTest, LeaderSendsChunksAheadUpToTheWindow) {
  Replica replica = LeaderWithSnapshot(/*keep_log_bytes=*/0, /*window_bytes=*/20);
  const SnapshotMeta meta = OneChunk(replica).meta;
  replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = meta, .next_offset = 10});
  auto chunks = replica.Take<InstallSnapshot>();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].offset, 10u);
  EXPECT_EQ(chunks[1].offset, 20u);
  replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = meta, .next_offset = 20});
  EXPECT_EQ(OneChunk(replica).offset, 30u);
  // One was lost: after a while it is asked again, with one chunk.
  replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = meta, .next_offset = 20});
  EXPECT_TRUE(replica.Take<InstallSnapshot>().empty());
  replica.TickAfter(milliseconds(100));
  EXPECT_EQ(OneChunk(replica).offset, 20u);
}

TEST(SnapshotTest, RateIsBounded) {
  Options options = GroupOf(3);
  options.keep_log_bytes = 0;
  options.snapshot_chunk_bytes = 100;
  options.snapshot_bytes_per_second = 1'000;
  Replica replica(options);
  replica.Elect();
  replica.Sync();
  replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
  replica.Compact(
      {.meta = *replica.raft().EntryMeta(Index(1)), .data = Text(std::string(5'000, 's'))});
  replica.TakeMessages();
  uint64_t taken = 0;
  const Instant begun = replica.now();
  while (replica.now() - begun < std::chrono::seconds(2)) {
    replica.TickToDeadline();
    replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
    for (const InstallSnapshot& chunk : replica.Take<InstallSnapshot>()) {
      if (chunk.offset == taken) taken += chunk.data.size();
      replica.Receive(kTwo, 1, InstallSnapshotResponse{.meta = chunk.meta, .next_offset = taken});
    }
  }
  EXPECT_LE(taken, 2'100u);
  EXPECT_GE(taken, 1'500u);
}

// ... for all together, and each gets its part.
TEST(SnapshotTest, RateIsShared) {
  Options options = GroupOf(5);
  options.keep_log_bytes = 0;
  options.snapshot_chunk_bytes = 100;
  options.snapshot_bytes_per_second = 1'000;
  Replica replica(options);
  replica.Elect();
  replica.Sync();
  const AppendEntriesResponse accepted{.accepted = true, .index = Index(1)};
  replica.Receive(kFour, 1, accepted);
  replica.Receive(kFive, 1, accepted);
  replica.Compact(
      {.meta = *replica.raft().EntryMeta(Index(1)), .data = Text(std::string(5'000, 's'))});
  replica.TakeMessages();
  std::map<NodeId, uint64_t> taken;
  const Instant begun = replica.now();
  while (replica.now() - begun < std::chrono::seconds(2)) {
    replica.TickToDeadline();
    replica.Receive(kFour, 1, accepted);
    replica.Receive(kFive, 1, accepted);
    for (const Message& message : replica.TakeMessages()) {
      const auto* chunk = std::get_if<InstallSnapshot>(&message.body);
      if (chunk == nullptr) continue;
      uint64_t& its = taken[message.to];
      if (chunk->offset == its) its += chunk->data.size();
      replica.Receive(message.to, 1,
                      InstallSnapshotResponse{.meta = chunk->meta, .next_offset = its});
    }
  }
  EXPECT_LE(taken[kTwo] + taken[kThree], 2'200u);
  EXPECT_GE(taken[kTwo], 700u);
  EXPECT_GE(taken[kThree], 700u);
}

TEST(SnapshotTest, TransferGoesOnUnderAnotherLeader) {
  Replica replica(GroupOf(3), {}, 3);
  replica.Receive(kTwo, 3, ChunkOf(MetaOf(kLog, 5), 0, 10));
  replica.TakeMessages();
  replica.Receive(kThree, 4, ChunkOf(MetaOf(kLog, 5), 0, 10));
  replica.Sync();
  const auto answers = replica.Take<InstallSnapshotResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].next_offset, 10u);
  replica.Receive(kThree, 4, ChunkOf(MetaOf(kLog, 5), 10, 100));
  EXPECT_EQ(replica.raft().commit(), Index(5));
}

// Pieces of different states do not make one, and nobody can be blamed.
TEST(SnapshotTest, WholeIsVerifiedWhenItsPiecesCameFromTwoLeaders) {
  Replica replica(GroupOf(3), {}, 3);
  InstallSnapshot wrong = ChunkOf(MetaOf(kLog, 5), 0, 10);
  wrong.data[0] = '?';
  wrong.checksum = Checksum64(wrong.data);
  replica.Receive(kTwo, 3, wrong);
  replica.Receive(kThree, 4, ChunkOf(MetaOf(kLog, 5), 10, 100));
  EXPECT_EQ(replica.raft().commit(), Index(0));
  const auto evidence = replica.TakeEvidence();
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].kind, Evidence::Kind::kCorruptSnapshot);
  EXPECT_EQ(evidence[0].culprit, NodeId());
  replica.Receive(kThree, 4, ChunkOf(MetaOf(kLog, 5), 0, 100));
  EXPECT_EQ(replica.raft().commit(), Index(5));
}

// The entries after it would be missed at once, and the next snapshot be needed, for ever.
TEST(SnapshotTest, EntriesAreKeptUntilTheReceiverHasCaughtUp) {
  Replica replica = LeaderWithSnapshot();
  const SnapshotMeta meta = OneChunk(replica).meta;
  replica.Propose("b");
  replica.Propose("b");
  replica.Sync();
  replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(13)});
  replica.Receive(
      kTwo, 1,
      InstallSnapshotResponse{.meta = meta, .next_offset = kState.size(), .installed = true});
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(13)), .data = Text(kState)});
  EXPECT_EQ(replica.raft().status().first, Index(12));
  replica.Receive(kTwo, 1, AppendEntriesResponse{.accepted = true, .index = Index(13)});
  replica.Propose("b");
  replica.Sync();
  replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(14)});
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(14)), .data = Text(kState)});
  EXPECT_EQ(replica.raft().status().first, Index(15));
}

// In the order in which a follower speaks: first that its log is durable, then that it has
// installed.
TEST(SnapshotTest, EntriesAreKeptThoughTheAcknowledgementComesBeforeTheInstallation) {
  Replica replica = LeaderWithSnapshot();
  const SnapshotMeta meta = OneChunk(replica).meta;
  replica.Propose("b");
  replica.Propose("b");
  replica.Sync();
  replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(13)});
  replica.Receive(kTwo, 1, AppendEntriesResponse{.accepted = true, .index = Index(11)});
  replica.Receive(
      kTwo, 1,
      InstallSnapshotResponse{.meta = meta, .next_offset = kState.size(), .installed = true});
  EXPECT_FALSE(replica.raft().status().peers[0].snapshotting);
  replica.Compact({.meta = *replica.raft().EntryMeta(Index(13)), .data = Text(kState)});
  EXPECT_EQ(replica.raft().status().first, Index(12));
}

// 3.4: terms only grow, so that what a leader has is of its term or of an earlier one.
TEST(SnapshotTest, SnapshotOfALaterTermThanItsLeadersIsRefused) {
  Replica replica(GroupOf(3), {}, 2);
  ASSERT_EQ(MetaOf(kLog, 6).term, Term(3));
  replica.Receive(kTwo, 2, ChunkOf(MetaOf(kLog, 6), 0, 100));
  EXPECT_EQ(replica.raft().commit(), Index(0));
  const auto evidence = replica.TakeEvidence();
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].kind, Evidence::Kind::kCorruptSnapshot);
  EXPECT_EQ(evidence[0].culprit, kTwo);
}

// Else it would need the next snapshot as soon as it has this one, for ever.
TEST(SnapshotTest, EntriesAfterASnapshotUnderWayAreKeptForItsReceiver) {
  constexpr uint64_t kEntryBytes = 65;
  Replica replica = LeaderWithSnapshot(/*keep_log_bytes=*/kEntryBytes);
  ASSERT_TRUE(replica.raft().status().peers[0].snapshotting);
  const auto propose_and_compact = [&](int entries) {
    for (int entry = 0; entry < entries; ++entry) replica.Propose("b");
    replica.Sync();
    const Index last = replica.raft().status().last;
    replica.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = last});
    replica.Compact({.meta = *replica.raft().EntryMeta(last), .data = Text(kState)});
  };
  propose_and_compact(5);
  EXPECT_EQ(replica.raft().status().first, Index(12));
  // Up to a bound, here eight entries.
  propose_and_compact(10);
  EXPECT_EQ(replica.raft().status().last, Index(26));
  EXPECT_EQ(replica.raft().status().first, Index(19));
}

}  // namespace
}  // namespace quorumbook::consensus
