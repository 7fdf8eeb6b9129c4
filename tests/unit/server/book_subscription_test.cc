// What a WebSocket client is sent of a book: numbered without gaps, whole again when it was slow.
#include "server/monitoring/book_subscription.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/server/replica_group.h"

namespace quorumbook::server {
namespace {

class BookSubscriptionTest : public ::testing::Test {
 protected:
  BookSubscriptionTest() : session_(OpenMarket(&group_, leader_)) {
    shards_.Add(group_.shared_replica(leader_));
    shards_.Serve();
  }

  using Channel = v1::SubscribeRequest::Channel;
  std::shared_ptr<BookSubscription> Subscribe(Channel channel = v1::SubscribeRequest::L2,
                                              uint32_t shard = 1) {
    v1::SubscribeRequest request;
    request.set_shard(shard);
    request.set_symbol("AMZN");
    request.set_channel(channel);
    auto subscription = std::make_shared<BookSubscription>(BookTopic{"book", "AMZN"}, request,
                                                           [this] { ++wakes_; });
    subscription->Start(shards_);
    Settle();
    return subscription;
  }

  // Orders that rest, each of which is an update of its own.
  void Rest(int orders) {
    for (int i = 0; i < orders; ++i) {
      const uint64_t id = ++orders_;
      const Answer answer = group_.Submit(
          leader_,
          exchange::SessionCommands{session_, id + 1, id, {Order(id, exchange::Side::kBuy)}});
      ASSERT_FALSE(answer.refusal);
      ASSERT_EQ(answer.events.size(), 1u);
    }
  }

  // Waits until the replica has done what it was asked for.
  void Settle() { group_.Status(leader_); }

  // Runs `act` while the replica does nothing else.
  template <typename Act>
  void MeanwhileAtTheReplica(Act act) {
    Watched<bool> done;
    group_.replica(leader_).GetStatus(false, [&](const v1::ReplicaStatus&) {
      act();
      done.Update([](bool& value) { value = true; });
    });
    ASSERT_TRUE(done.Await([](bool value) { return value; }));
  }

  v1::ReplicaSample Sample() {
    Watched<std::optional<v1::ReplicaSample>> found;
    group_.replica(leader_).Sample([&](const v1::ReplicaSample& sample) {
      found.Update([&](std::optional<v1::ReplicaSample>& value) { value = sample; });
    });
    EXPECT_TRUE(found.Await([](const auto& value) { return value.has_value(); }));
    return found.Get().value_or(v1::ReplicaSample());
  }

  static std::vector<Json> Take(BookSubscription* subscription) {
    std::vector<std::string> texts;
    EXPECT_FALSE(subscription->Take(&texts));
    std::vector<Json> messages;
    for (const std::string& text : texts) messages.push_back(Json::parse(text));
    return messages;
  }

  // What there is in all at the one price.
  std::string total() const { return std::to_string(orders_); }

  Group group_{1};
  const NodeId leader_ = group_.AwaitLeader();
  const exchange::SessionId session_;
  const Config config_;
  ShardSet shards_{&config_};
  std::atomic<int> wakes_ = 0;
  uint64_t orders_ = 0;
};

TEST_F(BookSubscriptionTest, BeginsWithASnapshotAndGoesOnNumbered) {
  Rest(1);
  const auto subscription = Subscribe();
  EXPECT_EQ(wakes_, 1);
  const std::vector<Json> first = Take(subscription.get());
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0]["sequence"], 1);
  EXPECT_EQ(first[0]["snapshot"], true);
  EXPECT_EQ(first[0]["conflated"], false);
  EXPECT_EQ(first[0]["bids"][0]["quantity"], total());
  Rest(2);
  EXPECT_EQ(wakes_, 2) << "once until it is taken";
  const std::vector<Json> next = Take(subscription.get());
  ASSERT_EQ(next.size(), 2u);
  EXPECT_EQ(next[0]["sequence"], 2);
  EXPECT_EQ(next[1]["sequence"], 3);
  EXPECT_EQ(next[1]["snapshot"], false);
  EXPECT_EQ(next[1]["bids"][0]["quantity"], total());
  EXPECT_TRUE(Take(subscription.get()).empty());
  subscription->Stop();
}

