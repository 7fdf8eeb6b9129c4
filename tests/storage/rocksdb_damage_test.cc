// One flipped bit in any stored file is an error or does no harm; never a different answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "storage/rocksdb_store.h"
#include "tests/storage/fault_injection_file_system.h"
#include "tests/storage/random_history.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

namespace fs = std::filesystem;

using consensus::Index;
using consensus::Term;
using testing::HasSubstr;

using Files = std::map<std::string, std::string>;

Files ReadFiles(const std::string& directory) {
  Files files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

void WriteFiles(const std::string& directory, const Files& files) {
  fs::remove_all(directory);
  fs::create_directory(directory);
  for (const auto& [name, bytes] : files) {
    std::ofstream(directory + "/" + name, std::ios::binary) << bytes;
  }
}

class RocksDbDamageTest : public testing::Test {
 protected:
  RocksDbDamageTest() : directory_path_(directory_.path() + "/store") {}

  absl::StatusOr<std::unique_ptr<Store>> Open() {
    return OpenRocksDbStore(
        {.directory = directory_path_, .identity = kTestIdentity, .env = env_.get()});
  }
  // A history of two shards, the last part of it in the write-ahead log, the rest in tables.
  void WriteHistory() {
    std::mt19937_64 random(5);
    for (const bool last : {false, true}) {
      absl::StatusOr<std::unique_ptr<Store>> store = Open();
      ASSERT_TRUE(store.ok()) << store.status();
      for (ShardModel& model : models_) {
        ASSERT_TRUE((*store)->Write({model.Append(Term(last ? 3 : 2), {"a", "b", "c", "d"})}).ok());
        if (!last) {
          ASSERT_TRUE((*store)->SaveSnapshot(model.shard(), model.Save(Index(2), "state")).ok());
          ASSERT_TRUE((*store)->Write({model.Compact(Index(1))}).ok());
        }
        ASSERT_TRUE((*store)->Write({model.Vote(Term(last ? 3 : 2), NodeId(1))}).ok());
        ASSERT_TRUE((*store)->Write({model.Append(Term(3), {PseudoRandomBytes(1, 300)})}).ok());
      }
    }
    files_ = ReadFiles(directory_path_);
  }
  enum class Outcome { kHarmless, kFound, kWrong };
  // What comes of these files.
  Outcome Examine(const Files& files) {
    WriteFiles(directory_path_, files);
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    if (!store.ok()) {
      return Outcome::kFound;
    }
    for (const ShardModel& model : models_) {
      absl::StatusOr<consensus::RestoredState> found = (*store)->Load(model.shard());
      if (!found.ok()) {
        return Outcome::kFound;
      }
      if (!Difference(model.state(), *found).empty()) return Outcome::kWrong;
    }
    return Outcome::kHarmless;
  }

  TemporaryDirectory directory_;
  const std::string directory_path_;
  std::shared_ptr<FaultInjectionFileSystem> file_system_ =
      std::make_shared<FaultInjectionFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = NewTestEnv(file_system_);
  std::vector<ShardModel> models_ = {ShardModel(ShardId(1)), ShardModel(ShardId(2))};
  Files files_;
};

TEST_F(RocksDbDamageTest, NoFlippedBitGivesAnotherAnswer) {
  ASSERT_NO_FATAL_FAILURE(WriteHistory());
  ASSERT_EQ(Examine(files_), Outcome::kHarmless);
  std::mt19937_64 random(6);
  std::map<std::string, int> found;
  for (const auto& [name, bytes] : files_) {
    // The text log, the options and the lock files are not read back.
    const std::string extension = fs::path(name).extension();
    const bool manifest = name.rfind("MANIFEST", 0) == 0;
    if (!manifest && name != "CURRENT" && extension != ".sst" && extension != ".log") continue;
    if (bytes.empty()) continue;
    for (int i = 0; i < 8; ++i) {
      const uint64_t bit = random() % (bytes.size() * 8);
      Files damaged = files_;
      damaged[name][bit / 8] ^= static_cast<char>(1 << bit % 8);
      const Outcome outcome = Examine(damaged);
      ASSERT_NE(outcome, Outcome::kWrong) << name << " bit " << bit;
      if (outcome == Outcome::kFound) ++found[manifest ? "manifest" : extension];
    }
  }
  EXPECT_GT(found["manifest"], 0);
  EXPECT_GT(found[".sst"], 0);
  EXPECT_GT(found[".log"], 0);
}

// The case that RocksDB's recovery takes for a torn tail (storage/rocksdb_log_tail.h).
TEST_F(RocksDbDamageTest, ADamagedLengthIsNotTakenForATornTail) {
  ASSERT_NO_FATAL_FAILURE(WriteHistory());
  int lengths = 0;
  for (const auto& [name, bytes] : files_) {
    if (fs::path(name).extension() != ".log" && name.rfind("MANIFEST", 0) != 0) continue;
    for (size_t offset = 0; offset + 7 <= bytes.size();) {
      const size_t length = static_cast<uint8_t>(bytes[offset + 4]) +
                            256 * static_cast<size_t>(static_cast<uint8_t>(bytes[offset + 5]));
      Files damaged = files_;
      damaged[name][offset + 5] ^= 0x40;
      ASSERT_EQ(Examine(damaged), Outcome::kFound) << name << " record at " << offset;
      ++lengths;
      offset += 7 + length;
    }
  }
  EXPECT_GT(lengths, 5);
}

// A write-ahead log whose last record is large, and how large the log was before that.
struct LogWithTail {
  Files files;
  std::string name;
  size_t before = 0;

  std::string& log() { return files[name]; }
};

class RocksDbTornTailTest : public RocksDbDamageTest {
 protected:
  static constexpr const char* kMark = "quorumbook.synced";

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(WriteHistory());
    history_ = models_;
  }

  // Appends to the history: one write after which the state is what Examine compares with, then
  // `bytes` in another write.
  void WriteTail(size_t bytes) {
    WriteFiles(directory_path_, files_);
    models_ = history_;
    Files before;
    {
      absl::StatusOr<std::unique_ptr<Store>> store = Open();
      ASSERT_TRUE(store.ok()) << store.status();
      ASSERT_TRUE((*store)->Write({models_[0].Append(Term(3), {"before"})}).ok());
      before = ReadFiles(directory_path_);
      ShardModel next = models_[0];
      ASSERT_TRUE((*store)->Write({next.Append(Term(3), {PseudoRandomBytes(2, bytes)})}).ok());
    }
    // Not before the store is closed: compaction changes other files meanwhile.
    tail_.files = ReadFiles(directory_path_);
    for (const auto& [name, content] : tail_.files) {
      if (fs::path(name).extension() == ".log" && content.size() > bytes) tail_.name = name;
    }
    ASSERT_FALSE(tail_.name.empty());
    tail_.before = before.at(tail_.name).size();
    mark_before_ = before.at(kMark);
    ASSERT_NE(mark_before_, tail_.files.at(kMark));
  }
  // What comes of it if the last write was not synced when the power failed; if it was.
  Outcome ExamineUnsynced(LogWithTail damaged) {
    damaged.files[kMark] = mark_before_;
    const Outcome outcome = Examine(damaged.files);
    damaged.files.erase(kMark);
    EXPECT_EQ(Examine(damaged.files), outcome) << "without a mark";
    return outcome;
  }
  Outcome ExamineSynced(const LogWithTail& damaged) { return Examine(damaged.files); }

  std::vector<ShardModel> history_;
  LogWithTail tail_;
  std::string mark_before_;
};

