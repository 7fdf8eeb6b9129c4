// The faults of the simulated store that its host alone can bring about; the others are in
// store_contract_*_test.cc.
#include "storage/simulated_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/storage/random_history.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;
using testing::HasSubstr;
using Kind = RecordPlace::Kind;

class SimulatedStoreTest : public testing::Test {
 protected:
  SimulatedStoreTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Store>> opened = OpenSimulatedStore(&disk_, kTestIdentity);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void LosePowerAndReopen(uint64_t whole = 0, uint64_t torn = 0) {
    store_.reset();
    disk_.LosePower(whole, torn);
    Reopen();
  }
  absl::Status Write(ShardWrite write) { return store_->Write({std::move(write)}); }

  SimulatedDisk disk_;
  std::unique_ptr<Store> store_;
  ShardModel model_{ShardId(1)};
};

TEST_F(SimulatedStoreTest, WhatWasNotSyncedIsLostWithThePower) {
  ASSERT_TRUE(Write(model_.Append(Term(1), {"a"})).ok());
  disk_.DeferSyncs(true);
  const ShardModel before = model_;
  ASSERT_TRUE(Write(model_.Append(Term(2), {"b"})).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), "state")).ok());
  EXPECT_EQ(disk_.synced_writes(), 1U);
  EXPECT_TRUE(Holds(*store_, before));
  LosePowerAndReopen();
  EXPECT_TRUE(Holds(*store_, before));
  EXPECT_EQ(disk_.writes(), 1U);
}

TEST_F(SimulatedStoreTest, ASyncMakesWritesDurableInTheirOrder) {
  disk_.DeferSyncs(true);
  ASSERT_TRUE(Write(model_.Append(Term(1), {"a"})).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), "state")).ok());
  const ShardModel synced = model_;
  ASSERT_TRUE(Write(model_.Append(Term(1), {"b"})).ok());
  ASSERT_TRUE(disk_.Sync(2).ok());
  EXPECT_EQ(disk_.synced_writes(), 2U);
  LosePowerAndReopen();
  EXPECT_TRUE(Holds(*store_, synced));
}

TEST_F(SimulatedStoreTest, AProcessThatEndsLosesNothing) {
  disk_.DeferSyncs(true);
  ASSERT_TRUE(Write(model_.Append(Term(1), {"a"})).ok());
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
  LosePowerAndReopen();
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_F(SimulatedStoreTest, AnOlderCopyIsWhatWasDurableThen) {
  ASSERT_TRUE(Write(model_.Append(Term(1), {"a"})).ok());
  disk_.DeferSyncs(true);
  const ShardModel then = model_;
  ASSERT_TRUE(Write(model_.Append(Term(1), {"b"})).ok());
  const auto copy = disk_.MakeCopy();
  ASSERT_TRUE(disk_.Sync(disk_.writes()).ok());
  ASSERT_TRUE(Write(model_.Append(Term(2), {"c"})).ok());
  store_.reset();
  disk_.PutBack(*copy);
  Reopen();
  EXPECT_TRUE(Holds(*store_, then));
}

// However many of the writes under way the disk had got to, and however far in one of them: the
// state is that after one of the writes.
TEST_F(SimulatedStoreTest, PowerLossLeavesAPrefixOfTheWrites) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    disk_.DeferSyncs(false);
    ASSERT_TRUE(Write(model_.Append(Term(seed * 100), {"start"})).ok());
    disk_.DeferSyncs(true);
    std::vector<ShardModel> states = {model_};
    for (uint64_t i = random() % 5; i > 0; --i) {
      const RandomStep step = TakeRandomStep(&model_, &random);
      ASSERT_TRUE(
          (step.write ? Write(*step.write) : store_->SaveSnapshot(ShardId(1), *step.save)).ok());
      states.push_back(model_);
    }
    const uint64_t whole = random() % states.size();
    LosePowerAndReopen(whole, random());
    ASSERT_TRUE(Holds(*store_, states[whole]));
    model_ = states[whole];
  }
}

TEST_F(SimulatedStoreTest, ATornWriteIsCutAtOpenUnlessThatBugIsPlanted) {
  for (const bool bug : {false, true}) {
    if (bug) disk_.Plant(SimulatedDisk::Mutant::kTornWriteKept);
    disk_.DeferSyncs(false);
    ASSERT_TRUE(Write(model_.Append(Term(1), {"a"})).ok());
    disk_.DeferSyncs(true);
    const ShardModel before = model_;
    ShardModel torn = before;
    ShardWrite write = torn.Append(Term(1), {"b", "c"});
    ShardModel first_record = before;
    (void)first_record.Append(Term(1), {"b"});
    ASSERT_TRUE(Write(write).ok());
    LosePowerAndReopen(/*whole=*/0, /*torn=*/1);
    EXPECT_TRUE(Holds(*store_, bug ? first_record : before));
  }
}

TEST_F(SimulatedStoreTest, AFailedSyncOfDeferredWritesIsFinalUntilTheDiskIsOpenedAgain) {
  disk_.DeferSyncs(true);
  for (const bool landed : {false, true}) {
    SCOPED_TRACE(testing::Message() << landed);
    disk_.FailNextSync();
    ShardModel next = model_;
    ASSERT_TRUE(Write(next.Append(Term(1), {"a"})).ok());
    const absl::Status failed = disk_.Sync(disk_.writes());
    EXPECT_TRUE(absl::IsInternal(failed)) << failed;
    EXPECT_EQ(Write(ShardModel(next).Append(Term(1), {"b"})), failed);
    EXPECT_EQ(disk_.Sync(disk_.writes()), failed);
    if (landed) {
      Reopen();
      model_ = next;
    } else {
      LosePowerAndReopen();
    }
    EXPECT_TRUE(Holds(*store_, model_));
  }
}

