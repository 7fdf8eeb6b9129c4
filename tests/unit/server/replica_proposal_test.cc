// When a leader proposes what is waiting: few entries of many commands, and none waits for long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/server/recording_host.h"

namespace quorumbook::server {
namespace {

using consensus::AppendEntries;
using consensus::AppendEntriesResponse;
using consensus::Index;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Node 1, which leads 2 and 3. Node 3 says nothing; what 2 says is up to the test.
class ReplicaProposalTest : public testing::Test {
 protected:
  ReplicaProposalTest() {
    replica_.Start();
    while (replica_.raft().role() != consensus::Role::kLeader) {
      host_.now = std::max(host_.now, replica_.deadline());
      replica_.OnAlarm();
      Vote();
    }
    Persist();
    Acknowledge();
    EXPECT_NE(host_.leadership.serving_term, consensus::Term());
    Sent();
  }

  // Node 2 votes for node 1 as often as it is asked.
  void Vote() {
    while (!host_.sent.empty() || !host_.written.empty()) {
      Persist();
      for (const consensus::Message& message : std::exchange(host_.sent, {})) {
        const auto* request = std::get_if<consensus::RequestVote>(&message.body);
        if (request == nullptr || message.to != NodeId(2)) continue;
        Receive(message.term,
                consensus::RequestVoteResponse{.pre_vote = request->pre_vote, .granted = true});
      }
    }
  }
  void Receive(consensus::Term term, decltype(consensus::Message::body) body) {
    replica_.Receive({{.from = NodeId(2), .to = NodeId(1), .term = term, .body = std::move(body)}});
  }
  void Persist() {
    for (const consensus::Persist& persist : std::exchange(host_.written, {})) {
      replica_.OnPersisted(persist.sequence);
    }
  }
  // Node 2 has everything.
  void Acknowledge() {
    Receive(replica_.raft().term(),
            AppendEntriesResponse{.accepted = true, .index = replica_.raft().status().last});
  }
  void Submit(size_t bytes = 10) {
    replica_.Submit(std::string(bytes, 'x'), host_.leadership.serving_term,
                    [](const GroupReply&) {});
    Pump();
  }
  void Pump() {
    if (std::exchange(host_.pump_asked, false)) replica_.Pump();
  }
  // What went to node 2 since the last call.
  std::vector<AppendEntries> Sent() {
    std::vector<AppendEntries> appends;
    for (const consensus::Message& message : std::exchange(host_.sent, {})) {
      const auto* append = std::get_if<AppendEntries>(&message.body);
      if (append != nullptr && message.to == NodeId(2)) appends.push_back(*append);
    }
    return appends;
  }

  RecordingHost host_;
  Replica replica_{OneOfThree(), {}, &host_};
};

TEST_F(ReplicaProposalTest, WhatComesWhileAnEntryIsUnderWayFormsTheNext) {
  Submit();
  ASSERT_THAT(Sent(), SizeIs(1));
  const Index first = replica_.raft().status().last;
  Persist();
  Submit();
  Submit();
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(replica_.raft().status().last, first);
  Acknowledge();
  Pump();
  const std::vector<AppendEntries> sent = Sent();
  ASSERT_THAT(sent, SizeIs(1)) << "news of the commit index ride along";
  EXPECT_EQ(sent[0].commit, first);
  EXPECT_THAT(sent[0].entries, SizeIs(1));
  EXPECT_EQ(replica_.raft().status().last, first.Next());
}

TEST_F(ReplicaProposalTest, ADistantPeerHoldsNothingUpForLong) {
  Submit();
  Persist();
  Submit();
  const consensus::Instant later = host_.now + std::chrono::milliseconds(5);
  EXPECT_LE(replica_.deadline(), later);
  EXPECT_GT(replica_.deadline(), host_.now);
  Sent();
  host_.now = later;
  replica_.OnAlarm();
  ASSERT_THAT(Sent(), SizeIs(1));
}

TEST_F(ReplicaProposalTest, AMuchLongerQueueDoesNotWait) {
  Submit();
  Persist();
  Sent();
  Submit(64 << 10);
  EXPECT_THAT(Sent(), SizeIs(1));
}

TEST_F(ReplicaProposalTest, WhileTheDiskIsBusyNothingIsProposedAndNoAlarmIsSet) {
  Submit();
  Sent();
  Submit(64 << 10);
  EXPECT_THAT(Sent(), IsEmpty());
  host_.now += std::chrono::milliseconds(6);
  EXPECT_GT(replica_.deadline(), host_.now);
  Persist();
  Pump();
  EXPECT_THAT(Sent(), SizeIs(1));
}

TEST_F(ReplicaProposalTest, NewsOfTheCommitIndexGoAloneWhenNothingIsWaiting) {
  Submit();
  Persist();
  Sent();
  Acknowledge();
  const std::vector<AppendEntries> sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].commit, replica_.raft().status().last);
  EXPECT_THAT(sent[0].entries, IsEmpty());
}

