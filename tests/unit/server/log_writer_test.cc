#include "server/log_writer.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "storage/simulated_store.h"

namespace quorumbook::server {
namespace {

using consensus::Index;
using consensus::Term;

storage::ShardWrite Vote(uint64_t shard, uint64_t sequence, uint64_t term) {
  storage::ShardWrite write;
  write.shard = ShardId(shard);
  write.persist.sequence = sequence;
  write.persist.hard_state = consensus::HardState{Term(term), NodeId(1), Index()};
  return write;
}

// Passes on to a simulated store, but only when it is let through, and counts the calls.
class GatedStore : public storage::Store {
 public:
  explicit GatedStore(storage::Store* store) : store_(*store) {}

  const storage::StoreIdentity& identity() const override { return store_.identity(); }
  std::vector<NodeId> founders() override { return store_.founders(); }
  absl::Status SetFounders(const std::vector<NodeId>& founders) override {
    return store_.SetFounders(founders);
  }
  absl::StatusOr<consensus::RestoredState> Load(ShardId shard) override {
    return store_.Load(shard);
  }
  absl::Status Write(const std::vector<storage::ShardWrite>& writes) override {
    entered_.set_value(writes.size());
    gate_.get_future().get();
    gate_ = std::promise<void>();
    return store_.Write(writes);
  }
  absl::Status SaveSnapshot(ShardId shard, const consensus::Snapshot& snapshot) override {
    return store_.SaveSnapshot(shard, snapshot);
  }
  absl::StatusOr<storage::StoreUsage> Usage() override { return store_.Usage(); }

  // Waits for the next Write and returns how many shards' writes it holds.
  size_t AwaitWrite() {
    const size_t writes = entered_.get_future().get();
    entered_ = std::promise<size_t>();
    return writes;
  }
  void LetThrough() { gate_.set_value(); }

 private:
  storage::Store& store_;
  std::promise<size_t> entered_;
  std::promise<void> gate_;
};

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest()
      : store_(*storage::OpenSimulatedStore(&disk_, {.cluster_id = "c", .node_id = NodeId(1)})) {}

  storage::SimulatedDisk disk_;
  std::unique_ptr<storage::Store> store_;
};

TEST_F(LogWriterTest, CompletesInOrderWhatIsDurable) {
  std::vector<int> order;
  {
    LogWriter writer(store_.get(), [](const absl::Status& status) { FAIL() << status; });
    for (int i = 0; i < 50; ++i) {
      writer.Write(Vote(1, static_cast<uint64_t>(i) + 1, static_cast<uint64_t>(i) + 1),
                   [&order, i](const WriteTimes&) { order.push_back(i); });
    }
  }  // writes what is queued
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  EXPECT_EQ(store_->Load(ShardId(1))->hard_state.term, Term(50));
}

TEST_F(LogWriterTest, WhatArrivesDuringAWriteFormsTheNextOne) {
  GatedStore gated(store_.get());
  std::promise<void> done;
  LogWriter writer(&gated, [](const absl::Status& status) { FAIL() << status; });
  writer.Write(Vote(1, 1, 1), [](const WriteTimes&) {});
  EXPECT_EQ(gated.AwaitWrite(), 1u);
  for (uint64_t shard = 1; shard <= 8; ++shard) {
    writer.Write(Vote(shard, 2, 2), [&done, shard](const WriteTimes&) {
      if (shard == 8) done.set_value();
    });
  }
  gated.LetThrough();
  EXPECT_EQ(gated.AwaitWrite(), 8u) << "eight shards, one sync";
  gated.LetThrough();
  done.get_future().wait();
}

TEST_F(LogWriterTest, AFullDiskIsWaitedFor) {
  LogWriter writer(store_.get(), [](const absl::Status& status) { FAIL() << status; });
  disk_.SetFull(true);
  std::promise<void> done;
  writer.Write(Vote(1, 1, 7), [&done](const WriteTimes&) { done.set_value(); });
  while (!writer.disk_full()) std::this_thread::yield();
  disk_.SetFull(false);
  done.get_future().wait();
  EXPECT_FALSE(writer.disk_full());
  EXPECT_EQ(store_->Load(ShardId(1))->hard_state.term, Term(7));
}

TEST_F(LogWriterTest, AnErrorOfTheDiskIsFinal) {
  std::promise<absl::Status> fatal;
  LogWriter writer(store_.get(), [&fatal](const absl::Status& status) { fatal.set_value(status); });
  disk_.FailNextSync();
  writer.Write(Vote(1, 1, 7), [](const WriteTimes&) { FAIL() << "was not durable"; });
  EXPECT_TRUE(absl::IsInternal(fatal.get_future().get()));
}

}  // namespace
}  // namespace quorumbook::server
