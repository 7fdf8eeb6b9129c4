#include "common/small_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace quorumbook {
namespace {

TEST(SmallFile, IsReadWholeUpToTheBound) {
  const std::string path = ::testing::TempDir() + "/small_file";
  for (const size_t size : {size_t{0}, size_t{1}, kMaxSmallFileBytes}) {
    std::ofstream(path) << std::string(size, 'x');
    EXPECT_EQ(ReadSmallFile(path), std::string(size, 'x')) << size;
  }
  std::ofstream(path) << std::string(kMaxSmallFileBytes + 1, 'x');
  EXPECT_EQ(ReadSmallFile(path), std::nullopt);
  std::filesystem::remove(path);
  EXPECT_EQ(ReadSmallFile(path), std::nullopt) << "there is none";
  EXPECT_EQ(ReadSmallFile(::testing::TempDir()), std::nullopt) << "a directory";
}

}  // namespace
}  // namespace quorumbook