// Two clients, one after the other: from then on their commands share an entry.
TEST_F(ReplicaProposalTest, AnEntryWaitsForThoseWhoWereJustAnswered) {
  Submit();
  Persist();
  Submit();
  Sent();
  host_.now += std::chrono::microseconds(500);
  Acknowledge();  // one is answered, the other waits
  Pump();
  EXPECT_THAT(Sent(), IsEmpty()) << "neither an entry nor news of the commit index";
  const Index first = replica_.raft().status().commit;
  EXPECT_EQ(first, replica_.raft().status().last);
  Submit();
  std::vector<AppendEntries> sent = Sent();
  ASSERT_THAT(sent, SizeIs(1)) << "both are there";
  EXPECT_EQ(sent[0].commit, first);
  Persist();
  host_.now += std::chrono::microseconds(500);
  Acknowledge();
  EXPECT_THAT(Sent(), IsEmpty());
  Submit();
  EXPECT_THAT(Sent(), IsEmpty()) << "two were answered";
  Submit();
  sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].entries, SizeIs(1));
}

TEST_F(ReplicaProposalTest, WhoDoesNotComeBackIsWaitedForNoLongerThanAnEntryTakes) {
  using std::chrono::microseconds;
  for (const auto& [took, waits] : {std::pair(microseconds(500), microseconds(500)),
                                    std::pair(microseconds(4'000), microseconds(2'000))}) {
    Submit();
    Persist();
    Submit();
    Sent();
    host_.now += took;
    Acknowledge();
    Pump();
    ASSERT_THAT(Sent(), IsEmpty());
    EXPECT_EQ(replica_.deadline(), host_.now + waits);
    host_.now += waits;
    replica_.OnAlarm();
    ASSERT_THAT(Sent(), SizeIs(1));
    Persist();
    host_.now += std::chrono::milliseconds(1);
    Acknowledge();  // the entry had one group: nobody is waited for
    ASSERT_THAT(Sent(), SizeIs(1)) << "news of the commit index";
  }
}

TEST_F(ReplicaProposalTest, NewsOfTheCommitIndexGoAloneWhenNobodyComesBack) {
  Submit();
  Persist();
  Submit();
  Sent();
  host_.now += std::chrono::milliseconds(1);
  Acknowledge();
  Pump();
  Submit();
  ASSERT_THAT(Sent(), SizeIs(1)) << "an entry with two groups";
  Persist();
  host_.now += std::chrono::milliseconds(1);
  Acknowledge();
  ASSERT_THAT(Sent(), IsEmpty());
  host_.now = replica_.deadline();
  replica_.OnAlarm();
  const std::vector<AppendEntries> sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].commit, replica_.raft().status().last);
  EXPECT_THAT(sent[0].entries, IsEmpty());
  EXPECT_GT(replica_.deadline(), host_.now) << "nothing more is waited for";
  Submit();
  EXPECT_THAT(Sent(), SizeIs(1)) << "at once";
}

