// Interaction tests that document the market: testdata/*.txt.
//
// A file is a story in blocks: comments and steps (script.h), `----`, and the whole transcript,
// which ends at an empty line. QUORUMBOOK_REWRITE_GOLDEN=1 writes what happens into the files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "script.h"

namespace quorumbook::exchange {
namespace {

constexpr char kDirectory[] = "tests/unit/exchange/testdata";

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path().stem());
  }
  std::ranges::sort(files);
  return files;
}

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The same file with the transcripts that the steps really have.
std::string Replay(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::ostringstream out;
  std::string transcript;
  bool in_transcript = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      out << line << '\n' << transcript;
      transcript.clear();
      in_transcript = true;
    } else if (line.empty()) {
      out << '\n';
      in_transcript = false;
    } else if (!in_transcript) {
      out << line << '\n';
      if (!line.starts_with('#')) transcript += script.Run(line);
    }
  }
  EXPECT_TRUE(transcript.empty()) << "steps without ---- after them";
  return out.str();
}

TEST(Golden, TranscriptsAreAsRecorded) {
  const std::vector<std::string> files = Files();
  ASSERT_GE(files.size(), 24u) << "transcripts are missing from " << kDirectory;
  for (const std::string& name : files) {
    SCOPED_TRACE(name);
    const std::string path = std::string(kDirectory) + "/" + name + ".txt";
    const std::string recorded = ReadAll(path);
    const std::string replayed = Replay(recorded);
    if (std::getenv("QUORUMBOOK_REWRITE_GOLDEN") != nullptr) {
      std::ofstream(path) << replayed;
    } else {
      EXPECT_EQ(replayed, recorded);
    }
  }
}

}  // namespace
}  // namespace quorumbook::exchange
