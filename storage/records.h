// Bytes of the stored records: keys, a common sealed header, and one body a kind. Shared by the
// stores, so that both keep and check the same bytes. Format: docs/formats/log.md.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "consensus/types.h"
#include "storage/store.h"

namespace quorumbook::storage {

// Version of the whole layout. A store of a later one is refused at open.
inline constexpr uint32_t kFormatVersion = 2;

// Largest piece of a snapshot in one record.
inline constexpr size_t kSnapshotChunkBytes = 1 << 20;

// Above every index and generation that is ever used: the exclusive end of a shard's range.
inline constexpr uint64_t kNoUpperBound = std::numeric_limits<uint64_t>::max();

// Keys are big-endian, so that their byte order is the order of the numbers.
std::string ShardKey(ShardId shard);
std::string LogKey(ShardId shard, uint64_t index);
std::string SnapshotKey(ShardId shard, uint64_t generation, uint32_t chunk);

struct ParsedLogKey {
  ShardId shard;
  uint64_t index = 0;
};
struct ParsedSnapshotKey {
  ShardId shard;
  uint64_t generation = 0;
  uint32_t chunk = 0;
};
// False: not a key of that family.
bool ParseLogKey(std::string_view key, ParsedLogKey* parsed);
bool ParseSnapshotKey(std::string_view key, ParsedSnapshotKey* parsed);

// Where a shard's log begins; kept under log index 0, which no entry has. Whatever lies below
// `first` is dead, even where its bytes have not been reclaimed yet.
struct LogStart {
  consensus::Index first{1};
};

// Which snapshot is current; kept under generation 0. Its data are the chunks of `generation`.
struct SnapshotPointer {
  uint64_t generation = 0;
  consensus::SnapshotMeta meta;
  consensus::Configuration configuration{};
  uint64_t total_bytes = 0;
  Digest data_digest;  // Digest128 of the whole data

  // A snapshot without data has no chunks.
  uint64_t chunks() const { return (total_bytes + kSnapshotChunkBytes - 1) / kSnapshotChunkBytes; }
};

// Each Encode seals the record to its key: a record found under another key does not decode.
std::string EncodeIdentity(std::string_view key, const StoreIdentity& identity);
std::string EncodeFounders(std::string_view key, const std::vector<NodeId>& founders);
std::string EncodeHardState(std::string_view key, const consensus::HardState& state);
std::string EncodeLogStart(std::string_view key, const LogStart& start);
std::string EncodeSnapshotPointer(std::string_view key, const SnapshotPointer& pointer);
std::string EncodeSnapshotChunk(std::string_view key, std::string_view data);
// Into a string that the caller reuses: the only one on the path of every order.
void EncodeEntry(std::string_view key, const consensus::Entry& entry, std::string* record);

// Each Decode takes bytes that nobody vouches for. Errors: kDataLoss, what is wrong with them.
// DecodeIdentity also: kFailedPrecondition for another format version than kFormatVersion.
absl::StatusOr<StoreIdentity> DecodeIdentity(std::string_view key, std::string_view record);
absl::StatusOr<std::vector<NodeId>> DecodeFounders(std::string_view key, std::string_view record);
absl::StatusOr<consensus::HardState> DecodeHardState(std::string_view key, std::string_view record);
absl::StatusOr<LogStart> DecodeLogStart(std::string_view key, std::string_view record);
absl::StatusOr<SnapshotPointer> DecodeSnapshotPointer(std::string_view key,
                                                      std::string_view record);
// A view into `record`.
absl::StatusOr<std::string_view> DecodeSnapshotChunk(std::string_view key, std::string_view record);
// The chain is read, not verified (storage/verify.h).
absl::StatusOr<consensus::Entry> DecodeEntry(consensus::Index index, std::string_view key,
                                             std::string_view record);

}  // namespace quorumbook::storage
