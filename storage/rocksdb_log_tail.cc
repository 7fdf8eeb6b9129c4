#include "storage/rocksdb_log_tail.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "storage/rocksdb_synced_mark.h"

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

enum class RecordType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

struct PhysicalRecord {
  RecordType type{};
  size_t bytes = 0;  // with its header

  bool begins() const { return type == RecordType::kFull || type == RecordType::kFirst; }
  bool ends() const { return type == RecordType::kFull || type == RecordType::kLast; }
};

// The record at the beginning of `rest`, which is that of its block; nothing: none that is sound.
std::optional<PhysicalRecord> ParseRecord(std::string_view rest) {
  ByteReader reader(rest);
  const auto checksum = reader.Get<uint32_t>();
  const auto length = reader.Get<uint16_t>();
  const auto type = reader.Get<RecordType>();
  const std::string_view payload = reader.GetBytes(length);
  if (!reader.ok() || type < RecordType::kFull || type > RecordType::kLast) return std::nullopt;
  uint32_t crc = ~uint32_t{0};
  for (const char byte : rest.substr(kHeaderBytes - 1, 1 + payload.size())) {
    crc = ExtendCrc32c(crc, byte);
  }
  if (~crc != Unmask(checksum)) return std::nullopt;
  return PhysicalRecord{.type = type, .bytes = kHeaderBytes + payload.size()};
}

// What a file holds.
class Scan {
 public:
  // The blocks of the file, one after the other. False: there is no need for more.
  bool Add(std::string_view block, uint64_t begin) {
    const bool last = block.size() < kBlockBytes;
    size_t offset = 0;
    while (block.size() - offset >= kHeaderBytes) {
      const std::string_view rest = block.substr(offset);
      const std::optional<PhysicalRecord> record = ParseRecord(rest);
      const bool follows = record && record->begins() != within_record_;
      if (!broken_ && !follows) Break(rest, begin + offset, last);
      if (broken_) {
        if (record && record->begins()) later_ = true;
        if (later_ || wrong_length_) return false;
        // What is torn may have lost the length by which the next one is found.
        offset += record ? record->bytes : 1;
        continue;
      }
      offset += record->bytes;
      within_record_ = !record->ends();
      if (!within_record_) whole_ = begin + offset;
    }
    if (!broken_ && last && offset < block.size()) broken_ = begin + offset;
    return true;
  }

  // All records up to here are whole.
  uint64_t whole() const { return whole_; }
  // Where the first is that is not sound, or ends beyond the file.
  std::optional<uint64_t> broken() const { return broken_; }
  // Whether that is certainly no torn tail.
  bool damaged() const { return later_ || wrong_length_; }

 private:
  void Break(std::string_view rest, uint64_t at, bool last) {
    broken_ = at;
    ByteReader reader(rest);
    const auto checksum = reader.Get<uint32_t>();
    const auto length = reader.Get<uint16_t>();
    wrong_length_ = last && kHeaderBytes + length > rest.size() &&
                    ChecksumFitsAnyLength(checksum, rest.substr(kHeaderBytes - 1));
  }

  uint64_t whole_ = 0;
  bool within_record_ = false;
  std::optional<uint64_t> broken_;
  bool later_ = false;
  bool wrong_length_ = false;
};

absl::Status CannotRead(const std::string& path, const rocksdb::Status& status) {
  return absl::InternalError(absl::StrCat("cannot read ", path, ": ", status.ToString()));
}

absl::StatusOr<Scan> ScanFile(rocksdb::Env* env, const std::string& path) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status = env->NewSequentialFile(path, &file, rocksdb::EnvOptions());
  Scan scan;
  std::string buffer(kBlockBytes, '\0');
  bool more = true;
  for (uint64_t begin = 0; status.ok() && more; begin += kBlockBytes) {
    rocksdb::Slice block;
    status = file->Read(kBlockBytes, &block, buffer.data());
    if (!status.ok()) break;
    more = scan.Add({block.data(), block.size()}, begin) && block.size() == kBlockBytes;
  }
  if (!status.ok()) return CannotRead(path, status);
  return scan;
}

absl::Status Cut(rocksdb::Env* env, const std::string& path, uint64_t bytes) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->ReopenWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(bytes);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  if (status.ok()) return absl::OkStatus();
  const std::string what =
      absl::StrCat("cannot cut the torn end off ", path, ": ", status.ToString());
  return status.IsNoSpace() ? absl::ResourceExhaustedError(what) : absl::InternalError(what);
}

absl::Status DamagedFile(const std::string& path, uint64_t at, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, " is damaged at byte ", at, ": ", what));
}

// `synced`: how much of it is known to have been synced. `last`: nothing was appended elsewhere
// since, so its last record may be torn.
absl::Status CutTornTail(rocksdb::Env* env, const std::string& path, uint64_t synced, bool last) {
  const absl::StatusOr<Scan> scan = ScanFile(env, path);
  if (!scan.ok()) return scan.status();
  const uint64_t at = scan->broken().value_or(scan->whole());
  if (scan->damaged()) return DamagedFile(path, at, "a record that was synced is not sound");
  if (scan->whole() < synced) {
    return DamagedFile(path, at, absl::StrCat(synced, " bytes of it had been synced"));
  }
  uint64_t size = 0;
  if (rocksdb::Status status = env->GetFileSize(path, &size); !status.ok()) {
    return CannotRead(path, status);
  }
  if (size == scan->whole()) return absl::OkStatus();
  if (!last) return DamagedFile(path, at, "it is not whole, and another was begun after it");
  return Cut(env, path, scan->whole());
}

absl::Status CutManifest(rocksdb::Env* env, const std::string& directory,
                         const SyncedFile& synced) {
  const std::string current = absl::StrCat(directory, "/CURRENT");
  std::string name;
  if (rocksdb::Status status = rocksdb::ReadFileToString(env, current, &name); !status.ok()) {
    return CannotRead(current, status);
  }
  name.resize(name.find_last_not_of('\n') + 1);
  const uint64_t number = ManifestNumber(name);
  const std::string path = absl::StrCat(directory, "/", name);
  // What CURRENT should name is for RocksDB to say.
  if (number == 0 || !env->FileExists(path).ok()) return absl::OkStatus();
  return CutTornTail(env, path, number == synced.number ? synced.bytes : 0, /*last=*/true);
}

}  // namespace

absl::Status CutTornTails(rocksdb::Env* env, const std::string& directory) {
  std::vector<rocksdb::Env::FileAttributes> files;
  if (rocksdb::Status status = env->GetChildrenFileAttributes(directory, &files); !status.ok()) {
    return absl::InternalError(absl::StrCat("cannot list ", directory, ": ", status.ToString()));
  }
  const absl::StatusOr<Synced> synced = SyncedMark::Read(env, directory);
  if (!synced.ok()) return synced.status();
  std::map<uint64_t, std::string, std::greater<>> logs;  // the newest first
  for (const rocksdb::Env::FileAttributes& file : files) {
    const uint64_t number = LogNumber(file.name);
    const bool empty = file.size_bytes == 0 && number != synced->log.number;
    if (number != 0 && !empty) logs[number] = file.name;
  }
  absl::Status status = CutManifest(env, directory, synced->manifest);
  bool last = true;
  for (const auto& [number, name] : logs) {
    if (!status.ok()) return status;
    status = CutTornTail(env, absl::StrCat(directory, "/", name),
                         number == synced->log.number ? synced->log.bytes : 0, last);
    last = false;
  }
  return status;
}

}  // namespace quorumbook::storage
