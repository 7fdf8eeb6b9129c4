#include "client/replay/shard_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace quorumbook::replay {
namespace {

using ::testing::HasSubstr;
using Reports = std::vector<Client::NodeReport>;

constexpr uint32_t kShard = 2;
constexpr std::chrono::milliseconds kLong = std::chrono::minutes(1);
constexpr std::chrono::milliseconds kShort{0};

// A cluster that gives one answer after the other, and the last for ever.
class ScriptedClient : public Client {
 public:
  explicit ScriptedClient(std::vector<absl::StatusOr<Reports>> answers)
      : answers_(std::move(answers)) {}

  absl::StatusOr<Reports> ClusterStatus(bool digests) override {
    EXPECT_TRUE(digests);
    const size_t answer = std::min(asked_++, answers_.size() - 1);
    return answers_[answer];
  }
  size_t asked() const { return asked_; }

  absl::StatusOr<v1::ClusterDescription> DescribeCluster() override { return Unasked(); }
  absl::Status WaitUntilReady(std::chrono::milliseconds) override { return Unasked(); }
  absl::Status TransferLeadership(uint32_t, uint32_t) override { return Unasked(); }
  absl::StatusOr<v1::ChangeMemberResponse> AddMember(uint32_t, uint32_t) override {
    return Unasked();
  }
  absl::StatusOr<v1::ChangeMemberResponse> RemoveMember(uint32_t, uint32_t) override {
    return Unasked();
  }
  absl::StatusOr<uint32_t> ShardOf(std::string_view) override { return Unasked(); }
  std::vector<uint32_t> Shards() override { return {}; }
  absl::StatusOr<v1::Symbol> AddSymbol(const v1::AddSymbol&) override { return Unasked(); }
  absl::StatusOr<std::vector<v1::Symbol>> ListSymbols() override { return Unasked(); }
  absl::StatusOr<v1::Symbol> FindSymbol(std::string_view) override { return Unasked(); }
  absl::StatusOr<v1::Book> GetBook(std::string_view, uint32_t, bool) override { return Unasked(); }
  absl::StatusOr<v1::Trades> GetTrades(std::string_view, uint32_t) override { return Unasked(); }
  absl::StatusOr<v1::Summary> GetSummary(std::string_view) override { return Unasked(); }
  absl::StatusOr<v1::Candles> GetCandles(std::string_view, v1::CandleInterval, uint32_t) override {
    return Unasked();
  }
  absl::StatusOr<v1::Order> GetOrder(std::string_view, uint64_t, uint64_t) override {
    return Unasked();
  }
  absl::StatusOr<std::vector<v1::Order>> ListOrders(uint32_t, uint64_t, std::string_view) override {
    return Unasked();
  }
  absl::StatusOr<v1::Account> GetAccount(uint32_t, uint64_t) override { return Unasked(); }
  absl::StatusOr<std::vector<v1::Asset>> ListAssets(uint32_t) override { return Unasked(); }
  absl::StatusOr<std::unique_ptr<MarketDataStream>> Subscribe(const SubscribeOptions&) override {
    return Unasked();
  }
  absl::StatusOr<std::unique_ptr<OrderSession>> OpenSession(std::string_view, uint64_t,
                                                            const SessionOptions&) override {
    return Unasked();
  }
  absl::StatusOr<std::unique_ptr<OrderSession>> OpenSessionOn(uint32_t, uint64_t,
                                                              const SessionOptions&) override {
    return Unasked();
  }

 private:
  static absl::Status Unasked() { return absl::UnimplementedError("not asked in these tests"); }

  const std::vector<absl::StatusOr<Reports>> answers_;
  size_t asked_ = 0;
};

Client::NodeReport Replica(uint32_t node, v1::ReplicaStatus::Role role, uint64_t applied,
                           const std::string& digest) {
  v1::NodeDescription description;
  description.set_id(node);
  v1::NodeStatus status;
  status.add_replicas()->set_shard(kShard + 1);  // another one's replica
  v1::ReplicaStatus* replica = status.add_replicas();
  replica->set_shard(kShard);
  replica->set_role(role);
  replica->set_applied_index(applied);
  replica->set_market_digest(digest);
  return {description, status};
}

Client::NodeReport Silent(uint32_t node) {
  v1::NodeDescription description;
  description.set_id(node);
  return {description, absl::UnavailableError("connection refused")};
}

constexpr auto kLeader = v1::ReplicaStatus::LEADER;
constexpr auto kFollower = v1::ReplicaStatus::FOLLOWER;

TEST(ShardState, WaitsUntilAllReplicasAreWhereTheLeaderIs) {
  ScriptedClient client({Reports{Replica(1, kFollower, 7, "old"), Replica(2, kLeader, 9, "new")},
                         Reports{Replica(1, kFollower, 9, "new"), Replica(2, kLeader, 9, "new")}});
  auto state = ReadShardState(client, kShard, kLong);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(client.asked(), 2u);
  EXPECT_EQ(state->last_index, 9u);
  EXPECT_EQ(state->market_digest, "new");
  EXPECT_EQ(state->agreeing(), 2u);
  EXPECT_EQ(state->diverged(), 0u);
}

TEST(ShardState, ADivergedReplicaIsFound) {
  ScriptedClient client({Reports{Replica(1, kLeader, 9, "a"), Replica(2, kFollower, 9, "b"),
                                 Replica(3, kFollower, 9, "a")}});
  auto state = ReadShardState(client, kShard, kLong);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->agreeing(), 2u);
  EXPECT_EQ(state->diverged(), 1u);
}

TEST(ShardState, AReplicaThatStaysAwayIsToldInTheEnd) {
  ScriptedClient client(
      {Reports{Replica(1, kLeader, 9, "a"), Silent(2), Replica(3, kFollower, 4, "c")}});
  auto state = ReadShardState(client, kShard, kShort);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->market_digest, "a");
  EXPECT_EQ(state->agreeing(), 1u);
  EXPECT_EQ(state->diverged(), 0u);  // one that lags has not diverged
  EXPECT_EQ(state->replicas[1].error, "connection refused");
  EXPECT_EQ(state->replicas[2].applied_index, 4u);
}

TEST(ShardState, OfTwoThatBelieveTheyLeadTheOneFurtherOnCounts) {
  for (const Reports& reports :
       {Reports{Replica(1, kLeader, 9, "new"), Replica(2, kLeader, 4, "old")},
        Reports{Replica(2, kLeader, 4, "old"), Replica(1, kLeader, 9, "new")}}) {
    ScriptedClient client({reports});
    auto state = ReadShardState(client, kShard, kShort);
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->market_digest, "new");
  }
}

TEST(ShardState, WithoutALeaderThereIsNone) {
  ScriptedClient none({Reports{Replica(1, kFollower, 9, "a"), Silent(2)}});
  auto state = ReadShardState(none, kShard, kShort);
  EXPECT_EQ(state.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(state.status().message()), HasSubstr("leads shard 2"));
  ScriptedClient silent({absl::UnavailableError("nobody there")});
  EXPECT_EQ(ReadShardState(silent, kShard, kShort).status().message(), "nobody there");
}

TEST(ShardState, ANodeWithoutTheShardSaysSo) {
  ScriptedClient client({Reports{Replica(1, kLeader, 9, "a")}});
  auto state = ReadShardState(client, kShard + 2, kShort);
  EXPECT_EQ(state.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace quorumbook::replay
