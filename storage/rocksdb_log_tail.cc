#include "storage/rocksdb_log_tail.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/bytes.h"

namespace quorumbook::storage {
namespace {

constexpr uint64_t kBlockBytes = 32768;
// masked CRC-32C u32, length u16, type u8; the checksum is over type and payload.
constexpr size_t kHeaderBytes = 7;

constexpr std::array<uint32_t, 256> MakeCrc32cTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kCrc32cTable = MakeCrc32cTable();

uint32_t ExtendCrc32c(uint32_t crc, char byte) {
  return kCrc32cTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ crc >> 8;
}

// RocksDB stores checksums rotated and offset (util/crc32c.h).
uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8;
  return rotated >> 17 | rotated << 15;
}

// Whether the checksum fits the type and some number of the payload bytes that are there.
bool ChecksumFitsAnyLength(uint32_t masked, std::string_view type_and_rest) {
  const uint32_t wanted = ~Unmask(masked);
  uint32_t crc = ~uint32_t{0};
  for (const char byte : type_and_rest) {
    crc = ExtendCrc32c(crc, byte);
    if (crc == wanted) return true;
  }
  return false;
}

// Offset of a record whose length is damaged, or npos.
size_t FindDamagedLength(std::string_view block) {
  size_t offset = 0;
  while (block.size() - offset >= kHeaderBytes) {
    const std::string_view rest = block.substr(offset);
    ByteReader reader(rest);
    const auto checksum = reader.Get<uint32_t>();
    const auto length = reader.Get<uint16_t>();
    if (kHeaderBytes + length > rest.size()) {
      return ChecksumFitsAnyLength(checksum, rest.substr(kHeaderBytes - 1))
                 ? offset
                 : std::string_view::npos;
    }
    offset += kHeaderBytes + length;
  }
  return std::string_view::npos;
}

absl::Status CheckFile(rocksdb::Env* env, const std::string& path) {
  uint64_t size = 0;
  rocksdb::Status status = env->GetFileSize(path, &size);
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  if (status.ok()) status = env->NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  const uint64_t begin = size / kBlockBytes * kBlockBytes;
  std::string buffer(size - begin, '\0');
  rocksdb::Slice block;
  // RocksDB reads nothing as an error.
  if (status.ok() && !buffer.empty())
    status = file->Read(begin, buffer.size(), &block, buffer.data());
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("cannot read ", path, ": ", status.ToString()));
  }
  const size_t damaged = FindDamagedLength({block.data(), block.size()});
  if (damaged == std::string_view::npos) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, " is damaged at byte ", begin + damaged,
                                          ": the length of a record is wrong"));
}

}  // namespace

absl::Status CheckLogTails(rocksdb::Env* env, const std::string& directory) {
  std::vector<std::string> names;
  if (rocksdb::Status status = env->GetChildren(directory, &names); !status.ok()) {
    return absl::InternalError(absl::StrCat("cannot list ", directory, ": ", status.ToString()));
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".log") && !absl::StartsWith(name, "MANIFEST-")) continue;
    absl::Status status = CheckFile(env, absl::StrCat(directory, "/", name));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace quorumbook::storage
