// Full disks, failed syncs and damage: what every store makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/storage/store_contract.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Snapshot;
using consensus::Term;
using Kind = RecordPlace::Kind;

const std::vector<NodeId> kFounders = {NodeId(1), NodeId(7)};
// More than what a full disk spares.
const std::string kLarge = PseudoRandomBytes(1, 200'000);

// Every way to write something new.
struct WayToWrite {
  const char* name;
  absl::Status (*act)(Store& store, ShardModel* model);
};
constexpr WayToWrite kWaysToWrite[] = {
    {"append", [](Store& store,
                  ShardModel* model) { return store.Write({model->Append(Term(2), {kLarge})}); }},
    {"install",
     [](Store& store, ShardModel* model) {
       return store.Write({model->Install(model->last().Next(), kLarge)});
     }},
    {"save",
     [](Store& store, ShardModel* model) {
       return store.SaveSnapshot(model->shard(), model->Save(model->last(), kLarge));
     }},
    {"founders", [](Store& store, ShardModel*) { return store.SetFounders(kFounders); }},
};

TEST_P(StoreContractTest, AFullDiskTakesNothingAndHeals) {
  Write(model_.Append(Term(1), {"a"}));
  // A write of founders is small: it must not fit either.
  for (const uint64_t spare : {0, 1, 20, 1000, 50'000}) {
    for (const WayToWrite& way : kWaysToWrite) {
      if (spare > 20 && std::string(way.name) == "founders") continue;
      SCOPED_TRACE(testing::Message() << way.name << " with " << spare << " bytes left");
      medium_->SetFull(spare);
      ShardModel refused = model_;
      for (int attempt = 0; attempt < 3; ++attempt) {
        const absl::Status status = way.act(*store_, &refused);
        ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
        refused = model_;
      }
      medium_->FreeSpace();
      EXPECT_TRUE(Holds(*store_, model_));
      EXPECT_THAT(store_->founders(), testing::IsEmpty());
      ASSERT_NO_FATAL_FAILURE(Write(model_.Append(Term(2), {"after " + std::to_string(spare)})));
      ExpectHolds(model_);
    }
  }
}

// Before anything can be read again there must be space to repair what the refused write left.
TEST_P(StoreContractTest, AFullDiskThatRefusedAWriteIsReadWhenThereIsSpace) {
  Write(model_.Append(Term(1), {"a"}));
  medium_->SetFull();
  EXPECT_TRUE(Holds(*store_, model_));
  ASSERT_TRUE(absl::IsResourceExhausted(TryWrite(ShardModel(model_).Append(Term(1), {"b"}))));
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  medium_->FreeSpace();
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, WhatAFullDiskRefusedIsNotThereAfterACrash) {
  std::mt19937_64 random(1);
  Write(model_.Append(Term(1), {"a"}));
  for (const uint64_t spare : {0, 1, 20, 1000, 50'000}) {
    SCOPED_TRACE(spare);
    medium_->SetFull(spare);
    ASSERT_TRUE(absl::IsResourceExhausted(TryWrite(ShardModel(model_).Append(Term(1), {kLarge}))));
    ASSERT_NO_FATAL_FAILURE(LosePowerAndReopen(&random));
    EXPECT_TRUE(Holds(*store_, model_));
    Write(model_.Append(Term(1), {"after it"}));
  }
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AStoreOnAFullDiskIsOpenedWhenThereIsSpace) {
  Write(model_.Append(Term(1), {"a"}));
  for (const uint64_t spare : {0, 1, 20, 100}) {
    SCOPED_TRACE(spare);
    store_.reset();
    medium_->SetFull(spare);
    const absl::Status status = medium_->Open(kTestIdentity).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    medium_->FreeSpace();
    ASSERT_NO_FATAL_FAILURE(Reopen());
    ExpectHolds(model_);
  }
}

TEST_P(StoreContractTest, AStoreIsCreatedWhenThereIsSpace) {
  for (const uint64_t spare : {0, 1, 20, 100}) {
    SCOPED_TRACE(spare);
    const std::unique_ptr<Medium> fresh = GetParam().make();
    fresh->SetFull(spare);
    const absl::Status status = fresh->Open(kTestIdentity).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    fresh->FreeSpace();
    const absl::Status created = fresh->Open(kTestIdentity).status();
    EXPECT_TRUE(created.ok()) << created;
  }
}

TEST_P(StoreContractTest, FoundersThatAreKeptAreNoWrite) {
  ASSERT_TRUE(store_->SetFounders(kFounders).ok());
  medium_->SetFull();
  EXPECT_TRUE(store_->SetFounders(kFounders).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->SetFounders({NodeId(2)})));
}

TEST_P(StoreContractTest, AFailedSyncIsFinalUntilTheStoreIsOpenedAgain) {
  for (const bool power_lost : {false, true}) {
    for (const WayToWrite& way : kWaysToWrite) {
      SCOPED_TRACE(testing::Message() << way.name << (power_lost ? ", then no power" : ""));
      store_ = nullptr;
      medium_ = GetParam().make();
      ASSERT_NO_FATAL_FAILURE(Reopen());
      model_ = ShardModel(model_.shard());
      Write(model_.Append(Term(1), {"a", "b"}));

      medium_->FailNextSync();
      ShardModel in_doubt = model_;
      const absl::Status failed = way.act(*store_, &in_doubt);
      ASSERT_TRUE(absl::IsInternal(failed)) << failed;
      for (const WayToWrite& later : kWaysToWrite) {
        ShardModel lost = in_doubt;
        EXPECT_EQ(later.act(*store_, &lost), failed) << later.name;
      }
      EXPECT_EQ(store_->Load(model_.shard()).status(), failed);

      store_.reset();
      if (power_lost) medium_->LosePower(nullptr);
      ASSERT_NO_FATAL_FAILURE(Reopen());
      const bool there = Holds(*store_, in_doubt);
      ASSERT_TRUE(there || Holds(*store_, model_)) << "neither as before nor as after";
      EXPECT_FALSE(there && power_lost && way.act != kWaysToWrite[3].act) << "synced after all";
      // Others may have been told what an opening has found.
      const std::vector<NodeId> founders = store_->founders();
      ASSERT_NO_FATAL_FAILURE(LosePowerAndReopen());
      if (there) model_ = in_doubt;
      EXPECT_TRUE(Holds(*store_, model_)) << "what was found is lost";
      EXPECT_EQ(store_->founders(), founders);
      Write(model_.Append(Term(2), {"c"}));
      ExpectHolds(model_);
    }
  }
}

TEST_P(StoreContractTest, AStoreThatIsMarkedAsDamagedIsRefused) {
  Write(model_.Append(Term(1), {"a"}));
  medium_->MarkDamaged();
  EXPECT_TRUE(Holds(*store_, model_));
  store_.reset();
  for (const bool power_lost : {false, true}) {
    if (power_lost) medium_->LosePower(nullptr);
    const absl::Status status = medium_->Open(kTestIdentity).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  }
}

// At the end of the log it could pass for a torn write, in the middle for nothing.
TEST_P(StoreContractTest, DamageIsDataLoss) {
  const std::string first = PseudoRandomBytes(11, 300);
  const std::string last = PseudoRandomBytes(12, 300);
  const std::string state = PseudoRandomBytes(13, 300);
  const ShardId shard = model_.shard();
  const std::vector<std::pair<RecordPlace, std::string>> places = {
      {{.kind = Kind::kEntry, .shard = shard, .index = Index(2)}, first},
      {{.kind = Kind::kEntry, .shard = shard, .index = Index(4)}, last},
      {{.kind = Kind::kSnapshot, .shard = shard, .index = {}}, state},
  };
  for (const bool opened_before : {false, true}) {
    for (const auto& [place, content] : places) {
      SCOPED_TRACE(testing::Message() << "index " << place.index << " " << opened_before);
      store_ = nullptr;
      medium_ = GetParam().make();
      ASSERT_NO_FATAL_FAILURE(Reopen());
      ShardModel model(shard);
      ShardModel other(ShardId(4));
      Write(model.Append(Term(1), {"a", first, "c"}));
      Save(model.Save(Index(1), state));
      Write(model.Append(Term(1), {last}));
      Write(other.Append(Term(1), {"x"}));
      if (opened_before) Reopen();
      store_.reset();
      ASSERT_NO_FATAL_FAILURE(medium_->Damage(place, content));
      absl::StatusOr<std::unique_ptr<Store>> opened = medium_->Open(kTestIdentity);
      const absl::Status status = opened.ok() ? (*opened)->Load(shard).status() : opened.status();
      EXPECT_TRUE(absl::IsDataLoss(status)) << status;
      EXPECT_THAT(status.ToString(), testing::HasSubstr("rebuild the node from its peers"));
    }
  }
}

}  // namespace
}  // namespace quorumbook::storage
