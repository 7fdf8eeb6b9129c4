#include "tests/unit/client/replay/recordings.h"

#include <cstdlib>
#include <fstream>

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
  const char* directory = std::getenv("QUORUMBOOK_TEST_DATA");
  const std::filesystem::path path =
      std::filesystem::path(directory != nullptr ? directory : "../shared/data") / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.string();
}

std::string MissingRecording(const std::string& name) {
  return name + " is not here; set QUORUMBOOK_TEST_DATA to the directory that has it";
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
