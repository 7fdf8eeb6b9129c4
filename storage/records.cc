#include "storage/records.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <optional>
#include <utility>

#include "common/bytes.h"

namespace quorumbook::storage {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::HardState;
using consensus::Index;
using consensus::Term;

enum class Kind : uint8_t {
  kIdentity = 1,
  kHardState = 2,
  kLogStart = 3,
  kEntry = 4,
  kSnapshotPointer = 5,
  kSnapshotChunk = 6,
  kFounders = 7,
};

// checksum u64, version u8, kind u8, zero u16.
constexpr size_t kChecksumBytes = 8;
constexpr uint8_t kRecordVersion = 1;

uint64_t Seal(std::string_view key, std::string_view rest) {
  return Checksum64(rest, Checksum64(key));
}

// Writes the header with room for the checksum, which SealRecord fills in when the body is there.
void StartRecord(Kind kind, std::string* record) {
  record->clear();
  ByteWriter writer(record);
  writer.Put(uint64_t{0});
  writer.Put(kRecordVersion);
  writer.Put(kind);
  writer.Put(uint16_t{0});
}

void SealRecord(std::string_view key, std::string* record) {
  const uint64_t checksum = Seal(key, std::string_view(*record).substr(kChecksumBytes));
  std::memcpy(record->data(), &checksum, sizeof(checksum));
}

absl::StatusOr<std::string_view> OpenRecord(std::string_view key, Kind kind,
                                            std::string_view record) {
  ByteReader reader(record);
  const auto checksum = reader.Get<uint64_t>();
  const auto version = reader.Get<uint8_t>();
  const auto found = reader.Get<Kind>();
  const auto zero = reader.Get<uint16_t>();
  if (!reader.ok()) {
    return absl::DataLossError(
        absl::StrCat("record of ", record.size(), " bytes is shorter than its header"));
  }
  if (checksum != Seal(key, record.substr(kChecksumBytes))) {
    return absl::DataLossError("record does not match its checksum");
  }
  if (version != kRecordVersion || found != kind || zero != 0) {
    return absl::DataLossError(absl::StrCat("record has version ", version, " and kind ",
                                            static_cast<int>(found), "; expected version ",
                                            kRecordVersion, " and kind ", static_cast<int>(kind)));
  }
  return reader.GetBytes(reader.remaining());
}

absl::Status CheckWhole(const ByteReader& reader) {
  if (reader.ok() && reader.AtEnd()) return absl::OkStatus();
  return absl::DataLossError("record has the wrong length for its kind");
}

void PutBigEndian(uint64_t value, size_t bytes, std::string* key) {
  for (size_t i = bytes; i > 0; --i) key->push_back(static_cast<char>(value >> (8 * (i - 1))));
}

uint64_t GetBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

void PutDigest(const Digest& digest, ByteWriter* writer) {
  writer->Put(digest.high);
  writer->Put(digest.low);
}

Digest GetDigest(ByteReader* reader) {
  Digest digest;
  digest.high = reader->Get<uint64_t>();
  digest.low = reader->Get<uint64_t>();
  return digest;
}

}  // namespace

std::string ShardKey(ShardId shard) {
  std::string key;
  PutBigEndian(shard.value(), 8, &key);
  return key;
}

std::string LogKey(ShardId shard, uint64_t index) {
  std::string key = ShardKey(shard);
  PutBigEndian(index, 8, &key);
  return key;
}

std::string SnapshotKey(ShardId shard, uint64_t generation, uint32_t chunk) {
  std::string key = LogKey(shard, generation);
  PutBigEndian(chunk, 4, &key);
  return key;
}

bool ParseLogKey(std::string_view key, ParsedLogKey* parsed) {
  if (key.size() != 16) return false;
  *parsed = {.shard = ShardId(GetBigEndian(key.substr(0, 8))),
             .index = GetBigEndian(key.substr(8))};
  return true;
}

bool ParseSnapshotKey(std::string_view key, ParsedSnapshotKey* parsed) {
  if (key.size() != 20) return false;
  *parsed = {.shard = ShardId(GetBigEndian(key.substr(0, 8))),
             .generation = GetBigEndian(key.substr(8, 8)),
             .chunk = static_cast<uint32_t>(GetBigEndian(key.substr(16)))};
  return true;
}

std::string EncodeIdentity(std::string_view key, const StoreIdentity& identity) {
  std::string record;
  StartRecord(Kind::kIdentity, &record);
  ByteWriter writer(&record);
  writer.Put(kFormatVersion);
  writer.Put(identity.node_id.value());
  writer.Put(identity.incarnation);
  writer.PutSized(identity.cluster_id);
  SealRecord(key, &record);
  return record;
}

std::string EncodeFounders(std::string_view key, const std::vector<NodeId>& founders) {
  std::string record;
  StartRecord(Kind::kFounders, &record);
  ByteWriter writer(&record);
  for (const NodeId founder : founders) writer.Put(founder.value());
  SealRecord(key, &record);
  return record;
}

std::string EncodeHardState(std::string_view key, const HardState& state) {
  std::string record;
  StartRecord(Kind::kHardState, &record);
  ByteWriter writer(&record);
  writer.Put(state.term.value());
  writer.Put(state.vote.value());
  writer.Put(state.commit.value());
  SealRecord(key, &record);
  return record;
}

