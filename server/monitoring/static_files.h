// The dashboard's files, from a directory.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "server/monitoring/http_message.h"

namespace quorumbook::server {

// A file larger than this, or that would make all of them larger, is not served.
inline constexpr uint64_t kMaxStaticBytes = uint64_t{16} << 20;
inline constexpr uint64_t kMaxAllStaticBytes = uint64_t{64} << 20;

// Where the dashboard is installed: share/quorumbook/web beside the directory of the program.
std::string InstalledWebRoot();

class StaticFiles {
 public:
  // Reads all files into memory, so that no request waits for a disk; what is outside of `root` is
  // not read. `root` need not exist: then a page says how to build the dashboard.
  explicit StaticFiles(const std::filesystem::path& root);

  // A path without a file is one of the dashboard's own pages: index.html, unless it has an
  // extension.
  HttpResponse Get(const HttpRequest& request) const;

 private:
  HttpResponse NotBuilt() const;

  std::map<std::string, HttpResponse> files_;  // by path, from the slash
};

}  // namespace quorumbook::server
