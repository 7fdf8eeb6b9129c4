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

}  // namespace
}  // namespace quorumbook::server
