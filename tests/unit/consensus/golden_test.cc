// Runs testdata/*.txt: blocks of commands, "----", and the transcript they must produce, ended by
// an empty line. What is before the first command of a block and starts with # is a comment.
//
// QUORUMBOOK_REWRITE_GOLDEN=1 writes what happened into the files instead; read the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/consensus/scenario.h"

namespace quorumbook::consensus {
namespace {

const std::filesystem::path kDirectory = "tests/unit/consensus/testdata";

std::vector<std::string> GoldenFiles() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(kDirectory)) {
    names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The same file with the transcripts that the commands produce now.
std::string Replay(const std::string& text, size_t* commands_run) {
  Scenario scenario;
  std::istringstream lines(text);
  std::string result;
  std::string happened;
  for (std::string line; std::getline(lines, line);) {
    if (line == "----") {
      result += "----\n" + happened + "\n";
      happened.clear();
      while (std::getline(lines, line) && !line.empty()) continue;
      continue;
    }
    result += line + "\n";
    if (line.empty() || line.starts_with('#')) continue;
    happened += scenario.Run(line);
    ++*commands_run;
  }
  return result;
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, TranscriptIsTheSame) {
  const std::filesystem::path path = kDirectory / (GetParam() + ".txt");
  const std::string recorded = ReadFile(path);
  size_t commands = 0;
  const std::string replayed = Replay(recorded, &commands);
  EXPECT_GT(commands, 0u);
  EXPECT_EQ(replayed.find("not understood"), std::string::npos) << replayed;
  if (std::getenv("QUORUMBOOK_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << replayed;
    return;
  }
  EXPECT_EQ(replayed, recorded) << "again with: QUORUMBOOK_REWRITE_GOLDEN=1 consensus_test, and "
                                   "read the difference";
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, testing::ValuesIn(GoldenFiles()),
                         [](const auto& file) { return file.param; });

}  // namespace
}  // namespace quorumbook::consensus