TEST_F(RocksDbTornTailTest, ATailThatIsCutShortIsDamageIfItHadBeenSynced) {
  ASSERT_NO_FATAL_FAILURE(WriteTail(700));
  for (size_t cut = 1; cut < 700; cut += 83) {
    LogWithTail torn = tail_;
    torn.log().resize(torn.log().size() - cut);
    EXPECT_EQ(ExamineUnsynced(torn), Outcome::kHarmless) << "cut by " << cut;
    EXPECT_EQ(ExamineSynced(torn), Outcome::kFound) << "cut by " << cut;
  }
}

// A disk that writes the sectors of the last write out of order leaves zeros, or what was in their
// place before.
TEST_F(RocksDbTornTailTest, ATailOfWrongContentsIsDamageIfItHadBeenSynced) {
  for (const size_t bytes : {700, 90'000}) {
    ASSERT_NO_FATAL_FAILURE(WriteTail(bytes));
    for (size_t at = tail_.before; at < tail_.log().size(); at += bytes / 9) {
      for (const bool zeros : {true, false}) {
        SCOPED_TRACE(testing::Message() << bytes << " bytes, zeros " << zeros << " at " << at);
        LogWithTail torn = tail_;
        const size_t length = std::min<size_t>(512, torn.log().size() - at);
        torn.log().replace(at, length,
                           zeros ? std::string(length, '\0') : PseudoRandomBytes(at, length));
        EXPECT_EQ(ExamineUnsynced(torn), Outcome::kHarmless);
        EXPECT_EQ(ExamineSynced(torn), Outcome::kFound);
      }
    }
    LogWithTail lost = tail_;
    lost.log().replace(lost.before, std::string::npos, lost.log().size() - lost.before, '\0');
    EXPECT_EQ(ExamineUnsynced(lost), Outcome::kHarmless);
    EXPECT_EQ(ExamineSynced(lost), Outcome::kFound);
  }
}

// RocksDB passes over zeros to the next block, whatever follows them.
TEST_F(RocksDbTornTailTest, WhatARecordFollowsHadBeenSynced) {
  for (const size_t bytes : {700, 90'000}) {
    ASSERT_NO_FATAL_FAILURE(WriteTail(bytes));
    for (const size_t at : {size_t{0}, tail_.before / 2, tail_.before - 9}) {
      for (const bool zeros : {true, false}) {
        SCOPED_TRACE(testing::Message() << bytes << " bytes, zeros " << zeros << " at " << at);
        LogWithTail damaged = tail_;
        damaged.log().replace(at, 9, zeros ? std::string(9, '\0') : PseudoRandomBytes(at, 9));
        EXPECT_EQ(ExamineUnsynced(damaged), Outcome::kFound);
      }
    }
  }
}

// Otherwise the next opening would find a whole log behind one that is not.
TEST_F(RocksDbTornTailTest, ATornTailIsCutOffForGood) {
  ASSERT_NO_FATAL_FAILURE(WriteTail(700));
  tail_.files[kMark] = mark_before_;
  tail_.log().replace(tail_.before, 100, 100, '\0');
  WriteFiles(directory_path_, tail_.files);
  file_system_->FailNextSync(rocksdb::IOStatus::NoSpace("of the cut"));
  EXPECT_TRUE(absl::IsResourceExhausted(Open().status())) << "it may be tried again";
  WriteFiles(directory_path_, tail_.files);
  file_system_->LosePowerAfter(2);  // the cut and its sync
  EXPECT_FALSE(Open().ok());
  file_system_->Restart();
  EXPECT_EQ(ReadFiles(directory_path_)[tail_.name].size(), tail_.before);
}

TEST_F(RocksDbDamageTest, AMissingFileIsAnError) {
  ASSERT_NO_FATAL_FAILURE(WriteHistory());
  int missing = 0;
  for (const auto& [name, bytes] : files_) {
    if (fs::path(name).extension() != ".sst" && name != "CURRENT" &&
        name.rfind("MANIFEST", 0) != 0) {
      continue;
    }
    Files damaged = files_;
    damaged.erase(name);
    EXPECT_EQ(Examine(damaged), Outcome::kFound) << name;
    ++missing;
  }
  EXPECT_GT(missing, 3);
}

// Nobody reads what is dead, but compaction does, and no write comes after it. A node that took it
// for an error of the disk would stop there at every start.
TEST_F(RocksDbDamageTest, DamageInWhatIsDeadIsDataLossForTheWritesThatItStops) {
  ShardModel& model = models_[0];
  {
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    for (uint64_t i = 1; i <= 20; ++i) {
      ASSERT_TRUE((*store)->Write({model.Append(Term(1), {PseudoRandomBytes(i, 20'000)})}).ok());
    }
  }
  {
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->SaveSnapshot(model.shard(), model.Save(Index(18), "state")).ok());
    ASSERT_TRUE((*store)->Write({model.Compact(Index(18))}).ok());
  }
  int damaged = 0;
  Files files = ReadFiles(directory_path_);
  for (auto& [name, bytes] : files) {
    if (fs::path(name).extension() != ".sst" || bytes.size() < 300'000) continue;
    bytes[100'000] ^= 1;
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  ASSERT_EQ(Examine(files), Outcome::kHarmless);

  WriteFiles(directory_path_, files);
  absl::StatusOr<std::unique_ptr<Store>> store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  absl::Status status;
  for (int writes = 0; status.ok() && writes < 1'000'000; ++writes) {
    status = (*store)->Write({model.Vote(Term(2), NodeId(1))});
  }
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("rebuild the node from its peers"));
  EXPECT_EQ((*store)->Write({model.Append(Term(2), {"x"})}), status) << "not final";
}

TEST_F(RocksDbDamageTest, TheErrorSaysWhatToDo) {
  ASSERT_NO_FATAL_FAILURE(WriteHistory());
  Files damaged = files_;
  damaged.erase("CURRENT");
  WriteFiles(directory_path_, damaged);
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(),
              testing::AllOf(HasSubstr(directory_path_), HasSubstr("CURRENT is missing"),
                             HasSubstr("rebuild the node from its peers")));
}

}  // namespace
}  // namespace quorumbook::storage
