// Files that are read whole: certificates, keys and the like.
#pragma once

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>

namespace quorumbook {

inline constexpr size_t kMaxSmallFileBytes = size_t{1} << 20;

// Nothing: it can not be read, or is larger than that.
inline std::optional<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxSmallFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (!in.eof()) return std::nullopt;
  return text;
}

}  // namespace quorumbook
