// Whose directory it is, which version wrote it, and who has it open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/digest.h"
#include "storage/records.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;
using testing::AllOf;
using testing::HasSubstr;

class RocksDbOpenTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Store>> Open() {
    return OpenRocksDbStore({.directory = directory_path_, .identity = kTestIdentity});
  }
  // Opens the files as RocksDB, without what makes them a store.
  template <typename Act>
  void WithRocksDb(const std::vector<std::string>& families, Act act) {
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& family : families) {
      descriptors.emplace_back(family, rocksdb::ColumnFamilyOptions());
    }
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(options, directory_path_, descriptors, &handles, &db);
    ASSERT_TRUE(status.ok()) << status.ToString();
    act(db, handles);
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }

  TemporaryDirectory directory_;
  const std::string directory_path_ = directory_.path() + "/store";
};

TEST_F(RocksDbOpenTest, AnotherFormatIsRefused) {
  ASSERT_TRUE(Open().ok());
  for (const char version : {kFormatVersion + 1, kFormatVersion - 1}) {
    WithRocksDb({"default", "log", "hard_state", "snapshot"}, [&](rocksdb::DB* db, const auto&) {
      std::string record;
      ASSERT_TRUE(db->Get({}, "identity", &record).ok());
      std::string rest = record.substr(8);
      rest[4] = version;
      std::string other;
      ByteWriter(&other).Put(Checksum64(rest, Checksum64("identity")));
      ASSERT_TRUE(db->Put({}, "identity", other + rest).ok());
    });
    const absl::Status status = Open().status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(status.ToString(),
                AllOf(HasSubstr(absl::StrCat("format version ", int{version})),
                      HasSubstr(absl::StrCat("version ", kFormatVersion, " that")),
                      HasSubstr("start the version that wrote it")));
  }
}

// They are deleted bit by bit while the store is in use, which for one of this size takes seconds.
TEST_F(RocksDbOpenTest, WhatWasBeingDeletedIsGone) {
  ASSERT_TRUE(Open().ok());
  const std::string trash = directory_path_ + "/000007.sst.trash";
  std::ofstream(trash).close();
  std::filesystem::resize_file(trash, uint64_t{1} << 30);
  const absl::StatusOr<std::unique_ptr<Store>> store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_FALSE(std::filesystem::exists(trash));
}

TEST_F(RocksDbOpenTest, UnknownColumnFamiliesAreRefused) {
  ASSERT_TRUE(Open().ok());
  WithRocksDb({"default", "log", "hard_state", "snapshot", "novelty"},
              [](rocksdb::DB*, const auto&) {});
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("newer version or another program"));
}

TEST_F(RocksDbOpenTest, DataWithoutAnIdentityAreRefused) {
  ASSERT_TRUE(Open().ok());
  WithRocksDb({"default", "log", "hard_state", "snapshot"},
              [](rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
                ASSERT_TRUE(db->Delete({}, "identity").ok());
                ASSERT_TRUE(db->Put({}, handles[2], "some", "data").ok());
              });
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(RocksDbOpenTest, AMissingParentIsNamed) {
  const absl::Status status =
      OpenRocksDbStore({.directory = directory_.path() + "/none/store", .identity = kTestIdentity})
          .status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("/none/store"), HasSubstr("its parent")));
}

TEST_F(RocksDbOpenTest, ASecondProcessIsRefused) {
  absl::StatusOr<std::unique_ptr<Store>> store = Open();
  ASSERT_TRUE(store.ok());
  // A process of its own, for locks of files are by process.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string directory = "--open=" + directory_path_;
    execl("/proc/self/exe", "rocksdb_open_test", "--gtest_also_run_disabled_tests",
          "--gtest_filter=*OpenFromAnotherProcess", directory.c_str(), nullptr);
    _exit(127);
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_TRUE(WIFEXITED(result));
  EXPECT_EQ(WEXITSTATUS(result), 0);
}

// The second process of the test above.
TEST(RocksDbSecondProcessTest, DISABLED_OpenFromAnotherProcess) {
  std::string directory;
  for (const std::string& argument : testing::internal::GetArgvs()) {
    if (argument.rfind("--open=", 0) == 0) directory = argument.substr(7);
  }
  ASSERT_FALSE(directory.empty());
  const absl::Status status =
      OpenRocksDbStore({.directory = directory, .identity = kTestIdentity}).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr(directory), HasSubstr("another process")));
}

// Apart from the whole of a write: what the disk alone takes of it.
TEST_F(RocksDbOpenTest, MeasuresTheSyncsThatWritesWaitFor) {
  SyncTimes times;
  const auto count = [&times] {
    const DurationHistogram histogram = times.Get();
    return std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t{0});
  };
  absl::StatusOr<std::unique_ptr<Store>> store = OpenRocksDbStore(
      {.directory = directory_path_, .identity = kTestIdentity, .sync_times = &times});
  ASSERT_TRUE(store.ok()) << store.status();
  const uint64_t before = count();
  ShardModel model(ShardId(1));
  for (uint64_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE((*store)->Write({model.Append(Term(1), {"a", "b"})}).ok());
    EXPECT_EQ(count(), before + n);
  }
  EXPECT_GT(times.Get().sum(), std::chrono::nanoseconds(0));
}

