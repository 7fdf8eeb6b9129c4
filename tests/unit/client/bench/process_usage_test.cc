#include "client/bench/process_usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace quorumbook::bench {
namespace {

using testing::HasSubstr;

class ProcessUsageTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(proc_ / "7"); }
  void TearDown() override { std::filesystem::remove_all(proc_); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(proc_ / name) << text;
  }

  const std::filesystem::path proc_ =
      std::filesystem::path(testing::TempDir()) / ("proc_" + std::to_string(getpid()));
};

TEST_F(ProcessUsageTest, ReadsWhatTheKernelCounts) {
  // A name may look like fields.
  Write("7/stat", "7 (a) R 1 (b) S 1 7 7 0 -1 0 1 2 3 4 250 50 9 9 20 0 1 0 5 0 0\n");
  Write("7/status", "Name:\tx\nVmHWM:\t   99 kB\nVmRSS:\t   12 kB\n");
  Write("7/io", "rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n");
  auto usage = ReadProcessUsage(7, proc_);
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_DOUBLE_EQ(usage->cpu_seconds, 300.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(usage->resident_bytes, 12u * 1024);
  EXPECT_EQ(usage->written_bytes, 4'096u);

  std::filesystem::remove(proc_ / "7/io");
  EXPECT_EQ(ReadProcessUsage(7, proc_)->written_bytes, std::nullopt);
  EXPECT_EQ(ReadProcessUsage(8, proc_).status().code(), absl::StatusCode::kNotFound);
  Write("7/stat", "7 (a) R 1");
  EXPECT_EQ(ReadProcessUsage(7, proc_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProcessUsageTest, KnowsThisProcess) {
  auto usage = ReadProcessUsage(getpid());
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_GT(usage->resident_bytes, 0u);
}

TEST_F(ProcessUsageTest, ReadsADisk) {
  Write("diskstats",
        "   7  0 loop0 0 0 0 0\n"
        " 254  0 vda 1 2 3 4 5 6 70 8 9 10 11 12 13 14 15 16 17\n"
        " 254  1 vda1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  auto usage = ReadDiskUsage("vda", proc_);
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_EQ(usage->written_bytes, 70u * 512);
  EXPECT_EQ(usage->flushes, 16u);
  const absl::Status missing = ReadDiskUsage("sda", proc_).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("there are: vda, vda1"));
}

}  // namespace
}  // namespace quorumbook::bench