class SimulatedDamageTest : public SimulatedStoreTest {
 protected:
  SimulatedDamageTest() {
    EXPECT_TRUE(Write(model_.Append(Term(1), {"a", "bb", "c", "d"})).ok());
    EXPECT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(2), "state")).ok());
    EXPECT_TRUE(Write(model_.Compact(Index(1))).ok());
  }
  void ExpectDamage(const char* what) {
    const absl::Status status = store_->Load(ShardId(1)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << what << ": " << status;
    EXPECT_THAT(status.ToString(), HasSubstr(what));
  }
};

TEST_F(SimulatedDamageTest, TheExtentIsWhatCanBeDamaged) {
  const SimulatedDisk::Extent extent = disk_.extent(ShardId(1));
  EXPECT_TRUE(extent.hard_state);
  EXPECT_TRUE(extent.log_start);
  EXPECT_TRUE(extent.snapshot);
  EXPECT_EQ(extent.first, Index(2));
  EXPECT_EQ(extent.end, Index(5));
  EXPECT_FALSE(disk_.extent(ShardId(2)).hard_state);
  EXPECT_EQ(disk_.extent(ShardId(2)).end, Index(1));
  for (const Kind kind : {Kind::kHardState, Kind::kLogStart, Kind::kSnapshot}) {
    EXPECT_TRUE(disk_.FlipBit({.kind = kind, .shard = ShardId(1), .index = {}}, 0));
    EXPECT_FALSE(disk_.FlipBit({.kind = kind, .shard = ShardId(2), .index = {}}, 0));
  }
  for (uint64_t index = 0; index < 7; ++index) {
    EXPECT_EQ(disk_.FlipBit({.kind = Kind::kEntry, .shard = ShardId(1), .index = Index(index)}, 0),
              index >= 2 && index < 5);
  }
}

TEST_F(SimulatedDamageTest, EveryFlippedBitIsFound) {
  const auto expect_found = [&](const RecordPlace& place, const char* what) {
    for (uint64_t bit = 0; bit < 800; ++bit) {
      ASSERT_TRUE(disk_.FlipBit(place, bit));
      ASSERT_NO_FATAL_FAILURE(ExpectDamage(what)) << bit;
      ASSERT_TRUE(disk_.FlipBit(place, bit));
    }
  };
  const ShardId shard(1);
  expect_found({.kind = Kind::kHardState, .shard = shard, .index = {}}, "shard 1: hard state");
  expect_found({.kind = Kind::kLogStart, .shard = shard, .index = {}}, "shard 1: log start");
  expect_found({.kind = Kind::kSnapshot, .shard = shard, .index = {}}, "snapshot");
  expect_found({.kind = Kind::kEntry, .shard = shard, .index = Index(3)}, "shard 1, index 3");
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_F(SimulatedDamageTest, ADamagedIdentityIsFoundAtOpen) {
  ASSERT_TRUE(disk_.FlipBit({.kind = Kind::kIdentity, .shard = {}, .index = {}}, 70));
  store_.reset();
  const absl::Status status = OpenSimulatedStore(&disk_, kTestIdentity).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(SimulatedDamageTest, AMisdirectedWriteIsFoundAtBothPlaces) {
  const RecordPlace third{.kind = Kind::kEntry, .shard = ShardId(1), .index = Index(3)};
  const RecordPlace last{.kind = Kind::kEntry, .shard = ShardId(1), .index = Index(4)};
  EXPECT_FALSE(disk_.Misdirect(last, last));
  ASSERT_TRUE(disk_.Misdirect(last, third));
  ExpectDamage("shard 1, index 3");
  // Without the other place the one that was never written would be the torn end of the log.
  ASSERT_TRUE(Write(model_.Replace(Index(4), Term(2), {})).ok());
  ExpectDamage("shard 1, index 3");
}

TEST_F(SimulatedDamageTest, ARecordOfAnotherShardIsFound) {
  ShardModel other(ShardId(2));
  ASSERT_TRUE(Write(other.Append(Term(1), {"x", "y", "z"})).ok());
  const RecordPlace mine{.kind = Kind::kHardState, .shard = ShardId(1), .index = {}};
  const RecordPlace foreign{.kind = Kind::kHardState, .shard = ShardId(2), .index = {}};
  ASSERT_TRUE(disk_.Misdirect(foreign, mine));
  ExpectDamage("shard 1: hard state");
  const absl::Status status = store_->Load(ShardId(2)).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(SimulatedDamageTest, WhatIsWrittenAnewIsWhole) {
  ASSERT_TRUE(disk_.FlipBit({.kind = Kind::kEntry, .shard = ShardId(1), .index = Index(4)}, 9));
  ASSERT_TRUE(disk_.FlipBit({.kind = Kind::kHardState, .shard = ShardId(1), .index = {}}, 9));
  ASSERT_TRUE(disk_.FlipBit({.kind = Kind::kSnapshot, .shard = ShardId(1), .index = {}}, 9));
  ASSERT_TRUE(Write(model_.Replace(Index(4), Term(2), {"e"})).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(3), "next state")).ok());
  EXPECT_TRUE(Holds(*store_, model_));
}

}  // namespace
}  // namespace quorumbook::storage
