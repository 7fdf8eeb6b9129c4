// Recorded markets for tests. They are not part of the project (docs/replay.md says where they are
// from): a test that needs one is skipped where it is absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace quorumbook::replay {

// A directory of its own below the system's temporary one, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const;

 private:
  std::filesystem::path path_;
};

// The file in the directory QUORUMBOOK_TEST_DATA, or else in data/recordings below the repository's
// root, where CTest runs tests, or in shared/data beside it; none when it is not there.
std::optional<std::string> FindRecording(const std::string& name);
// What to say when it is not there.
std::string MissingRecording(const std::string& name);

struct LobsterPaths {
  std::string messages;
  std::string orderbook;
};
// Extracts the two files of a LOBSTER archive.
LobsterPaths ExtractLobster(const std::string& archive, const TemporaryDirectory& directory);

}  // namespace quorumbook::replay