TEST_F(ReplicaProposalTest, ALongQueueDoesNotWaitForThoseWhoWereJustAnswered) {
  Submit();
  Persist();
  Submit(32 << 10);
  Submit(30 << 10);
  Sent();
  host_.now += std::chrono::milliseconds(1);
  Acknowledge();
  Pump();
  EXPECT_THAT(Sent(), IsEmpty());
  Persist();
  Submit(10 << 10);
  EXPECT_THAT(Sent(), SizeIs(1));
}

// All disks may be full: leadership must not go round every two seconds for as long as clients ask.
TEST_F(ReplicaProposalTest, HandsOverLessAndLessOftenBecauseOfAFullDisk) {
  host_.disk_full = true;
  std::vector<int64_t> handed_over_at;
  const auto begun = host_.now;
  for (int second = 0; second < 40; ++second) {
    host_.sent.clear();
    Submit();
    for (const consensus::Message& message : std::exchange(host_.sent, {})) {
      if (!std::holds_alternative<consensus::TimeoutNow>(message.body)) continue;
      handed_over_at.push_back(second);
      break;
    }
    host_.now = begun + std::chrono::seconds(second + 1);
    Acknowledge();  // the target stays a follower
    replica_.OnAlarm();
    ASSERT_EQ(replica_.raft().role(), consensus::Role::kLeader);
  }
  EXPECT_THAT(handed_over_at, ElementsAre(0, 2, 6, 14, 30));
}

// An older copy of its disk was put back once; if it goes on, what it says is durable is not. Twice
// in a long life is no more than that.
TEST_F(ReplicaProposalTest, WhoForgetsWhatItAcknowledgedTwiceWithinAnHourIsFenced) {
  using std::chrono::minutes;
  size_t times = 0;
  for (const minutes pause : {minutes(0), minutes(61), minutes(59)}) {
    EXPECT_TRUE(replica_.raft().status().fenced.empty());
    for (const auto until = host_.now + pause; host_.now < until;) {
      host_.now += std::chrono::milliseconds(50);
      Acknowledge();
      replica_.OnAlarm();
    }
    ASSERT_EQ(replica_.raft().role(), consensus::Role::kLeader);
    host_.sent.clear();
    uint64_t round = 0;
    while (round == 0) {
      host_.now = replica_.deadline();
      replica_.OnAlarm();
      for (const AppendEntries& append : Sent()) round = append.round;
    }
    const auto last = replica_.raft().status().last;
    Receive(replica_.raft().term(),
            AppendEntriesResponse{.accepted = false, .index = last, .round = round});
    ASSERT_THAT(host_.evidence, SizeIs(++times));
    EXPECT_EQ(host_.evidence.back().kind, consensus::Evidence::Kind::kForgotAcknowledged);
    EXPECT_EQ(host_.evidence.back().culprit, NodeId(2));
    for (const AppendEntries& append : Sent()) round = std::max(round, append.round);
    Receive(replica_.raft().term(),
            AppendEntriesResponse{.accepted = true, .index = last, .round = round});
  }
  EXPECT_THAT(replica_.raft().status().fenced, SizeIs(1));
}

TEST_F(ReplicaProposalTest, TransfersBeyondTheBoundAreRefusedAtOnce) {
  constexpr int kMost = 64;
  int busy = 0;
  const auto count = [&busy](const Refusal* refusal, NodeId) {
    ASSERT_NE(refusal, nullptr) << "node 3 says nothing";
    if (refusal->code == RefusalCode::kBusy) ++busy;
  };
  for (int i = 0; i < kMost; ++i) replica_.TransferLeadership(NodeId(3), count);
  EXPECT_EQ(busy, 0);
  replica_.TransferLeadership(NodeId(3), count);
  EXPECT_EQ(busy, 1);
}

}  // namespace
}  // namespace quorumbook::server
