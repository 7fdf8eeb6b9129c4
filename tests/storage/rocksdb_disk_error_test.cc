// Full and failing disks as only RocksDB meets them; what holds for every store is in
// store_contract_faults_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/records.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/fault_injection_file_system.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;
using testing::HasSubstr;

class RocksDbDiskErrorTest : public testing::Test {
 protected:
  RocksDbDiskErrorTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Store>> opened = OpenRocksDbStore(
        {.directory = directory_.path() + "/store", .identity = kTestIdentity, .env = env_.get()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  absl::Status Append(ShardModel* model, size_t bytes) {
    return store_->Write({model->Append(Term(1), {PseudoRandomBytes(bytes, bytes)})});
  }

  TemporaryDirectory directory_;
  std::shared_ptr<FaultInjectionFileSystem> file_system_ =
      std::make_shared<FaultInjectionFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = NewTestEnv(file_system_);
  std::unique_ptr<Store> store_;
  ShardModel model_{ShardId(1)};
};

// What the disk does not give out may be whole: the node must not give its store up for it.
TEST_F(RocksDbDiskErrorTest, AReadErrorIsNoDamage) {
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a", "b"})}).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), "state")).ok());
  Reopen();  // into tables
  file_system_->FailReads(rocksdb::IOStatus::IOError("the cable is loose"));
  const absl::Status status = store_->Load(ShardId(1)).status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("check the disk"));
  store_.reset();
  EXPECT_TRUE(absl::IsInternal(
      OpenRocksDbStore(
          {.directory = directory_.path() + "/store", .identity = kTestIdentity, .env = env_.get()})
          .status()));
  file_system_->FailReads(rocksdb::IOStatus::OK());
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
}

// As above, of what is read when the store is opened: there nothing can be said of damage at all.
TEST_F(RocksDbDiskErrorTest, AReadErrorInALogIsNoDamage) {
  ASSERT_TRUE(store_->Write({model_.Append(Term(1), {"a", "b"})}).ok());
  store_.reset();
  file_system_->FailReads(rocksdb::IOStatus::IOError("the cable is loose"), Reads::kLogs);
  const absl::Status status =
      OpenRocksDbStore(
          {.directory = directory_.path() + "/store", .identity = kTestIdentity, .env = env_.get()})
          .status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  file_system_->FailReads(rocksdb::IOStatus::OK(), Reads::kLogs);
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
}

// A disk may write pages out of order: what a loss of power leaves of them looks like damage.
TEST_F(RocksDbDiskErrorTest, OfAReceivedSnapshotLittleIsUnsyncedAtATime) {
  ASSERT_TRUE(store_->Write({model_.Install(Index(9), PseudoRandomBytes(1, 8 << 20))}).ok());
  EXPECT_LT(file_system_->most_unsynced_bytes(), 3u << 20 >> 1);
  EXPECT_TRUE(Holds(*store_, model_));
}

// Healing itself writes: the power may fail in the middle of it.
TEST_F(RocksDbDiskErrorTest, ACrashWhileHealingLosesNothing) {
  std::mt19937_64 random(2);
  ASSERT_TRUE(Append(&model_, 100).ok());
  int acknowledged = 0;
  for (uint64_t operations = 0; acknowledged == 0; ++operations) {
    ASSERT_LT(operations, 200U);
    SCOPED_TRACE(operations);
    file_system_->SetFreeBytes(10);
    ShardModel refused = model_;
    ASSERT_TRUE(absl::IsResourceExhausted(Append(&refused, 1000)));
    file_system_->SetFreeBytes(FaultInjectionFileSystem::kUnlimited);
    file_system_->LosePowerAfter(operations);
    ShardModel after = model_;
    if (Append(&after, 500).ok()) {
      ++acknowledged;
      model_ = after;
    }
    store_.reset();
    file_system_->Restart(&random);
    Reopen();
    if (acknowledged == 0 && Holds(*store_, after)) model_ = after;
    ASSERT_TRUE(Holds(*store_, model_));
  }
}

TEST_F(RocksDbDiskErrorTest, ASnapshotThatDoesNotFitLeavesTheOlderOne) {
  ASSERT_TRUE(Append(&model_, 100).ok());
  ASSERT_TRUE(store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), "old")).ok());
  const std::string large = PseudoRandomBytes(1, 5 << 20);
  for (int attempt = 0; attempt < 3; ++attempt) {
    file_system_->SetFreeBytes(2 << 20);
    ShardModel refused = model_;
    absl::Status status = store_->SaveSnapshot(ShardId(1), refused.Save(Index(1), large));
    ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
    status = store_->Write({ShardModel(model_).Install(Index(1), large)});
    ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
  }
  file_system_->SetFreeBytes(FaultInjectionFileSystem::kUnlimited);
  EXPECT_TRUE(Holds(*store_, model_));
  const absl::Status healed = store_->SaveSnapshot(ShardId(1), model_.Save(Index(1), large));
  ASSERT_TRUE(healed.ok()) << healed;
  EXPECT_TRUE(Holds(*store_, model_));
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
}

