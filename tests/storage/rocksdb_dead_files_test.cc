// Files of dead snapshots are dropped whole; those of a snapshot that is being written are not
// dead, though nothing names them yet.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;

// A snapshot is installed while own ones are stored, each of which has a later generation and drops
// the files of what lies below it. It takes so many tables that some are below level 0 long before
// it is named: only those are ever dropped.
TEST(RocksDbDeadFilesTest, ASnapshotThatIsBeingWrittenIsNotDropped) {
  constexpr size_t kInstalledBytes = size_t{144} << 20;
  TemporaryDirectory directory;
  const RocksDbOptions options{.directory = directory.path() + "/store", .identity = kTestIdentity};
  absl::StatusOr<std::unique_ptr<Store>> store = OpenRocksDbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  ShardModel model(ShardId(1));
  ASSERT_TRUE((*store)->Write({model.Append(Term(1), {"a"})}).ok());
  ShardModel saver = model;
  const ShardWrite install = model.Install(Index(9), PseudoRandomBytes(1, kInstalledBytes));

  std::atomic<bool> done = false;
  absl::Status installed;
  std::thread thread([&] {
    installed = (*store)->Write({install});
    done = true;
  });
  int saved = 0;
  absl::Status status;
  for (; status.ok() && !done; ++saved) {
    status = (*store)->SaveSnapshot(ShardId(1), saver.Save(Index(1), std::to_string(saved)));
  }
  thread.join();
  ASSERT_TRUE(installed.ok()) << installed;
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_GT(saved, 10);
  EXPECT_TRUE(Holds(**store, model));
  store->reset();
  store = OpenRocksDbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(Holds(**store, model));
}

}  // namespace
}  // namespace quorumbook::storage
