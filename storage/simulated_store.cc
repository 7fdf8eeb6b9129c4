#include "storage/simulated_store.h"

#include <absl/strings/str_cat.h>

#include <limits>
#include <utility>

#include "common/check.h"
#include "storage/identity.h"
#include "storage/records.h"
#include "storage/verify.h"

namespace quorumbook::storage {

using consensus::Entry;
using consensus::HardState;
using consensus::Index;
using consensus::Persist;
using consensus::RestoredState;
using consensus::Snapshot;

namespace {

bool FlipBit(std::string* record, uint64_t bit) {
  if (record->empty()) return false;
  const uint64_t position = bit % (record->size() * 8);
  (*record)[position / 8] ^= static_cast<char>(1 << position % 8);
  return true;
}

absl::StatusOr<Snapshot> DecodeSnapshot(ShardId shard, std::string_view pointer_record,
                                        std::string_view data) {
  absl::StatusOr<SnapshotPointer> pointer =
      DecodeSnapshotPointer(SnapshotKey(shard, 0, 0), pointer_record);
  if (!pointer.ok()) {
    return Damaged(shard, absl::StrCat("snapshot: ", pointer.status().message()));
  }
  if (data.size() != pointer->total_bytes || Digest128(data) != pointer->data_digest) {
    return DamagedAt(shard, pointer->meta.index,
                     "snapshot: its data do not have the stored length and digest");
  }
  return Snapshot{.meta = pointer->meta,
                  .configuration = pointer->configuration, .data = std::make_shared<const std::string>(data)};
}

}  // namespace

class SimulatedStore : public Store {
 public:
  explicit SimulatedStore(SimulatedDisk* disk) : disk_(disk) {}
  ~SimulatedStore() override {
    std::lock_guard lock(disk_->mutex_);
    disk_->open_ = false;
  }

  absl::StatusOr<RestoredState> Load(ShardId shard) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Read(shard);
  }
  absl::Status Write(const std::vector<ShardWrite>& writes) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Accept(writes);
  }
  absl::Status SaveSnapshot(ShardId shard, const Snapshot& snapshot) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Accept(SimulatedDisk::SavedSnapshot{.shard = shard, .snapshot = snapshot});
  }
  absl::StatusOr<StoreUsage> Usage() override {
    std::lock_guard lock(disk_->mutex_);
    disk_->Settle();
    return StoreUsage{
        .disk_bytes = disk_->UsedBytes(),
        .free_bytes = disk_->full_ ? 0 : std::numeric_limits<uint64_t>::max(),
    };
  }

 private:
  SimulatedDisk* const disk_;
};

