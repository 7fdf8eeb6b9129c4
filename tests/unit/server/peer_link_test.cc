// Which of its ends a link tells of, and in which order; what goes into a frame.
#include "server/peer_link.h"

#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorumbook::server {
namespace {

class FakeEnd final : public PeerLink::Stream {
 public:
  v1::PeerFrame* frame() override { return &frame_; }
  void WriteFrame() override { ++frames; }
  void Abandon() override { abandoned = true; }

  bool abandoned = false;
  int frames = 0;

 private:
  v1::PeerFrame frame_;
};

class PeerLinkTest : public testing::Test {
 protected:
  PeerLinkTest() {
    events_.greeted = [this](const PeerGreeting& greeting) { Note("greeted ", greeting.member); };
    events_.lost = [this](NodeId member) { Note("lost ", member); };
  }

  static PeerGreeting From(uint64_t incarnation) {
    return {MakeMember(NodeId(2), incarnation), {}, false};
  }
  void Note(const std::string& what, NodeId member) {
    told_.push_back(what + std::to_string(IncarnationOf(member)));
  }

  static consensus::Message To(decltype(consensus::Message::body) body) {
    return {.from = MakeMember(NodeId(1), 1),
            .to = From(21).member,
            .term = consensus::Term(1),
            .body = std::move(body)};
  }
  static consensus::Message Heartbeat() { return To(consensus::AppendEntries{}); }
  static consensus::Message Chunk() {
    return To(consensus::InstallSnapshot{.meta = {}, .data = std::string(256 << 10, 'x')});
  }

  using Told = std::vector<std::string>;
  const PeerIdentity identity_{"test", MakeMember(NodeId(1), 1), {}, false, {}};
  PeerEvents events_;
  PeerLink link_{&identity_, NodeId(2), /*certified=*/false, &events_};
  Told told_;
};

// Nobody else would tell that the other member is gone: its stream ends unheard, later.
TEST_F(PeerLinkTest, AStreamOfANewIncarnationEndsThatOfTheOneBefore) {
  const auto older = std::make_shared<FakeEnd>();
  link_.Attach(older, From(21));
  link_.Attach(std::make_shared<FakeEnd>(), From(22));
  EXPECT_EQ(told_, (Told{"greeted 21", "lost 21", "greeted 22"}));
  EXPECT_TRUE(older->abandoned);
  link_.Detach(older.get());
  EXPECT_EQ(told_.size(), 3u);
}

TEST_F(PeerLinkTest, WhoDialsAgainIsNotLost) {
  const auto older = std::make_shared<FakeEnd>();
  const auto newer = std::make_shared<FakeEnd>();
  link_.Attach(older, From(21));
  link_.Attach(newer, From(21));
  EXPECT_EQ(told_, (Told{"greeted 21", "greeted 21"}));
  link_.Detach(newer.get());
  EXPECT_EQ(told_.back(), "lost 21");
}

v1::PeerFrame LaterHello(const std::vector<uint64_t>& founders) {
  v1::PeerFrame frame;
  v1::PeerSettings settings;
  PeerIdentity("test", MakeMember(NodeId(2), 21), {}, false, settings)
      .WriteHello(frame.mutable_hello());
  for (const uint64_t founder : founders) frame.mutable_hello()->add_founders(founder);
  return frame;
}

// A node that took any list for its founders would end when it can not store them.
TEST_F(PeerLinkTest, ALaterHelloIsCheckedLikeTheFirst) {
  const NodeId peer = MakeMember(NodeId(2), 21);
  link_.Attach(std::make_shared<FakeEnd>(), From(21));
  told_.clear();
  v1::PeerFrame other_cluster = LaterHello({});
  other_cluster.mutable_hello()->set_cluster_id("other");
  v1::PeerFrame other_settings = LaterHello({});
  other_settings.mutable_hello()->mutable_settings()->set_raft(1);
  v1::PeerFrame other_incarnation = LaterHello({});
  other_incarnation.mutable_hello()->set_incarnation(22);
  v1::PeerFrame no_incarnation = LaterHello({});
  no_incarnation.mutable_hello()->set_incarnation(kMaxIncarnation + 1);
  for (v1::PeerFrame frame : {LaterHello({0}), LaterHello({7, 7}), LaterHello({9, 8}),
                              LaterHello({1, 2, 3, 4, 5, 6, 7, 8}), other_cluster, other_settings,
                              other_incarnation, no_incarnation}) {
    EXPECT_FALSE(link_.Receive(peer, &frame)) << frame.DebugString();
  }
  EXPECT_EQ(told_, Told{});
  v1::PeerFrame good = LaterHello({7, 8, 9});
  EXPECT_TRUE(link_.Receive(peer, &good));
  EXPECT_EQ(told_, Told{"greeted 21"});
}

TEST_F(PeerLinkTest, WhatIsSmallDoesNotWaitBehindChunks) {
  const auto end = std::make_shared<FakeEnd>();
  link_.Attach(end, From(21));
  for (uint64_t shard = 1; shard <= 40; ++shard) {
    for (int i = 0; i < 4; ++i) link_.Send(ShardId(shard), {Chunk()});
  }
  ASSERT_EQ(end->frame()->messages_size(), 1) << "what waited then";
  const std::vector<consensus::Message> small = {Heartbeat(),
                                                 To(consensus::RequestVote{}),
                                                 To(consensus::RequestVoteResponse{}),
                                                 To(consensus::AppendEntriesResponse{}),
                                                 To(consensus::InstallSnapshotResponse{}),
                                                 To(consensus::TimeoutNow{}),
                                                 To(consensus::StateDigest{})};
  for (const consensus::Message& message : small) link_.Send(ShardId(50), {message});
  link_.FrameWritten(end.get());
  EXPECT_EQ(end->frame()->messages_size(), std::ssize(small) + 1) << "and one chunk";
  for (int i = 0; i < std::ssize(small); ++i) EXPECT_EQ(end->frame()->messages(i).shard(), 50u);
  // Nor does what is large wait for ever.
  int chunks = 2;
  for (; end->frame()->messages_size() > 0 && chunks < 160; ++chunks) {
    link_.Send(ShardId(50), {Heartbeat()});
    link_.FrameWritten(end.get());
    ASSERT_EQ(end->frame()->messages_size(), 2);
    ASSERT_LT(end->frame()->ByteSizeLong(), (256u << 10) + 1000);
  }
  EXPECT_EQ(link_.status().queue_bytes, 0u);
  EXPECT_EQ(link_.status().messages_dropped, 0u);
}

TEST_F(PeerLinkTest, HeartbeatsOfManyShardsShareTwoFrames) {
  const auto end = std::make_shared<FakeEnd>();
  link_.Attach(end, From(21));
  for (uint64_t shard = 1; shard <= 100; ++shard) link_.Send(ShardId(shard), {Heartbeat()});
  EXPECT_EQ(end->frame()->messages_size(), 1);
  link_.FrameWritten(end.get());
  EXPECT_EQ(end->frame()->messages_size(), 99);
  link_.FrameWritten(end.get());
  EXPECT_EQ(end->frames, 2);
}

}  // namespace
}  // namespace quorumbook::server