// Also one that is slow again before it took the snapshot that it asked for, and so a second one.
TEST_F(BookSubscriptionTest, ASlowClientGetsTheWholeBookInPlaceOfWhatItMissed) {
  constexpr int kTooMany = static_cast<int>(kMaxPendingUpdates) + 1;
  const auto subscription = Subscribe();
  Take(subscription.get());
  uint64_t sequence = 1;
  for (const int slow_again : {0, 1, 2}) {
    Rest(kTooMany);
    EXPECT_EQ(subscription->Behind(), kMaxPendingUpdates);
    for (int i = 0; i <= slow_again; ++i) {
      EXPECT_TRUE(Take(subscription.get()).empty()) << "there is nothing but to ask";
      Settle();
      if (i < slow_again) Rest(kTooMany);
    }
    const std::vector<Json> whole = Take(subscription.get());
    ASSERT_EQ(whole.size(), 1u) << slow_again;
    EXPECT_EQ(whole[0]["sequence"], ++sequence);
    EXPECT_EQ(whole[0]["snapshot"], true);
    EXPECT_EQ(whole[0]["conflated"], true);
    EXPECT_EQ(whole[0]["bids"][0]["quantity"], total());
    Rest(1);
    const std::vector<Json> next = Take(subscription.get());
    ASSERT_EQ(next.size(), 1u);
    EXPECT_EQ(next[0]["sequence"], ++sequence);
    EXPECT_EQ(next[0]["snapshot"], false);
    EXPECT_EQ(next[0]["conflated"], false);
    EXPECT_EQ(next[0]["bids"][0]["quantity"], total());
  }
  EXPECT_EQ(Sample().conflated(), 6u);
  EXPECT_EQ(Sample().dropped(), 6u * kTooMany + 3) << "three snapshots too, that waited";
  subscription->Stop();
}

TEST_F(BookSubscriptionTest, WakesForTheSnapshotAndNotForWhatIsDropped) {
  const auto subscription = Subscribe();
  Take(subscription.get());
  Rest(static_cast<int>(kMaxPendingUpdates) + 1);
  EXPECT_EQ(wakes_, 2);
  MeanwhileAtTheReplica([&] {  // so the snapshot that is asked for has to wait
    EXPECT_TRUE(Take(subscription.get()).empty());
    subscription->OnUpdate(std::make_shared<const std::string>(), /*snapshot=*/false);
    EXPECT_EQ(wakes_, 2);
  });
  Settle();
  EXPECT_EQ(wakes_, 3);
  EXPECT_EQ(Take(subscription.get()).size(), 1u);
  subscription->Stop();
}

TEST_F(BookSubscriptionTest, OneThatIsMadeAgainBeginsAnew) {
  const auto subscription = Subscribe();
  Rest(1);
  subscription->Stop();
  Settle();
  EXPECT_EQ(Take(subscription.get()).size(), 2u) << "what was there already";
  Rest(1);
  EXPECT_TRUE(Take(subscription.get()).empty());
  const auto again = Subscribe();
  const std::vector<Json> first = Take(again.get());
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0]["sequence"], 1);
  EXPECT_EQ(first[0]["snapshot"], true);
  EXPECT_EQ(first[0]["bids"][0]["quantity"], total());
  again->Stop();
}

TEST_F(BookSubscriptionTest, WhatCanNotBeConflatedIsCut) {
  const auto subscription = Subscribe(v1::SubscribeRequest::TRADES);
  const auto half = std::make_shared<const std::string>(kMaxPendingBytes / 2, 'x');
  size_t dropped = 0;
  for (int i = 0; i < 4; ++i) dropped += subscription->OnUpdate(half, /*snapshot=*/false);
  EXPECT_EQ(dropped, 3u) << "a snapshot waits already; what comes after the cut is nobody's";
  std::vector<std::string> texts;
  const std::optional<Refusal> ended = subscription->Take(&texts);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, RefusalCode::kSlowConsumer);
  EXPECT_TRUE(texts.empty());
  EXPECT_EQ(Sample().cut(), 1u);
  subscription->Stop();
}

TEST_F(BookSubscriptionTest, AShardThatIsNotHereEndsIt) {
  const auto subscription = Subscribe(v1::SubscribeRequest::L2, /*shard=*/9);
  EXPECT_EQ(wakes_, 1);
  std::vector<std::string> texts;
  const std::optional<Refusal> ended = subscription->Take(&texts);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, RefusalCode::kWrongShard);
  subscription->Stop();
}

}  // namespace
}  // namespace quorumbook::server