std::string EncodeLogStart(std::string_view key, const LogStart& start) {
  std::string record;
  StartRecord(Kind::kLogStart, &record);
  ByteWriter(&record).Put(start.first.value());
  SealRecord(key, &record);
  return record;
}

std::string EncodeSnapshotPointer(std::string_view key, const SnapshotPointer& pointer) {
  std::string record;
  StartRecord(Kind::kSnapshotPointer, &record);
  ByteWriter writer(&record);
  writer.Put(pointer.generation);
  writer.Put(pointer.meta.index.value());
  writer.Put(pointer.meta.term.value());
  PutDigest(pointer.meta.chain, &writer);
  writer.Put(pointer.total_bytes);
  PutDigest(pointer.data_digest, &writer);
  if (!pointer.configuration.empty()) {
    writer.PutBytes(consensus::EncodeConfiguration(pointer.configuration));
  }
  SealRecord(key, &record);
  return record;
}

std::string EncodeSnapshotChunk(std::string_view key, std::string_view data) {
  std::string record;
  StartRecord(Kind::kSnapshotChunk, &record);
  ByteWriter(&record).PutBytes(data);
  SealRecord(key, &record);
  return record;
}

void EncodeEntry(std::string_view key, const Entry& entry, std::string* record) {
  StartRecord(Kind::kEntry, record);
  ByteWriter writer(record);
  writer.Put(entry.term.value());
  PutDigest(entry.chain, &writer);
  writer.Put(entry.type);
  writer.PutBytes(entry.bytes());
  SealRecord(key, record);
}

absl::StatusOr<StoreIdentity> DecodeIdentity(std::string_view key, std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kIdentity, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  // First and of fixed width in every version, so that another one is told from damage.
  const auto version = reader.Get<uint32_t>();
  if (reader.ok() && version != 0 && version != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "format version ", version, " is ", version > kFormatVersion ? "newer" : "older",
        " than the version ", kFormatVersion, " that this program knows"));
  }
  StoreIdentity identity;
  identity.node_id = NodeId(reader.Get<uint64_t>());
  identity.incarnation = reader.Get<uint64_t>();
  identity.cluster_id = reader.GetSized();
  if (absl::Status status = CheckWhole(reader); !status.ok()) return status;
  if (version != kFormatVersion) {
    return absl::DataLossError(absl::StrCat("format version ", version, " never existed"));
  }
  return identity;
}

absl::StatusOr<std::vector<NodeId>> DecodeFounders(std::string_view key, std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kFounders, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  std::vector<NodeId> founders;
  while (reader.ok() && !reader.AtEnd()) founders.emplace_back(reader.Get<uint64_t>());
  if (absl::Status status = CheckWhole(reader); !status.ok()) return status;
  return founders;
}

absl::StatusOr<HardState> DecodeHardState(std::string_view key, std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kHardState, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  HardState state;
  state.term = Term(reader.Get<uint64_t>());
  state.vote = NodeId(reader.Get<uint64_t>());
  state.commit = Index(reader.Get<uint64_t>());
  if (absl::Status status = CheckWhole(reader); !status.ok()) return status;
  return state;
}

absl::StatusOr<LogStart> DecodeLogStart(std::string_view key, std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kLogStart, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  const LogStart start{.first = Index(reader.Get<uint64_t>())};
  if (absl::Status status = CheckWhole(reader); !status.ok()) return status;
  return start;
}

absl::StatusOr<SnapshotPointer> DecodeSnapshotPointer(std::string_view key,
                                                      std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kSnapshotPointer, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  SnapshotPointer pointer;
  pointer.generation = reader.Get<uint64_t>();
  pointer.meta.index = Index(reader.Get<uint64_t>());
  pointer.meta.term = Term(reader.Get<uint64_t>());
  pointer.meta.chain = GetDigest(&reader);
  pointer.total_bytes = reader.Get<uint64_t>();
  pointer.data_digest = GetDigest(&reader);
  if (!reader.ok()) return absl::DataLossError("record is too short for a snapshot pointer");
  if (reader.AtEnd()) return pointer;
  std::optional<consensus::Configuration> configuration =
      consensus::DecodeConfiguration(reader.GetBytes(reader.remaining()));
  if (!configuration) return absl::DataLossError("record ends with no valid configuration");
  pointer.configuration = *std::move(configuration);
  return pointer;
}

absl::StatusOr<std::string_view> DecodeSnapshotChunk(std::string_view key,
                                                     std::string_view record) {
  return OpenRecord(key, Kind::kSnapshotChunk, record);
}

absl::StatusOr<Entry> DecodeEntry(Index index, std::string_view key, std::string_view record) {
  absl::StatusOr<std::string_view> body = OpenRecord(key, Kind::kEntry, record);
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  Entry entry;
  entry.term = Term(reader.Get<uint64_t>());
  entry.index = index;
  entry.chain = GetDigest(&reader);
  entry.type = reader.Get<EntryType>();
  if (!reader.ok()) return absl::DataLossError("record is too short for a log entry");
  if (!consensus::IsKnown(entry.type)) {
    return absl::DataLossError(
        absl::StrCat("entry type ", static_cast<int>(entry.type), " is not known"));
  }
  entry.payload = std::make_shared<const std::string>(reader.GetBytes(reader.remaining()));
  return entry;
}

}  // namespace quorumbook::storage
