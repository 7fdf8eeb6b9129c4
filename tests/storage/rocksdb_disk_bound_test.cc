// A log that is written and compacted for ever takes a bounded part of the disk.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "storage/rocksdb_store.h"
#include "tests/storage/fault_injection_file_system.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;

constexpr uint64_t kMiB = 1 << 20;

// What is dead is dropped in the background, by threads that yield to all others: how far they lag
// is the machine's affair, that they catch up is the store's. The disk use as soon as it is below
// `bound`, else that after a time in which any machine has done it.
absl::StatusOr<uint64_t> DiskBytesBelow(uint64_t bound, Store* store) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (true) {
    const absl::StatusOr<StoreUsage> usage = store->Usage();
    if (!usage.ok()) return usage.status();
    if (usage->disk_bytes < bound || std::chrono::steady_clock::now() > give_up) {
      return usage->disk_bytes;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST(RocksDbDiskBoundTest, DiskUseStaysBoundedHoweverMuchIsWritten) {
  // Live at any time: 16 MiB of log and a snapshot of 4 MiB. Docs: docs/formats/log.md.
  constexpr uint64_t kBound = 256 * kMiB;
  constexpr uint64_t kWritten = 300 * kMiB;
  TemporaryDirectory directory;
  auto file_system = std::make_shared<FaultInjectionFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = NewTestEnv(file_system);
  const RocksDbOptions options{
      .directory = directory.path() + "/store", .identity = kTestIdentity, .env = env.get()};
  absl::StatusOr<std::unique_ptr<Store>> store = OpenRocksDbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();

  ShardModel model(ShardId(1));
  const std::vector<std::string> payloads = {PseudoRandomBytes(1, kMiB / 2),
                                             PseudoRandomBytes(2, kMiB / 2)};
  uint64_t most = 0;
  for (uint64_t written = 0; written < kWritten; written += kMiB) {
    ASSERT_TRUE((*store)->Write({model.Append(Term(1), payloads)}).ok());
    if (written % (8 * kMiB) != 0) continue;
    const Index snapshot = model.last();
    ASSERT_TRUE(
        (*store)
            ->SaveSnapshot(ShardId(1), model.Save(snapshot, PseudoRandomBytes(written, 4 * kMiB)))
            .ok());
    if (snapshot > Index(16)) {
      ASSERT_TRUE((*store)->Write({model.Compact(Index(snapshot.value() - 16))}).ok());
    }
    const absl::StatusOr<uint64_t> disk_bytes = DiskBytesBelow(kBound, store->get());
    ASSERT_TRUE(disk_bytes.ok()) << disk_bytes.status();
    most = std::max(most, *disk_bytes);
    ASSERT_LT(*disk_bytes, kBound) << "after " << written / kMiB << " MiB";
  }
  RecordProperty("most_disk_mib", static_cast<int>(most / kMiB));
  EXPECT_GT(most, 16 * kMiB);
  EXPECT_TRUE(Holds(**store, model));
  store->reset();
  store = OpenRocksDbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(Holds(**store, model));
}

}  // namespace
}  // namespace quorumbook::storage
