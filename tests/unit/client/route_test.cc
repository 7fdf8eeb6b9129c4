#include "client/lib/route.h"

#include <gtest/gtest.h>

namespace quorumbook::client {
namespace {

using std::chrono::milliseconds;

RpcError NotLeader(const std::string& leader) {
  RpcError error{.status = {grpc::StatusCode::UNAVAILABLE, "not the leader"}, .detail = {}};
  error.detail.set_code(v1::ErrorDetail::NOT_LEADER);
  error.detail.set_leader_address(leader);
  return error;
}
RpcError Refused() {
  return {.status = {grpc::StatusCode::UNAVAILABLE, "connection refused"}, .detail = {}};
}
RpcError Busy(uint32_t retry_after_ms) {
  RpcError error{.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "busy"}, .detail = {}};
  error.detail.set_code(v1::ErrorDetail::BUSY);
  error.detail.set_retry_after_ms(retry_after_ms);
  return error;
}

class RouteTest : public testing::Test {
 protected:
  void ExpectNextAtOnce(const std::string& address) {
    const Route::Hop hop = route_.Next();
    EXPECT_EQ(hop.address, address);
    EXPECT_EQ(hop.wait.count(), 0);
  }

  ClusterMap map_{{"a:1", "b:1", "c:1"}};
  Route route_{&map_, /*shard=*/1, /*seed=*/1};
};

TEST_F(RouteTest, AsksEachNodeOnceARoundAndBacksOffBetweenRounds) {
  for (int round = 0; round < 5; ++round) {
    Route::Hop hop = route_.Next();
    EXPECT_EQ(hop.address, "a:1");
    if (round == 0) {
      EXPECT_EQ(hop.wait.count(), 0);
    } else {
      EXPECT_GE(hop.wait, Backoff::kMin);
      EXPECT_LE(hop.wait, Backoff::kMax);
    }
    route_.Failed("a:1", Refused());
    ExpectNextAtOnce("b:1");
    route_.Failed("b:1", Refused());
    ExpectNextAtOnce("c:1");
    route_.Failed("c:1", Refused());
  }
}

TEST_F(RouteTest, FollowsARedirectAtOnceAndRemembersIt) {
  ExpectNextAtOnce("a:1");
  route_.Failed("a:1", NotLeader("c:1"));
  ExpectNextAtOnce("c:1");
  route_.Succeeded("c:1");
  EXPECT_EQ(map_.LeaderOf(1), "c:1");
  ExpectNextAtOnce("c:1");
}

TEST_F(RouteTest, FollowsARedirectToANodeNotKnownBefore) {
  ExpectNextAtOnce("a:1");
  route_.Failed("a:1", NotLeader("d:1"));
  ExpectNextAtOnce("d:1");
  EXPECT_EQ(map_.Addresses().back(), "d:1");
}

TEST_F(RouteTest, ADeadLeaderThatIsStillNamedIsNotAskedTwiceInARound) {
  map_.SetLeader(1, "a:1");
  ExpectNextAtOnce("a:1");
  route_.Failed("a:1", Refused());
  ExpectNextAtOnce("b:1");
  route_.Failed("b:1", NotLeader("a:1"));
  ExpectNextAtOnce("c:1");
}

TEST_F(RouteTest, TwoNodesThatNameEachOtherAreNotAskedWithoutEnd) {
  ExpectNextAtOnce("a:1");
  route_.Failed("a:1", NotLeader("b:1"));
  ExpectNextAtOnce("b:1");
  route_.Failed("b:1", NotLeader("a:1"));
  ExpectNextAtOnce("c:1");
  route_.Failed("c:1", Refused());
  EXPECT_GE(route_.Next().wait, Backoff::kMin);
}

TEST_F(RouteTest, ABusyNodeIsAskedAgainAfterItsTime) {
  ExpectNextAtOnce("a:1");
  route_.Failed("a:1", Busy(400));
  const Route::Hop hop = route_.Next();
  EXPECT_EQ(hop.address, "a:1");
  EXPECT_EQ(hop.wait, milliseconds(400));
}

TEST_F(RouteTest, AfterASuccessTheNodeThatThenFailsIsNotTheFirstToBeAsked) {
  ExpectNextAtOnce("a:1");
  route_.Succeeded("a:1");
  route_.Failed("a:1", Refused());
  ExpectNextAtOnce("b:1");
}

TEST_F(RouteTest, TheDeadlineErrorNamesEveryNodeAndWhatItSaid) {
  route_.Failed("a:1", Refused());
  route_.Failed("b:1", NotLeader(""));
  const absl::Status error = route_.DeadlineError("read the book", milliseconds(1'500));
  EXPECT_EQ(error.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(error.message(),
            "read the book: no answer from the leader of shard 1 within 1500 ms "
            "(a:1: connection refused; b:1: not the leader, and knows none)");
}

TEST(BackoffTest, StaysWithinItsBoundsAndGrows) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Backoff backoff(seed);
    EXPECT_LE(backoff.Next(), Backoff::kMin * 2);
    milliseconds longest{0};
    for (int i = 0; i < 100; ++i) {
      const milliseconds wait = backoff.Next();
      ASSERT_GE(wait, Backoff::kMin);
      ASSERT_LE(wait, Backoff::kMax);
      longest = std::max(longest, wait);
    }
    EXPECT_GT(longest, Backoff::kMax / 2) << seed;
    backoff.Reset();
    EXPECT_LE(backoff.Next(), Backoff::kMin * 2);
  }
}

TEST(ClusterMapTest, LearnsNodesLeadersAndSymbols) {
  ClusterMap map({"known:1"});
  v1::ClusterDescription description;
  for (uint32_t id = 1; id <= 2; ++id) {
    v1::NodeDescription* node = description.add_nodes();
    node->set_id(id);
    node->set_client_address("node" + std::to_string(id) + ":1");
  }
  v1::ShardDescription* shard = description.add_shards();
  shard->set_id(7);
  shard->set_leader_id(2);
  description.set_default_shard(7);
  (*description.mutable_symbol_shards())["AMZN"] = 8;
  map.Learn(description);
  map.Learn(description);
  EXPECT_EQ(map.Addresses(), (std::vector<std::string>{"node1:1", "node2:1", "known:1"}));
  EXPECT_EQ(map.LeaderOf(7), "node2:1");
  EXPECT_EQ(map.LeaderOf(8), "");
  EXPECT_EQ(map.ShardOf("AMZN"), 8u);
  EXPECT_EQ(map.ShardOf("MSFT"), 7u);
  EXPECT_EQ(map.Shards(), std::vector<uint32_t>{7});
}

TEST(ClusterMapTest, RemembersABoundedNumberOfAddresses) {
  ClusterMap map({"known:1"});
  for (int i = 0; i < 1'000; ++i) map.SetLeader(1, "node" + std::to_string(i) + ":1");
  EXPECT_EQ(map.Addresses().size(), ClusterMap::kMaxAddresses);
}

}  // namespace
}  // namespace quorumbook::client
