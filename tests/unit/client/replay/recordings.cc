#include "tests/unit/client/replay/recordings.h"

#include <cstdlib>
#include <fstream>
#include <vector>

#include "common/check.h"

namespace quorumbook::replay {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "replay-XXXXXX").string();
  QB_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::Write(const std::string& name, const std::string& contents) const {
  const std::filesystem::path path = path_ / name;
  std::ofstream out(path, std::ios::binary);
  out << contents;
  out.close();
  QB_CHECK(out);
  return path.string();
}

std::optional<std::string> FindRecording(const std::string& name) {
  std::vector<std::filesystem::path> directories = {"data/recordings", "../shared/data"};
  if (const char* named = std::getenv("QUORUMBOOK_TEST_DATA"); named != nullptr) {
    directories = {named};
  }
  for (const std::filesystem::path& directory : directories) {
    if (std::filesystem::exists(directory / name)) return (directory / name).string();
  }
  return std::nullopt;
}

std::string MissingRecording(const std::string& name) {
  return name + " is not here; docs/replay.md (Recordings) says where to get it";
}

LobsterPaths ExtractLobster(const std::string& archive, const TemporaryDirectory& directory) {
  const std::string command =
      "python3 -m zipfile -e '" + archive + "' '" + directory.path().string() + "'";
  QB_CHECK(std::system(command.c_str()) == 0);
  LobsterPaths paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    const std::string path = entry.path().string();
    if (path.find("_message_") != std::string::npos) paths.messages = path;
    if (path.find("_orderbook_") != std::string::npos) paths.orderbook = path;
  }
  QB_CHECK(!paths.messages.empty() && !paths.orderbook.empty());
  return paths;
}

}  // namespace quorumbook::replay
