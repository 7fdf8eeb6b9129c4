// What overtakes what on the way to a peer, and that the leader and the follower at the ends of it
// are none the worse.
#include "server/peer_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consensus/raft.h"

namespace quorumbook::server {
namespace {

using consensus::AppendEntries;
using consensus::AppendEntriesResponse;
using consensus::Index;
using consensus::Instant;
using consensus::Message;
using consensus::Raft;
using consensus::Term;

constexpr NodeId kLeader(1);
constexpr NodeId kFollower(2);
constexpr ShardId kShard(1);

Message Append(uint64_t term, uint64_t prev, uint64_t count, uint64_t round, uint64_t commit = 0) {
  AppendEntries append{.prev_index = Index(prev),
                       .prev_term = Term(term),
                       .prev_chain = {prev, prev},
                       .commit = Index(commit),
                       .round = round};
  for (uint64_t i = 1; i <= count; ++i) {
    append.entries.push_back({.term = Term(term),
                              .index = Index(prev + i),
                              .chain = {},
                              .payload = std::make_shared<const std::string>("entry")});
  }
  return {.from = kLeader, .to = kFollower, .term = Term(term), .body = std::move(append)};
}

std::vector<AppendEntries> TakeAll(PeerQueue* queue) {
  std::vector<AppendEntries> taken;
  while (!queue->empty()) {
    queue->TakeFrame([&](const PeerQueue::Waiting& waiting) {
      taken.push_back(std::get<AppendEntries>(waiting.message.body));
    });
  }
  EXPECT_EQ(queue->bytes(), 0u);
  return taken;
}

TEST(PeerQueueTest, AHeartbeatStandsBeforeTheEntriesThatItOvertakes) {
  PeerQueue queue;
  ASSERT_TRUE(queue.Add(kShard, Append(3, 4, 2, /*round=*/7)));
  ASSERT_TRUE(queue.Add(kShard, Append(3, 6, 2, /*round=*/7)));
  ASSERT_TRUE(queue.Add(kShard, Append(3, 8, 0, /*round=*/8, /*commit=*/5)));
  const std::vector<AppendEntries> sent = TakeAll(&queue);
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_TRUE(sent[0].entries.empty());
  EXPECT_EQ(sent[0].prev_index, Index(4));
  EXPECT_EQ(sent[0].prev_chain, (Digest{4, 4}));
  EXPECT_EQ(sent[0].round, 8u);
  EXPECT_EQ(sent[1].prev_index, Index(4));
  EXPECT_EQ(sent[1].commit, Index(0));
  EXPECT_EQ(sent[2].prev_index, Index(6));
  EXPECT_EQ(sent[2].commit, Index(5)) << "what follows the entries is told with them";
}

TEST(PeerQueueTest, NewsOfTheCommitIndexGoWithTheEntriesThatWait) {
  PeerQueue queue;
  ASSERT_TRUE(queue.Add(kShard, Append(3, 4, 2, /*round=*/7)));
  ASSERT_TRUE(queue.Add(kShard, Append(3, 6, 0, /*round=*/7, /*commit=*/6)));
  const std::vector<AppendEntries> sent = TakeAll(&queue);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].commit, Index(6));
}

TEST(PeerQueueTest, OnlyEntriesOfTheSameShardAndTermMoveAHeartbeat) {
  PeerQueue queue;
  ASSERT_TRUE(queue.Add(ShardId(2), Append(3, 1, 1, 7)));
  ASSERT_TRUE(queue.Add(ShardId(3), Append(3, 8, 0, 8)));
  ASSERT_TRUE(queue.Add(kShard, Append(2, 2, 1, 7)));
  ASSERT_TRUE(queue.Add(kShard, Append(3, 8, 0, 8)));
  ASSERT_TRUE(queue.Add(kShard, Append(3, 5, 3, 8)));
  std::vector<std::pair<ShardId, AppendEntries>> sent;
  queue.TakeFrame([&](const PeerQueue::Waiting& waiting) {
    sent.emplace_back(waiting.shard, std::get<AppendEntries>(waiting.message.body));
  });
  ASSERT_TRUE(queue.empty());
  ASSERT_EQ(sent.size(), 5u);
  for (const size_t i : {0, 1}) {
    EXPECT_EQ(sent[i].first, i == 0 ? ShardId(3) : kShard);
    EXPECT_TRUE(sent[i].second.entries.empty()) << i;
    EXPECT_EQ(sent[i].second.prev_index, Index(8)) << i;
  }
  // What was sent does not move it either.
  ASSERT_TRUE(queue.Add(kShard, Append(3, 9, 0, 9)));
  EXPECT_EQ(TakeAll(&queue).front().prev_index, Index(9));
}

