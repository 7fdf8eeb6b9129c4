#include "server/die.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "storage/rocksdb_store.h"

namespace quorumbook::server {
namespace {

// The death is that of another process, which runs the test from its beginning, in the same place.
class DieTest : public testing::Test {
 protected:
  DieTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~DieTest() override { std::filesystem::remove_all(directory_); }
  void SetUp() override { std::filesystem::create_directory(directory_); }

  // What comes of the store at the next start.
  absl::Status Open() const {
    return storage::OpenRocksDbStore(
               {.directory = directory_,
                .identity = {.cluster_id = "c", .node_id = NodeId(1), .incarnation = 1}})
        .status();
  }

  const std::string directory_ =
      std::string("die_test_") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(DieTest, AProcessThatMetDamageLeavesAStoreThatIsRefused) {
  EXPECT_EXIT(Die(directory_, absl::DataLossError("a wrong state")),
              testing::ExitedWithCode(EXIT_FAILURE), "");
  const absl::Status status = Open();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

// What a disk does not say may be whole.
TEST_F(DieTest, AProcessThatEndsForAnotherReasonLeavesItAsItIs) {
  EXPECT_EXIT(Die(directory_, absl::InternalError("the disk does not answer")),
              testing::ExitedWithCode(EXIT_FAILURE), "");
  EXPECT_TRUE(Open().ok());
}

}  // namespace
}  // namespace quorumbook::server