class SetAsideTest : public RocksDbOpenTest {
 protected:
  void CreateStore(uint64_t incarnation) {
    StoreIdentity identity = kTestIdentity;
    identity.incarnation = incarnation;
    absl::StatusOr<std::unique_ptr<Store>> store =
        OpenRocksDbStore({.directory = directory_path_, .identity = identity});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->identity().incarnation, incarnation);
  }
  uint64_t IncarnationIn(const std::string& directory) {
    absl::StatusOr<std::unique_ptr<Store>> store =
        OpenRocksDbStore({.directory = directory, .identity = kTestIdentity});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? (*store)->identity().incarnation : 0;
  }
};

TEST_F(SetAsideTest, MakesRoomForANewStoreAndKeepsAllThatWere) {
  for (const uint64_t incarnation : {1, 2, 3, 4}) {
    ASSERT_NO_FATAL_FAILURE(CreateStore(incarnation));
    EXPECT_EQ(CountSetAside(directory_path_), incarnation - 1);
    EXPECT_EQ(CountSetAside(directory_path_ + "/"), incarnation - 1);
    const absl::StatusOr<std::string> aside =
        SetAside(directory_path_ + (incarnation == 2 ? "/" : ""));
    ASSERT_TRUE(aside.ok()) << aside.status();
    EXPECT_FALSE(std::filesystem::exists(directory_path_));
  }
  EXPECT_EQ(IncarnationIn(directory_path_ + ".damaged"), 1u);
  EXPECT_EQ(IncarnationIn(directory_path_ + ".damaged.2"), 2u);
  EXPECT_EQ(IncarnationIn(directory_path_ + ".damaged.4"), 4u);
  // Each takes space, and so many are no accident.
  ASSERT_NO_FATAL_FAILURE(CreateStore(5));
  const absl::Status full = SetAside(directory_path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(full)) << full;
  EXPECT_THAT(full.ToString(), HasSubstr("move them away"));
  EXPECT_EQ(IncarnationIn(directory_path_), 5u);
  std::filesystem::remove_all(directory_path_ + ".damaged");
  EXPECT_EQ(CountSetAside(directory_path_), 3u) << "of those that are still there";
}

TEST_F(SetAsideTest, AStoreInUseStaysWhereItIs) {
  absl::StatusOr<std::unique_ptr<Store>> store = Open();
  ASSERT_TRUE(store.ok());
  const absl::Status status = SetAside(directory_path_).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  store->reset();
  EXPECT_EQ(IncarnationIn(directory_path_), kTestIdentity.incarnation);
}

TEST_F(SetAsideTest, WhatCanNotBeMovedIsNamed) {
  const absl::Status missing = SetAside(directory_.path() + "/none").status();
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
  // The new name would be too long for the file system.
  const std::string stuck = directory_.path() + "/" + std::string(250, 'd');
  ASSERT_TRUE(std::filesystem::create_directory(stuck));
  const absl::Status status = SetAside(stuck).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr(stuck), HasSubstr("move it away by hand")));
}

// What a process met while it ran is remembered by the next one.
TEST_F(SetAsideTest, AStoreThatIsMarkedAsDamagedIsRefusedUntilItIsSetAside) {
  for (const uint64_t incarnation : {1, 2}) {
    ASSERT_NO_FATAL_FAILURE(CreateStore(incarnation));
    {
      absl::StatusOr<std::unique_ptr<Store>> store = Open();
      ASSERT_TRUE(store.ok()) << store.status();
      ASSERT_TRUE(MarkDamaged(directory_path_, absl::DataLossError("another state")).ok());
      ASSERT_TRUE(MarkDamaged(directory_path_, absl::DataLossError("a strange state")).ok());
    }
    const absl::Status status = Open().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.ToString(), HasSubstr(directory_path_ + "/DAMAGED says which"));
    std::string why;
    std::ifstream mark(directory_path_ + "/DAMAGED");
    std::getline(mark, why);
    EXPECT_EQ(why, "DATA_LOSS: a strange state");
    ASSERT_TRUE(SetAside(directory_path_).ok());
  }
  const absl::Status status = MarkDamaged(directory_.path() + "/none", absl::DataLossError("x"));
  EXPECT_TRUE(absl::IsInternal(status)) << status;
}

// What an interrupted snapshot has left is removed at open.
TEST_F(RocksDbOpenTest, ChunksThatNoPointerNamesAreRemoved) {
  ShardModel model(ShardId(1));
  {
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->Write({model.Append(Term(1), {"a"})}).ok());
    ASSERT_TRUE((*store)->SaveSnapshot(ShardId(1), model.Save(Index(1), "state")).ok());
  }
  const auto chunks = [](rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family) {
    int count = 0;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, family));
    for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
    return count;
  };
  const std::vector<std::string> families = {"default", "log", "hard_state", "snapshot"};
  WithRocksDb(families, [&](rocksdb::DB* db, const auto& handles) {
    ASSERT_EQ(chunks(db, handles[3]), 2) << "pointer and one chunk";
    for (const uint64_t generation : {7, 9}) {
      ASSERT_TRUE(db->Put({}, handles[3], SnapshotKey(ShardId(1), generation, 0), "orphan").ok());
      ASSERT_TRUE(db->Put({}, handles[3], SnapshotKey(ShardId(5), generation, 3), "orphan").ok());
    }
  });
  {
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE(Holds(**store, model));
    EXPECT_TRUE(Holds(**store, ShardModel(ShardId(5))));
    ASSERT_TRUE((*store)->SaveSnapshot(ShardId(1), model.Save(Index(1), "next state")).ok());
    EXPECT_TRUE(Holds(**store, model));
  }
  WithRocksDb(families,
              [&](rocksdb::DB* db, const auto& handles) { EXPECT_EQ(chunks(db, handles[3]), 2); });
}

}  // namespace
}  // namespace quorumbook::storage
