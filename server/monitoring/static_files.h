// The dashboard's files, from a directory.
#pragma once

#include <filesystem>
#include <string>

#include "server/monitoring/http_message.h"

namespace quorumbook::server {

// A file larger than this is not served.
inline constexpr uint64_t kMaxStaticBytes = uint64_t{16} << 20;

// Where the dashboard is installed: share/quorumbook/web beside the directory of the program.
std::string InstalledWebRoot();

class StaticFiles {
 public:
  // `root` need not exist: then a page says how to build the dashboard.
  explicit StaticFiles(std::filesystem::path root) : root_(std::move(root)) {}

  // A path without a file is one of the dashboard's own pages: index.html, unless it has an
  // extension. Nothing outside of `root` is ever read.
  HttpResponse Get(const HttpRequest& request) const;

 private:
  HttpResponse NotBuilt() const;

  const std::filesystem::path root_;
};

}  // namespace quorumbook::server
