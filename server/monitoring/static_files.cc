#include "server/monitoring/static_files.h"

#include <array>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace quorumbook::server {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
}};

std::string TypeOf(const fs::path& path) {
  const std::string extension = path.extension().string();
  for (const auto& [suffix, type] : kTypes) {
    if (extension == suffix) return std::string(type);
  }
  return "application/octet-stream";
}

// Whether `inner`, links resolved, is below `outer`.
bool IsWithin(const fs::path& inner, const fs::path& outer) {
  const fs::path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

std::string InstalledWebRoot() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return "";
  return (program.parent_path().parent_path() / "share" / "quorumbook" / "web").string();
}

HttpResponse StaticFiles::NotBuilt() const {
  HttpResponse response;
  response.status = 404;
  response.content_type = "text/html; charset=utf-8";
  response.body =
      "<!doctype html><html lang=\"en\"><head><title>quorumbook</title></head><body>"
      "<h1>The dashboard is not installed</h1>"
      "<p>This node works; its pages were not built, or are elsewhere (http.web_root).</p>"
      "<p>Without them: <a href=\"/api/summary\">/api/summary</a>, "
      "<a href=\"/api/openapi.json\">/api/openapi.json</a>, <a href=\"/metrics\">/metrics</a>, "
      "<a href=\"/readyz?verbose\">/readyz?verbose</a>.</p></body></html>\n";
  return response;
}

StaticFiles::StaticFiles(const fs::path& root_path) {
  std::error_code error;
  const fs::path root = fs::canonical(root_path, error);
  uint64_t total = 0;
  for (fs::recursive_directory_iterator item(root, error), end; !error && item != end;
       item.increment(error)) {
    std::error_code unread;
    const fs::path file = fs::canonical(item->path(), unread);
    if (unread || !IsWithin(file, root) || !fs::is_regular_file(file, unread)) continue;
    const uint64_t size = fs::file_size(file, unread);
    if (unread || size > kMaxStaticBytes || total + size > kMaxAllStaticBytes) continue;
    total += size;
    HttpResponse response;
    response.content_type = TypeOf(file);
    response.body.resize(size);
    std::ifstream in(file, std::ios::binary);
    in.read(response.body.data(), static_cast<std::streamsize>(size));
    response.body.resize(static_cast<size_t>(in.gcount()));
    const std::string path = "/" + item->path().lexically_relative(root).generic_string();
    // The build names assets by their contents.
    const bool hashed = path.starts_with("/assets/");
    response.headers.emplace_back("Cache-Control",
                                  hashed ? "public, max-age=31536000, immutable" : "no-cache");
    files_.emplace(path, std::move(response));
  }
}

HttpResponse StaticFiles::Get(const HttpRequest& request) const {
  std::string decoded;
  const bool sane = PercentDecode(request.path, false, &decoded) && !decoded.starts_with("/api");
  const auto index = files_.find("/index.html");
  if (sane && index == files_.end()) return NotBuilt();
  const auto found = sane ? files_.find(decoded) : files_.end();
  if (found != files_.end()) return found->second;
  if (sane && !fs::path(decoded).has_extension()) return index->second;
  return Problem(404, "unknown_path", "there is nothing at " + request.path,
                 "/api/openapi.json lists what there is");
}

}  // namespace quorumbook::server
