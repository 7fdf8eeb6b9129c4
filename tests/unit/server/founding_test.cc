// Who founds a cluster: docs/decisions/0006-members.md.
#include "server/founding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
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
  Founding one(Member(1, 10), false, kNodes, {});
  EXPECT_FALSE(one.OnHello(Member(3, 30), false, {}));
  EXPECT_THAT(one.founders(), IsEmpty());
  EXPECT_EQ(one.WaitingFor(), "node 2 to run");
  EXPECT_TRUE(one.OnHello(Member(2, 20), false, {}));
  EXPECT_THAT(one.founders(), ElementsAre(Member(1, 10), Member(2, 20), Member(3, 30)));
  EXPECT_EQ(one.WaitingFor(), "");
}

TEST(FoundingTest, NobodyElseDecides) {
  Founding two(Member(2, 20), false, kNodes, {});
  EXPECT_FALSE(two.OnHello(Member(1, 10), false, {}));
  EXPECT_FALSE(two.OnHello(Member(3, 30), false, {}));
  EXPECT_THAT(two.founders(), IsEmpty());
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  EXPECT_TRUE(two.OnHello(Member(1, 10), false, founders));
  EXPECT_EQ(two.founders(), founders);
}

TEST(FoundingTest, TheLatestIncarnationOfANodeCounts) {
  Founding one(Member(1, 10), false, kNodes, {});
  one.OnHello(Member(3, 30), false, {});
  one.OnHello(Member(3, 31), false, {});  // it lost its store before the founding
  one.OnHello(Member(2, 20), false, {});
  EXPECT_THAT(one.founders(), ElementsAre(Member(1, 10), Member(2, 20), Member(3, 31)));
}

// The store of the lowest node is lost after it has told somebody: it must not found once more.
TEST(FoundingTest, WhoKnowsTheFoundersIsBelieved) {
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  Founding one(Member(1, 11), false, kNodes, {});
  EXPECT_FALSE(one.OnHello(Member(2, 20), false, {}));
  EXPECT_TRUE(one.OnHello(Member(3, 30), false, founders));
  EXPECT_EQ(one.founders(), founders);
}

TEST(FoundingTest, WhatIsKnownIsKept) {
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  Founding one(Member(1, 10), false, kNodes, founders);
  EXPECT_FALSE(one.OnHello(Member(2, 29), false, {Member(2, 29)}));
  EXPECT_EQ(one.founders(), founders);
}

// All nodes lost their data to the same fault: an empty cluster is no answer to that.
TEST(FoundingTest, WhoSetDamagedDataAsideMayHaveForgottenAFounding) {
  Founding one(Member(1, 11), true, kNodes, {});
  EXPECT_FALSE(one.OnHello(Member(2, 20), false, {}));
  EXPECT_FALSE(one.OnHello(Member(3, 30), false, {}));
  EXPECT_THAT(one.WaitingFor(), HasSubstr("node 1 had damaged data"));

  Founding other(Member(1, 10), false, kNodes, {});
  other.OnHello(Member(2, 21), true, {});
  EXPECT_FALSE(other.OnHello(Member(3, 30), false, {}));
  EXPECT_THAT(other.founders(), IsEmpty());
  const std::vector<NodeId> founders = {Member(1, 10), Member(2, 20), Member(3, 30)};
  EXPECT_TRUE(other.OnHello(Member(3, 30), false, founders)) << "somebody knows";
  EXPECT_EQ(Founding(Member(7, 70), true, {NodeId(7)}, {}).founders().size(), 0u);
}

TEST(FoundingTest, AloneItNeedsNobody) {
  EXPECT_THAT(Founding(Member(7, 70), false, {NodeId(7)}, {}).founders(),
              ElementsAre(Member(7, 70)));
}

}  // namespace
}  // namespace quorumbook::server
