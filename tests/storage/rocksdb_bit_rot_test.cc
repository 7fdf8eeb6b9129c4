// One flipped bit in every 4 KiB of every file of a store: the right answer, or an error that calls
// it damage. Never another answer, and never another error, for damage is what the daemon rebuilds
// the node after.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <cstdint>
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
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

namespace fs = std::filesystem;

using consensus::Index;
using consensus::Term;

constexpr uint64_t kBlockBytes = 4096;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a file is to RocksDB: "sst", "log" (write-ahead), "MANIFEST", or its name.
std::string KindOf(const fs::path& path) {
  const std::string name = path.filename();
  if (name.rfind("MANIFEST-", 0) == 0) return "MANIFEST";
  if (name.rfind("OPTIONS-", 0) == 0) return "OPTIONS";
  return path.has_extension() ? path.extension().string().substr(1) : name;
}

class RocksDbBitRotTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(WriteStore());
    for (const fs::directory_entry& entry : fs::directory_iterator(original_)) {
      files_[entry.path()] = ReadFile(entry.path());
    }
  }

  absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& directory) {
    return OpenRocksDbStore({.directory = directory, .identity = kTestIdentity, .env = env_.get()});
  }

  // Several blocks of log and snapshot in tables, and several in the write-ahead log.
  void WriteStore() {
    for (const uint64_t life : {1, 2}) {
      absl::StatusOr<std::unique_ptr<Store>> store = Open(original_);
      ASSERT_TRUE(store.ok()) << store.status();
      ASSERT_TRUE((*store)->SetFounders({NodeId(1), NodeId(7)}).ok());
      for (ShardModel& shard : shards_) {
        for (uint64_t i = 0; i < 10; ++i) {
          const std::string payload = PseudoRandomBytes(life * 100 + i, 3000 + 500 * i);
          ASSERT_TRUE((*store)->Write({shard.Append(Term(life), {payload, "small"})}).ok());
        }
        if (life == 2) continue;
        const std::string state = PseudoRandomBytes(shard.shard().value(), 150'000);
        ASSERT_TRUE((*store)->SaveSnapshot(shard.shard(), shard.Save(Index(6), state)).ok());
        ASSERT_TRUE((*store)->Write({shard.Compact(Index(4))}).ok());
        ASSERT_TRUE((*store)->Write({shard.Vote(Term(2), NodeId(1))}).ok());
      }
    }
  }

  // Opens a copy in which `damaged` has other bytes; the other files are the same ones by another
  // name, for nothing is written to those that are there already, but to the mark.
  absl::Status Examine(const fs::path& damaged, const std::string& bytes) {
    fs::remove_all(copy_);
    fs::create_directory(copy_);
    for (const auto& [path, original] : files_) {
      const fs::path to = fs::path(copy_) / path.filename();
      if (path == damaged || path.filename() == "quorumbook.synced") {
        std::ofstream(to, std::ios::binary) << (path == damaged ? bytes : original);
      } else {
        fs::create_hard_link(path, to);
      }
    }
    absl::StatusOr<std::unique_ptr<Store>> store = Open(copy_);
    if (!store.ok()) return store.status();
    if ((*store)->identity() != kTestIdentity || (*store)->founders().size() != 2) {
      return absl::InternalError("another identity or other founders");
    }
    for (const ShardModel& shard : shards_) {
      absl::StatusOr<consensus::RestoredState> found = (*store)->Load(shard.shard());
      if (!found.ok()) return found.status();
      const std::string difference = Difference(shard.state(), *found);
      if (!difference.empty()) return absl::InternalError(difference);
    }
    return absl::OkStatus();
  }

  TemporaryDirectory directory_;
  const std::string original_ = directory_.path() + "/original";
  const std::string copy_ = directory_.path() + "/copy";
  std::shared_ptr<FaultInjectionFileSystem> file_system_ =
      std::make_shared<FaultInjectionFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = NewTestEnv(file_system_);
  std::vector<ShardModel> shards_ = {ShardModel(ShardId(1)), ShardModel(ShardId(2))};
  std::map<fs::path, std::string> files_;
};

TEST_F(RocksDbBitRotTest, EveryBlockOfEveryFile) {
  ASSERT_TRUE(Examine("", "").ok());
  std::mt19937_64 random(7);
  std::map<std::string, int> flipped;
  std::map<std::string, int> found;
  for (const auto& [path, original] : files_) {
    const std::string kind = KindOf(path);
    for (uint64_t block = 0; block * kBlockBytes < original.size(); ++block) {
      const uint64_t begin = block * kBlockBytes;
      const uint64_t bytes = std::min<uint64_t>(kBlockBytes, original.size() - begin);
      const uint64_t bit = begin * 8 + random() % (bytes * 8);
      std::string rotten = original;
      rotten[bit / 8] ^= static_cast<char>(1 << bit % 8);
      const absl::Status status = Examine(path, rotten);
      EXPECT_TRUE(status.ok() || absl::IsDataLoss(status))
          << path.filename() << " bit " << bit << ": " << status;
      ++flipped[kind];
      found[kind] += status.ok() ? 0 : 1;
    }
  }
  for (const auto& [path, original] : files_) EXPECT_EQ(ReadFile(path), original) << path;
  // Tables: two snapshots of 37 blocks and logs of 10. What is dead, or redundant, may be damaged.
  EXPECT_GE(flipped["sst"], 90);
  EXPECT_GE(found["sst"], 80);
  EXPECT_GE(flipped["log"], 20);
  EXPECT_EQ(found["log"], flipped["log"]);
  EXPECT_EQ(found["MANIFEST"], flipped["MANIFEST"]);
  for (const char* kind : {"MANIFEST", "OPTIONS", "CURRENT", "IDENTITY"}) {
    EXPECT_GE(flipped[kind], 1) << kind;
  }
}

// All bits of what RocksDB reads first of a table: its version, checksum type and index position.
TEST_F(RocksDbBitRotTest, EveryBitOfAFooter) {
  constexpr uint64_t kFooterBytes = 53;
  const auto table = std::find_if(files_.begin(), files_.end(), [](const auto& file) {
    return KindOf(file.first) == "sst" && file.second.size() > 100'000;
  });
  ASSERT_NE(table, files_.end());
  const auto& [path, original] = *table;
  int found = 0;
  for (uint64_t bit = (original.size() - kFooterBytes) * 8; bit < original.size() * 8; ++bit) {
    std::string rotten = original;
    rotten[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const absl::Status status = Examine(path, rotten);
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << "bit " << bit << ": " << status;
    found += status.ok() ? 0 : 1;
  }
  EXPECT_GE(found, 100);  // the rest is padding
}

// All bits of the file that says which manifest is in force: it has no checksum.
TEST_F(RocksDbBitRotTest, EveryBitOfCurrent) {
  const fs::path path = fs::path(original_) / "CURRENT";
  ASSERT_GT(files_[path].size(), 10U);
  for (uint64_t bit = 0; bit < files_[path].size() * 8; ++bit) {
    std::string rotten = files_[path];
    rotten[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const absl::Status status = Examine(path, rotten);
    EXPECT_TRUE(absl::IsDataLoss(status)) << "bit " << bit << ": " << status;
  }
}

}  // namespace
}  // namespace quorumbook::storage
