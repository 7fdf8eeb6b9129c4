// The contract of storage/store.h, held against every implementation: what the cases share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/storage/medium.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {

class StoreContractTest : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    medium_ = GetParam().make();
    Reopen();
  }

  // The process ends, and another begins.
  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Store>> opened = medium_->Open(kTestIdentity);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void LosePowerAndReopen(std::mt19937_64* torn = nullptr) {
    store_.reset();
    medium_->LosePower(torn);
    Reopen();
  }
  absl::Status TryWrite(ShardWrite write) { return store_->Write({std::move(write)}); }
  absl::Status TrySave(const consensus::Snapshot& snapshot) {
    return store_->SaveSnapshot(model_.shard(), snapshot);
  }
  void Write(ShardWrite write) {
    const absl::Status status = TryWrite(std::move(write));
    ASSERT_TRUE(status.ok()) << status;
  }
  void Save(const consensus::Snapshot& snapshot) {
    const absl::Status status = TrySave(snapshot);
    ASSERT_TRUE(status.ok()) << status;
  }
  // As it is, and after closing and opening.
  void ExpectHolds(const ShardModel& model) {
    EXPECT_TRUE(Holds(*store_, model));
    Reopen();
    EXPECT_TRUE(Holds(*store_, model));
  }

  std::unique_ptr<Medium> medium_;
  std::unique_ptr<Store> store_;
  ShardModel model_{ShardId(3)};
};

}  // namespace quorumbook::storage
