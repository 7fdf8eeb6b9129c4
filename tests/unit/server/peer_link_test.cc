// Which of its ends a link tells of, and in which order.
#include "server/peer_link.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace quorumbook::server {
namespace {

class FakeEnd final : public PeerLink::Stream {
 public:
  v1::PeerFrame* frame() override { return &frame_; }
  void WriteFrame() override {}
  void Abandon() override { abandoned = true; }

  bool abandoned = false;

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

  using Told = std::vector<std::string>;
  const PeerIdentity identity_{"test", MakeMember(NodeId(1), 1), {}, false};
  PeerEvents events_;
  PeerLink link_{&identity_, NodeId(2), &events_};
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

}  // namespace
}  // namespace quorumbook::server
