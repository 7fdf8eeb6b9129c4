// The faults of the simulated store.
#include "storage/simulated_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;
using testing::HasSubstr;

class SimulatedStoreTest : public testing::Test {
 protected:
  SimulatedStoreTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Store>> opened = OpenSimulatedStore(&disk_, kTestIdentity);
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  SimulatedDisk disk_;
  std::unique_ptr<Store> store_;
  ShardModel model_{ShardId(1)};
};

TEST_F(SimulatedStoreTest, TheLastWriteCanBeLostAndNoOther) {
  EXPECT_FALSE(disk_.LoseLastWrite());
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a"})}).ok());
  ShardModel before = model_;
  ShardModel other(ShardId(2));
  ASSERT_TRUE(
      store_->Write({model_.Append(Term(2), {"b"}), ShardModel(other).Append(Term(1), {"x"})})
          .ok());
  EXPECT_TRUE(disk_.LoseLastWrite());
  EXPECT_FALSE(disk_.LoseLastWrite());
  Reopen();
  EXPECT_TRUE(Holds(*store_, before));
  EXPECT_TRUE(Holds(*store_, other));
}

TEST_F(SimulatedStoreTest, ALostSnapshotLeavesTheOlderOne) {
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a", "b"})}).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), "state at 1")).ok());
  const ShardModel before = model_;
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(2), "state at 2")).ok());
  EXPECT_TRUE(disk_.LoseLastWrite());
  EXPECT_TRUE(Holds(*store_, before));
}

TEST_F(SimulatedStoreTest, AReadMakesTheLastWriteStay) {
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a"})}).ok());
  EXPECT_TRUE(Holds(*store_, model_));
  EXPECT_FALSE(disk_.LoseLastWrite());
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_F(SimulatedStoreTest, AFullDiskTakesNothingAndHeals) {
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a"})}).ok());
  disk_.SetFull(true);
  EXPECT_TRUE(
      absl::IsResourceExhausted(store_->Write({ShardModel(model_).Append(Term(1), {"b"})})));
  EXPECT_TRUE(absl::IsResourceExhausted(
      store_->SaveSnapshot(ShardId(1), ShardModel(model_).Save(Index(1), "state"))));
  EXPECT_TRUE(Holds(*store_, model_));
  disk_.SetFull(false);
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"b"})}).ok());
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_F(SimulatedStoreTest, AFailedWriteIsFinalUntilItIsOpenedAgain) {
  for (const bool landed : {false, true}) {
    SCOPED_TRACE(landed);
    disk_.FailNextWrite(landed);
    ShardModel next = model_;
    EXPECT_TRUE(absl::IsInternal(store_->Write({next.Append(Term(1), {"a"})})));
    EXPECT_TRUE(absl::IsInternal(store_->Write({ShardModel(next).Append(Term(1), {"b"})})));
    EXPECT_TRUE(
        absl::IsInternal(store_->SaveSnapshot(ShardId(1), ShardModel(next).Save(Index(1), ""))));
    if (landed) model_ = next;
    Reopen();
    EXPECT_TRUE(Holds(*store_, model_));
    ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"c"})}).ok());
    EXPECT_TRUE(Holds(*store_, model_));
  }
}

TEST_F(SimulatedStoreTest, EveryFlippedBitIsFound) {
  EXPECT_FALSE(disk_.FlipBitOfHardState(ShardId(1), 0));
  EXPECT_FALSE(disk_.FlipBitOfSnapshot(ShardId(1), 0));
  EXPECT_FALSE(disk_.FlipBitOfEntry(ShardId(1), Index(1), 0));
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a", "bb", "c"})}).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(2), "state")).ok());
  const auto expect_found = [&](auto flip, const char* what) {
    for (uint64_t bit = 0; bit < 800; ++bit) {
      ASSERT_TRUE(flip(bit));
      const absl::Status status = store_->Load(ShardId(1)).status();
      ASSERT_TRUE(absl::IsDataLoss(status)) << what << " bit " << bit << ": " << status;
      ASSERT_THAT(status.ToString(), HasSubstr(what));
      ASSERT_TRUE(flip(bit));
    }
  };
  expect_found([&](uint64_t bit) { return disk_.FlipBitOfHardState(ShardId(1), bit); },
               "shard 1: hard state");
  expect_found([&](uint64_t bit) { return disk_.FlipBitOfSnapshot(ShardId(1), bit); }, "snapshot");
  expect_found([&](uint64_t bit) { return disk_.FlipBitOfEntry(ShardId(1), Index(2), bit); },
               "shard 1, index 2");
  EXPECT_TRUE(Holds(*store_, model_));
}

}  // namespace
}  // namespace quorumbook::storage
