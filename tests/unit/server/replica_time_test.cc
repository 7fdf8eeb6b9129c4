// A leader brings the time to the exchange when something is due, and only then.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <string>

#include "server/replica/replica.h"

namespace quorumbook::server {
namespace {

using consensus::Instant;

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kSnapshotLogBytes = 10'000;

// A node alone, on a virtual clock.
class LoneHost final : public ReplicaHost {
 public:
  Instant Now() override {
    // Time goes on between two looks at the clock.
    return now_ += std::chrono::nanoseconds(1);
  }
  exchange::Time WallClock() override { return 1'700'000'000 * kSecond + now_.count() + wall_jump; }
  void Write(consensus::Persist persist) override { written_.push_back(persist.sequence); }
  void SaveSnapshot(SnapshotRecipe recipe) override { unsaved.push_back(std::move(recipe)); }
  void DecodeSnapshot(std::shared_ptr<const std::string>) override {}
  bool DiskFull() override { return disk_full; }
  void Send(std::vector<consensus::Message>) override {}
  void PumpSoon() override { pump_ = true; }
  void SymbolKnown(const exchange::SymbolInfo&) override {}
  void LeadershipChanged(const Leadership& leadership) override { term = leadership.serving_term; }
  void Applied(const consensus::Entry&, const exchange::ApplyResult&) override { ++applied; }
  void Report(const consensus::Evidence&) override {}
  void Log(LogLevel, std::string_view) override {}
  void Fatal(const absl::Status& status) override { FAIL() << status; }

  // Lets time pass and does what is asked for meanwhile.
  void Run(Replica* replica, std::chrono::nanoseconds duration) {
    const Instant end = now_ + duration;
    Settle(replica);
    while (true) {
      const Instant next = replica->deadline();
      if (next > end) break;
      now_ = std::max(now_, next);
      ++alarms;
      ASSERT_LT(alarms, 100'000) << "alarms without an end";
      replica->OnAlarm();
      Settle(replica);
    }
    now_ = end;
  }
  void Settle(Replica* replica) {
    while (pump_ || !written_.empty()) {
      if (std::exchange(pump_, false)) replica->Pump();
      if (written_.empty()) continue;
      const uint64_t sequence = written_.front();
      written_.pop_front();
      replica->OnPersisted(sequence);
    }
  }

  consensus::Term term;
  int alarms = 0;
  int applied = 0;
  bool disk_full = false;
  int64_t wall_jump = 0;
  std::vector<SnapshotRecipe> unsaved;

 private:
  Instant now_{};
  std::deque<uint64_t> written_;
  bool pump_ = false;
};

class ReplicaTimeTest : public testing::Test {
 protected:
  ReplicaTimeTest() : replica_(Options(), {}, &host_) {
    replica_.Start();
    host_.Run(&replica_, std::chrono::seconds(5));
    EXPECT_NE(host_.term, consensus::Term()) << "it leads";
    Submit(exchange::OpenSession{exchange::AccountId(1)});
    Send(exchange::AddSymbol{"ABC", {1, 0}, {1, 0}, {}, {}, {}, exchange::Phase::kContinuous});
  }
  static ReplicaOptions Options() {
    ReplicaOptions options;
    options.shard = ShardId(1);
    options.raft.id = NodeId(1);
    options.raft.configuration = consensus::MakeConfiguration({NodeId(1)});
    options.snapshot_log_bytes = kSnapshotLogBytes;
    return options;
  }
  void Submit(const exchange::Group& group) {
    replica_.Submit(exchange::EncodeGroup(group), host_.term, [](const GroupReply& reply) {
      ASSERT_EQ(reply.refusal, nullptr) << reply.refusal->message;
    });
    host_.Settle(&replica_);
  }
  void Send(exchange::Command command) {
    ++sent_;
    Submit(exchange::SessionCommands{exchange::SessionId(1), sent_, sent_ - 1, {command}});
  }
  void SendExpiring(int64_t seconds) {
    exchange::NewOrder order{exchange::SymbolId(1),
                             exchange::ClientOrderId(sent_),
                             exchange::Side::kBuy,
                             exchange::OrderType::kLimit,
                             exchange::TimeInForce::kGoodTillTime,
                             10,
                             1};
    Send(exchange::SpecialOrder{order, {.expires = host_.WallClock() + seconds * kSecond}});
  }

  LoneHost host_;
  Replica replica_;
  uint64_t sent_ = 0;
};

TEST_F(ReplicaTimeTest, AnOrderExpiresThoughNobodySendsAnything) {
  SendExpiring(30);
  ASSERT_EQ(replica_.exchange().open_orders(), 1u);
  host_.Run(&replica_, std::chrono::seconds(29));
  EXPECT_EQ(replica_.exchange().open_orders(), 1u);
  host_.Run(&replica_, std::chrono::seconds(2));
  EXPECT_EQ(replica_.exchange().open_orders(), 0u);
}

TEST_F(ReplicaTimeTest, NothingIsProposedWhileNothingIsDue) {
  SendExpiring(3'600);
  const int before = host_.applied;
  host_.alarms = 0;
  host_.Run(&replica_, std::chrono::seconds(60));
  EXPECT_EQ(host_.applied, before);
  EXPECT_LT(host_.alarms, 5'000) << "a few each second: heartbeats and looks at the wall clock";
}

TEST_F(ReplicaTimeTest, AWallClockThatJumpsIsNoticed) {
  SendExpiring(3'600);
  host_.wall_jump = 3'600 * kSecond;
  host_.Run(&replica_, std::chrono::seconds(2));
  EXPECT_EQ(replica_.exchange().open_orders(), 0u);
}

TEST_F(ReplicaTimeTest, AFullDiskIsWaitedFor) {
  SendExpiring(1);
  host_.disk_full = true;
  host_.Run(&replica_, std::chrono::seconds(3));
  EXPECT_EQ(replica_.exchange().open_orders(), 1u);
  host_.disk_full = false;
  host_.Run(&replica_, std::chrono::seconds(1));
  EXPECT_EQ(replica_.exchange().open_orders(), 0u);
}

class SnapshotRetryTest : public ReplicaTimeTest {
 protected:
  SnapshotRetryTest() {
    while (host_.unsaved.empty()) {
      Send(exchange::CancelOrder{exchange::SymbolId(1), exchange::ClientOrderId(1)});
      if (sent_ > 1'000u) std::abort();
    }
  }
  // One was made, and there is no space for it: the next is made after `wait`, and not before.
  void ExpectNextAfter(std::chrono::seconds wait) {
    const size_t made = host_.unsaved.size();
    replica_.OnSnapshotSaved(absl::ResourceExhaustedError("full"));
    host_.Run(&replica_, wait - std::chrono::seconds(1));
    EXPECT_EQ(host_.unsaved.size(), made);
    host_.Run(&replica_, std::chrono::seconds(2));
    EXPECT_EQ(host_.unsaved.size(), made + 1);
  }
};

// Without peers and clients nothing else would bring another try.
TEST_F(SnapshotRetryTest, OneThatFoundNoSpaceIsMadeAgain) {
  ExpectNextAfter(kSnapshotRetryMin);
  ASSERT_EQ(host_.unsaved.size(), 2u);
  replica_.OnSnapshotSaved(host_.unsaved[1].Make());
  EXPECT_EQ(replica_.raft().status().snapshot.index, host_.unsaved[1].meta.index);
}

TEST_F(SnapshotRetryTest, EachTimeLaterUpToABound) {
  std::chrono::seconds wait = kSnapshotRetryMin;
  for (; wait < kSnapshotRetryMax; wait *= 2) ExpectNextAfter(wait);
  ExpectNextAfter(kSnapshotRetryMax);
  ExpectNextAfter(kSnapshotRetryMax);
}

TEST_F(SnapshotRetryTest, AtOnceWhenThereIsSpaceAgain) {
  ExpectNextAfter(kSnapshotRetryMin);
  ExpectNextAfter(2 * kSnapshotRetryMin);
  host_.disk_full = true;
  replica_.OnSnapshotSaved(absl::ResourceExhaustedError("full"));
  replica_.OnAlarm();
  EXPECT_EQ(host_.unsaved.size(), 3u);
  host_.disk_full = false;
  replica_.OnAlarm();
  EXPECT_EQ(host_.unsaved.size(), 4u);
  ExpectNextAfter(kSnapshotRetryMin);
}

// The larger the state, the more of the log there is for each snapshot, up to twice as much.
class NextSnapshotTest : public SnapshotRetryTest, public testing::WithParamInterface<uint64_t> {};

TEST_P(NextSnapshotTest, IsDueWhenTheLogIsLargerByTheLastOne) {
  const uint64_t last = GetParam();
  absl::StatusOr<MadeSnapshot> made = host_.unsaved[0].Make();
  ASSERT_TRUE(made.ok()) << made.status();
  made->snapshot.data = std::make_shared<const std::string>(last, 'x');
  replica_.OnSnapshotSaved(std::move(made));
  ASSERT_LT(replica_.raft().log_bytes(), kSnapshotLogBytes) << "it dropped what it covers";
  uint64_t before = 0;
  while (host_.unsaved.size() == 1) {
    before = replica_.raft().log_bytes();
    ASSERT_LT(before, 3 * kSnapshotLogBytes);
    Send(exchange::CancelOrder{exchange::SymbolId(1), exchange::ClientOrderId(1)});
  }
  const uint64_t due = kSnapshotLogBytes + std::min(last, kSnapshotLogBytes);
  EXPECT_LE(before, due);
  EXPECT_GT(replica_.raft().log_bytes(), due);
}

INSTANTIATE_TEST_SUITE_P(Bytes, NextSnapshotTest,
                         testing::Values(100, kSnapshotLogBytes / 2, 9 * kSnapshotLogBytes));

}  // namespace
}  // namespace quorumbook::server