void SimulatedDisk::SetFull(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

void SimulatedDisk::FailNextWrite(bool landed) {
  std::lock_guard lock(mutex_);
  fail_next_write_ = landed;
}

bool SimulatedDisk::LoseLastWrite() {
  std::lock_guard lock(mutex_);
  return std::exchange(unsynced_, std::nullopt).has_value();
}

bool SimulatedDisk::FlipBitOfHardState(ShardId shard, uint64_t bit) {
  std::lock_guard lock(mutex_);
  Settle();
  return FlipBit(&shards_[shard].hard_state, bit);
}

bool SimulatedDisk::FlipBitOfSnapshot(ShardId shard, uint64_t bit) {
  std::lock_guard lock(mutex_);
  Settle();
  Shard& found = shards_[shard];
  const uint64_t pointer_bits = found.snapshot_pointer.size() * 8;
  if (pointer_bits == 0) return false;
  bit %= pointer_bits + found.snapshot_data.size() * 8;
  return bit < pointer_bits ? FlipBit(&found.snapshot_pointer, bit)
                            : FlipBit(&found.snapshot_data, bit - pointer_bits);
}

bool SimulatedDisk::FlipBitOfEntry(ShardId shard, Index index, uint64_t bit) {
  std::lock_guard lock(mutex_);
  Settle();
  Shard& found = shards_[shard];
  const auto entry = found.entries.find(index);
  return entry != found.entries.end() && FlipBit(&entry->second, bit);
}

absl::Status SimulatedDisk::Accept(Change change) {
  if (!final_error_.ok()) return final_error_;
  if (full_) {
    return absl::ResourceExhaustedError(
        "no space left on the simulated disk: nothing was written; writing goes on when there is "
        "space again");
  }
  Settle();
  const std::optional<bool> failing = std::exchange(fail_next_write_, std::nullopt);
  if (!failing || *failing) unsynced_ = std::move(change);
  if (!failing) return absl::OkStatus();
  Settle();
  final_error_ = absl::InternalError(
      "writing to the simulated disk failed; what is on it is unknown until it is opened again: "
      "stop the process");
  return final_error_;
}

void SimulatedDisk::Settle() {
  const std::optional<Change> change = std::exchange(unsynced_, std::nullopt);
  if (!change) return;
  if (const auto* writes = std::get_if<std::vector<ShardWrite>>(&*change)) {
    for (const ShardWrite& write : *writes) Apply(write);
    return;
  }
  const auto& saved = std::get<SavedSnapshot>(*change);
  Shard& shard = shards_[saved.shard];
  if (!shard.snapshot_pointer.empty()) {
    absl::StatusOr<SnapshotPointer> old =
        DecodeSnapshotPointer(SnapshotKey(saved.shard, 0, 0), shard.snapshot_pointer);
    if (old.ok() && old->meta.index > saved.snapshot.meta.index) return;
  }
  PutSnapshot(&shard, saved.shard, saved.snapshot);
}

void SimulatedDisk::PutSnapshot(Shard* shard, ShardId id, const Snapshot& snapshot) {
  const SnapshotPointer pointer{.generation = 1,
                                .meta = snapshot.meta,
                                .configuration = snapshot.configuration,
                                .total_bytes = snapshot.data->size(),
                                .data_digest = Digest128(*snapshot.data)};
  shard->snapshot_pointer = EncodeSnapshotPointer(SnapshotKey(id, 0, 0), pointer);
  shard->snapshot_data = *snapshot.data;
}

void SimulatedDisk::Apply(const ShardWrite& write) {
  Shard& shard = shards_[write.shard];
  const Persist& persist = write.persist;
  if (persist.hard_state) {
    shard.hard_state = EncodeHardState(ShardKey(write.shard), *persist.hard_state);
  }
  if (persist.snapshot) {
    PutSnapshot(&shard, write.shard, *persist.snapshot);
    shard.first = persist.snapshot->meta.index.Next();
    shard.entries.clear();
  }
  if (persist.truncate_from) {
    shard.entries.erase(shard.entries.lower_bound(*persist.truncate_from), shard.entries.end());
  }
  for (size_t i = 0; i < persist.entries.size(); ++i) {
    const Entry& entry = persist.entries[i];
    QB_CHECK(entry.index.value() == persist.entries[0].index.value() + i);
    EncodeEntry(LogKey(write.shard, entry.index.value()), entry, &shard.entries[entry.index]);
  }
  if (persist.compact_through && *persist.compact_through >= shard.first) {
    shard.first = persist.compact_through->Next();
    shard.entries.erase(shard.entries.begin(), shard.entries.lower_bound(shard.first));
  }
}

absl::StatusOr<RestoredState> SimulatedDisk::Read(ShardId id) {
  Settle();
  Shard& shard = shards_[id];
  RestoredState state;
  if (!shard.hard_state.empty()) {
    absl::StatusOr<HardState> hard_state = DecodeHardState(ShardKey(id), shard.hard_state);
    if (!hard_state.ok()) {
      return Damaged(id, absl::StrCat("hard state: ", hard_state.status().message()));
    }
    state.hard_state = *hard_state;
  }
  if (!shard.snapshot_pointer.empty()) {
    absl::StatusOr<Snapshot> snapshot =
        DecodeSnapshot(id, shard.snapshot_pointer, shard.snapshot_data);
    if (!snapshot.ok()) return snapshot.status();
    state.snapshot = *std::move(snapshot);
  }
  for (const auto& [index, record] : shard.entries) {
    absl::StatusOr<Entry> entry = DecodeEntry(index, LogKey(id, index.value()), record);
    if (!entry.ok()) return DamagedAt(id, index, entry.status().message());
    state.entries.push_back(*std::move(entry));
  }
  if (absl::Status status = VerifyShard(id, shard.first, state); !status.ok()) return status;
  if (LogEndsBeforeSnapshot(shard.first, state)) {
    shard.first = state.snapshot->meta.index.Next();
    shard.entries.clear();
    state.entries.clear();
  }
  return state;
}

uint64_t SimulatedDisk::UsedBytes() const {
  uint64_t bytes = 0;
  for (const auto& [id, shard] : shards_) {
    bytes += shard.hard_state.size() + shard.snapshot_pointer.size() + shard.snapshot_data.size();
    for (const auto& [index, record] : shard.entries) bytes += record.size();
  }
  return bytes;
}

absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                          const StoreIdentity& identity) {
  if (absl::Status status = CheckIdentityIsValid(identity); !status.ok()) return status;
  std::lock_guard lock(disk->mutex_);
  if (disk->open_) {
    return absl::AlreadyExistsError(
        "the simulated disk is in use by another store: close that one");
  }
  if (disk->identity_ && *disk->identity_ != identity) {
    return OtherIdentityError("the simulated disk", *disk->identity_, identity);
  }
  disk->identity_ = identity;
  disk->final_error_ = absl::OkStatus();
  disk->open_ = true;
  return std::make_unique<SimulatedStore>(disk);
}

}  // namespace quorumbook::storage