TEST(PeerQueueTest, TheLastWordBeforeSilenceStaysTheLast) {
  PeerQueue queue;
  ASSERT_TRUE(queue.Add(kShard, Append(3, 4, 2, 7)));
  Message silent = Append(3, 6, 0, 8);
  std::get<AppendEntries>(silent.body).quiesce = true;
  ASSERT_TRUE(queue.Add(kShard, std::move(silent)));
  const std::vector<AppendEntries> sent = TakeAll(&queue);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[1].quiesce);
  EXPECT_EQ(sent[1].prev_index, Index(6));
}

TEST(PeerQueueTest, WhatIsSmallHasSpaceWhenWhatIsLargeHasNone) {
  PeerQueue queue;
  const Message chunk{
      .from = kLeader,
      .to = kFollower,
      .term = Term(1),
      .body = consensus::InstallSnapshot{.meta = {}, .data = std::string(8 << 20, 'x')}};
  while (queue.Add(kShard, chunk)) {
  }
  EXPECT_GT(queue.bytes(), kMaxPeerQueueBytes - (9 << 20));
  EXPECT_LE(queue.bytes(), kMaxPeerQueueBytes);
  EXPECT_TRUE(queue.Add(kShard, Append(1, 0, 0, 1)));
  bool first = true;
  queue.TakeFrame([&](const PeerQueue::Waiting& waiting) {
    EXPECT_EQ(std::holds_alternative<AppendEntries>(waiting.message.body), first);
    first = false;
  });
}

// A leader, and a follower that hears it through a queue.
class TwoReplicasTest : public testing::Test {
 protected:
  static Raft Replica(NodeId id) {
    return Raft({.id = id, .configuration = consensus::MakeConfiguration({kLeader, kFollower}, {})},
                {}, Instant{});
  }
  // Writes at once, and returns what is to be sent.
  std::vector<Message> Run(Raft* raft) {
    std::vector<Message> messages;
    for (consensus::Output out = raft->TakeOutput(); !out.empty(); out = raft->TakeOutput()) {
      std::move(out.messages.begin(), out.messages.end(), std::back_inserter(messages));
      for (const consensus::ReadReady& read : out.reads) reads_.push_back(read.id);
      if (out.persist) raft->OnPersisted(out.persist->sequence, now_);
    }
    return messages;
  }
  void LeaderSends() {
    for (Message& message : Run(&leader_)) EXPECT_TRUE(queue_.Add(kShard, std::move(message)));
  }
  // One frame arrives, and is answered.
  void Deliver() {
    queue_.TakeFrame([&](const PeerQueue::Waiting& waiting) {
      ++delivered_;
      follower_.Step(waiting.message, now_);
    });
    for (Message& message : Run(&follower_)) {
      if (const auto* answer = std::get_if<AppendEntriesResponse>(&message.body)) {
        refused_ += answer->accepted ? 0 : 1;
      }
      leader_.Step(std::move(message), now_);
    }
    LeaderSends();
  }
  void SetUp() override {
    while (leader_.status().role != consensus::Role::kLeader) {
      now_ = leader_.deadline();
      leader_.Tick(now_);
      LeaderSends();
      while (!queue_.empty()) Deliver();
    }
    refused_ = 0;
    delivered_ = 0;
  }
  consensus::PeerProgress Progress() { return leader_.status().peers.at(0); }

  Instant now_{};
  Raft leader_ = Replica(kLeader);
  Raft follower_ = Replica(kFollower);
  PeerQueue queue_;
  std::vector<uint64_t> reads_;
  int refused_ = 0;
  int delivered_ = 0;
};

TEST_F(TwoReplicasTest, ReadsAndHeartbeatsOvertakeEntriesAndNothingIsSentTwice) {
  Index index;
  Term term;
  for (int i = 0; i < 20; ++i) {
    const auto payload = std::make_shared<const std::string>(300'000, 'x');
    ASSERT_EQ(leader_.Propose(payload, now_, &index, &term), consensus::ProposeResult::kAccepted);
    LeaderSends();
  }
  now_ = leader_.deadline();
  leader_.Tick(now_);
  ASSERT_TRUE(leader_.ReadIndex(5, now_));
  LeaderSends();
  Deliver();
  EXPECT_EQ(reads_, std::vector<uint64_t>{5});
  EXPECT_LT(Progress().match, index) << "the entries wait no more";
  while (!queue_.empty()) {
    now_ = leader_.deadline();
    leader_.Tick(now_);
    LeaderSends();
    Deliver();
    EXPECT_FALSE(Progress().probing);
  }
  EXPECT_EQ(refused_, 0);
  EXPECT_EQ(Progress().match, index);
  EXPECT_EQ(follower_.status().commit, leader_.status().commit);
  EXPECT_EQ(leader_.status().commit, index);
}

}  // namespace
}  // namespace quorumbook::server
