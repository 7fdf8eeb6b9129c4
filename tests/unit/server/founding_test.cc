// Who founds a cluster: docs/decisions/0006-members.md.
#include "server/founding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<NodeId> kNodes = {NodeId(1), NodeId(2), NodeId(3)};

NodeId Member(uint64_t node, uint64_t incarnation) { return MakeMember(NodeId(node), incarnation); }

TEST(MemberTest, HoldsNodeAndIncarnation) {
  const NodeId member = MakeMember(NodeId(kMaxNodeNumber), kMaxIncarnation);
  EXPECT_EQ(NodeOf(member), NodeId(kMaxNodeNumber));
  EXPECT_EQ(IncarnationOf(member), kMaxIncarnation);
  EXPECT_EQ(NodeOf(NodeId()), NodeId());
}

TEST(FoundingTest, TheLowestNodeDecidesWhenItHasHeardAll) {
  Founding one(Member(1, 10), kNodes, {});
  EXPECT_FALSE(one.OnHello(Member(3, 30), {}));
  EXPECT_THAT(one.founders(), IsEmpty());
  EXPECT_THAT(one.Missing(), ElementsAre(NodeId(2)));
  EXPECT_TRUE(one.OnHello(Member(2, 20), {}));
  EXPECT_THAT(one.founders(), ElementsAre(Member(1, 10), Member(2, 20), Member(3, 30)));
  EXPECT_THAT(one.Missing(), IsEmpty());
}

TEST(FoundingTest, NobodyElseDecides) {
  Founding two(Member(2, 20), kNodes, {});
  EXPECT_FALSE(two.OnHello(Member(1, 10), {}));
  EXPECT_FALSE(two.OnHello(Member(3, 30), {}));
  EXPECT_THAT(two.founders(), IsEmpty());
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  EXPECT_TRUE(two.OnHello(Member(1, 10), founders));
  EXPECT_EQ(two.founders(), founders);
}

TEST(FoundingTest, TheLatestIncarnationOfANodeCounts) {
  Founding one(Member(1, 10), kNodes, {});
  one.OnHello(Member(3, 30), {});
  one.OnHello(Member(3, 31), {});  // it lost its store before the founding
  one.OnHello(Member(2, 20), {});
  EXPECT_THAT(one.founders(), ElementsAre(Member(1, 10), Member(2, 20), Member(3, 31)));
}

// The store of the lowest node is lost after it has told somebody: it must not found once more.
TEST(FoundingTest, WhoKnowsTheFoundersIsBelieved) {
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  Founding one(Member(1, 11), kNodes, {});
  EXPECT_FALSE(one.OnHello(Member(2, 20), {}));
  EXPECT_TRUE(one.OnHello(Member(3, 30), founders));
  EXPECT_EQ(one.founders(), founders);
}

TEST(FoundingTest, WhatIsKnownIsKept) {
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  Founding one(Member(1, 10), kNodes, founders);
  EXPECT_FALSE(one.OnHello(Member(2, 29), {Member(2, 29)}));
  EXPECT_EQ(one.founders(), founders);
}

TEST(FoundingTest, AloneItNeedsNobody) {
  EXPECT_THAT(Founding(Member(7, 70), {NodeId(7)}, {}).founders(), ElementsAre(Member(7, 70)));
}

}  // namespace
}  // namespace quorumbook::server