// Before they are opened again, which removes what is left over.
size_t StoredGenerations(const std::string& directory) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* family : {"default", "log", "hard_state", "snapshot"}) {
    families.emplace_back(family, rocksdb::ColumnFamilyOptions());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(rocksdb::DBOptions(), directory, families, &handles, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  EXPECT_TRUE(status.ok()) << status.ToString();
  if (!status.ok()) return 0;
  std::set<uint64_t> generations;
  std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, handles[3]));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    ParsedSnapshotKey key;
    EXPECT_TRUE(ParseSnapshotKey(it->key().ToStringView(), &key));
    if (key.generation > 0) generations.insert(key.generation);
  }
  it.reset();
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  return generations.size();
}

TEST_F(RocksDbDiskErrorTest, SnapshotsThatDidNotFitLeaveNothingBehind) {
  ASSERT_TRUE(Append(&model_, 100).ok());
  const std::string large = PseudoRandomBytes(1, 3 << 20);
  for (int attempt = 0; attempt < 6; ++attempt) {
    SCOPED_TRACE(attempt);
    // From failing at once to failing at the last chunk; healing needs some space of its own.
    file_system_->SetFreeBytes(uint64_t{600'000} * attempt);
    ShardModel refused = model_;
    const absl::Status status =
        attempt % 2 == 0 ? store_->Write({refused.Install(Index(1), large)})
                         : store_->SaveSnapshot(ShardId(1), refused.Save(Index(1), large));
    ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
    // One that fails before it has written anything must not forget those before it.
    file_system_->SetFreeBytes(0);
    ASSERT_TRUE(
        absl::IsResourceExhausted(store_->Write({ShardModel(model_).Install(Index(1), large)})));
    file_system_->SetFreeBytes(FaultInjectionFileSystem::kUnlimited);
    EXPECT_TRUE(Holds(*store_, model_));
  }
  ASSERT_TRUE(store_->Write({model_.Install(Index(1), large)}).ok());
  EXPECT_TRUE(Holds(*store_, model_));
  store_.reset();
  EXPECT_EQ(StoredGenerations(directory_.path() + "/store"), 1U);
}

// It could be what the disk is full of.
TEST_F(RocksDbDiskErrorTest, WhatWasBeingDeletedGoesAtOnceFromAFullDisk) {
  const std::string trash = directory_.path() + "/store/000007.sst.trash";
  std::ofstream(trash).close();
  file_system_->SetFreeBytes(0);
  const auto write = [this] { return store_->Write({ShardModel(model_).Append(Term(1), {"x"})}); };
  ASSERT_TRUE(absl::IsResourceExhausted(write()));
  ASSERT_TRUE(absl::IsResourceExhausted(write())) << "it tried whether there is space";
  EXPECT_FALSE(std::filesystem::exists(trash));
}

class RocksDbFinalErrorTest : public RocksDbDiskErrorTest,
                              public testing::WithParamInterface<const char*> {
 protected:
  void BreakDisk() {
    const std::string kind = GetParam();
    if (kind == "AppendEio") file_system_->FailAppends(rocksdb::IOStatus::IOError("EIO"));
    // Not a full disk that may be tried again: the sync has failed.
    if (kind == "SyncEnospc") file_system_->FailSyncs(rocksdb::IOStatus::NoSpace("ENOSPC"));
    if (kind == "SyncRetryable") {
      rocksdb::IOStatus status = rocksdb::IOStatus::IOError("EIO");
      status.SetRetryable(true);
      file_system_->FailSyncs(status);
    }
  }
  void RepairDisk() {
    file_system_->FailAppends(rocksdb::IOStatus::OK());
    file_system_->FailSyncs(rocksdb::IOStatus::OK());
  }
};

TEST_P(RocksDbFinalErrorTest, EveryLaterWriteFailsToo) {
  ASSERT_TRUE(Append(&model_, 100).ok());
  ShardModel in_doubt = model_;
  BreakDisk();
  const absl::Status first = Append(&in_doubt, 200);
  ASSERT_TRUE(absl::IsInternal(first)) << first;
  EXPECT_THAT(first.ToString(), HasSubstr("check the disk"));
  RepairDisk();
  const uint64_t operations = file_system_->operations();
  ShardModel later = in_doubt;
  for (int attempt = 0; attempt < 3; ++attempt) EXPECT_EQ(Append(&later, 300), first);
  EXPECT_EQ(store_->SaveSnapshot(ShardId(1), later.Save(Index(1), "state")), first);
  EXPECT_EQ(file_system_->operations(), operations) << "the disk was touched after a final error";

  store_.reset();
  file_system_->Restart();
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
  ASSERT_TRUE(Append(&model_, 400).ok());
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_P(RocksDbFinalErrorTest, ASnapshotThatFailsStopsTheLogAsWell) {
  ASSERT_TRUE(Append(&model_, 100).ok());
  BreakDisk();
  const absl::Status first =
      store_->SaveSnapshot(ShardId(1), ShardModel(model_).Save(Index(1), "state"));
  ASSERT_TRUE(absl::IsInternal(first)) << first;
  RepairDisk();
  EXPECT_EQ(store_->Write({ShardModel(model_).Append(Term(1), {"x"})}), first);
}

INSTANTIATE_TEST_SUITE_P(All, RocksDbFinalErrorTest,
                         testing::Values("AppendEio", "SyncEnospc", "SyncRetryable"),
                         [](const auto& kind) { return std::string(kind.param); });

// What a directory lost with a failed sync another sync does not bring back, whatever was the
// reason: also when a table is written in the background.
class RocksDbDirectorySyncTest : public RocksDbDiskErrorTest,
                                 public testing::WithParamInterface<bool> {};

TEST_P(RocksDbDirectorySyncTest, AFailureIsFinal) {
  ASSERT_TRUE(Append(&model_, 100).ok());
  file_system_->FailDirectorySyncs(GetParam() ? rocksdb::IOStatus::NoSpace("ENOSPC")
                                              : rocksdb::IOStatus::IOError("EIO"));
  // Until a buffer is full.
  ShardModel in_doubt = model_;
  absl::Status failed;
  for (int writes = 0; failed.ok() && writes < 100; ++writes) {
    model_ = in_doubt;
    failed = Append(&in_doubt, 2 << 20);
  }
  ASSERT_TRUE(absl::IsInternal(failed)) << failed;
  file_system_->FailDirectorySyncs(rocksdb::IOStatus::OK());
  ShardModel later = in_doubt;
  EXPECT_EQ(Append(&later, 100), failed) << "tried again";
  store_.reset();
  file_system_->Restart();
  Reopen();
  EXPECT_TRUE(Holds(*store_, in_doubt) || Holds(*store_, model_));
}

INSTANTIATE_TEST_SUITE_P(All, RocksDbDirectorySyncTest, testing::Bool(),
                         [](const auto& full) { return full.param ? "Enospc" : "Eio"; });

}  // namespace
}  // namespace quorumbook::storage
