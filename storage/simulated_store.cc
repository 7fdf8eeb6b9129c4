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

constexpr std::string_view kIdentityKey = "identity";
constexpr uint64_t kAllRecords = std::numeric_limits<uint64_t>::max();
// What a record takes beside payload and data: key, header and the fields of fixed size.
constexpr uint64_t kRecordOverheadBytes = 64;

uint64_t BytesOf(const std::vector<ShardWrite>& writes) {
  uint64_t bytes = 0;
  for (const ShardWrite& write : writes) {
    bytes += kRecordOverheadBytes * (1 + write.persist.entries.size());
    for (const Entry& entry : write.persist.entries) bytes += entry.payload->size();
    if (write.persist.snapshot) bytes += write.persist.snapshot->data->size();
  }
  return bytes;
}

uint64_t RecordsOf(const std::vector<ShardWrite>& writes) {
  uint64_t records = 0;
  for (const ShardWrite& write : writes) {
    const Persist& persist = write.persist;
    records += (persist.hard_state ? 1 : 0) + (persist.snapshot ? 1 : 0) +
               (persist.truncate_from ? 1 : 0) + persist.entries.size() +
               (persist.compact_through ? 1 : 0);
  }
  return records;
}

absl::Status NoSpace() {
  return absl::ResourceExhaustedError(
      "no space left on the simulated disk: nothing was written; writing goes on when there is "
      "space again");
}

// REQUIRES: `record` is not empty.
void Flip(std::string* record, uint64_t bit) {
  bit %= record->size() * 8;
  (*record)[bit / 8] ^= static_cast<char>(1 << bit % 8);
}

SnapshotPointer PointerTo(const Snapshot& snapshot) {
  return {.generation = 1,
          .meta = snapshot.meta,
          .configuration = snapshot.configuration,
          .total_bytes = snapshot.data->size(),
          .data_digest = Digest128(*snapshot.data)};
}

}  // namespace

class SimulatedStore : public Store {
 public:
  // REQUIRES: the caller holds the disk's mutex.
  explicit SimulatedStore(SimulatedDisk* disk) : disk_(disk), identity_(disk->identity_->value) {}
  ~SimulatedStore() override {
    std::lock_guard lock(disk_->mutex_);
    disk_->open_ = false;
  }

  const StoreIdentity& identity() const override { return identity_; }
  std::vector<NodeId> founders() override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->founders_;
  }
  absl::Status SetFounders(const std::vector<NodeId>& founders) override {
    std::lock_guard lock(disk_->mutex_);
    absl::Status status = CheckFounders(disk_->founders_, founders);
    if (status.ok() && disk_->founders_ == founders) return status;
    if (status.ok()) status = disk_->CheckWritable();
    if (status.ok()) status = disk_->TrySync();
    if (status.ok()) disk_->founders_ = founders;
    return status;
  }
  absl::StatusOr<RestoredState> Load(ShardId shard) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Read(shard);
  }
  absl::Status Write(const std::vector<ShardWrite>& writes) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Accept(writes, BytesOf(writes));
  }
  absl::Status SaveSnapshot(ShardId shard, const Snapshot& snapshot) override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->Accept(SimulatedDisk::SavedSnapshot{.shard = shard, .snapshot = snapshot},
                         kRecordOverheadBytes + snapshot.data->size());
  }
  absl::StatusOr<StoreUsage> Usage() override {
    std::lock_guard lock(disk_->mutex_);
    return StoreUsage{
        .disk_bytes = disk_->UsedBytes(),
        .free_bytes = disk_->full_ ? 0 : std::numeric_limits<uint64_t>::max(),
    };
  }

 private:
  SimulatedDisk* const disk_;
  const StoreIdentity identity_;
};

void SimulatedDisk::MarkDamaged() {
  std::lock_guard lock(mutex_);
  marked_damaged_ = mutant_ != Mutant::kDamageForgotten;
}

void SimulatedDisk::DeferSyncs(bool defer) {
  std::lock_guard lock(mutex_);
  defer_syncs_ = defer;
}

absl::Status SimulatedDisk::Sync(uint64_t writes) {
  std::lock_guard lock(mutex_);
  return SyncFirst(writes);
}

uint64_t SimulatedDisk::writes() {
  std::lock_guard lock(mutex_);
  return writes_;
}

uint64_t SimulatedDisk::synced_writes() {
  std::lock_guard lock(mutex_);
  return writes_ - unsynced_.size();
}

uint64_t SimulatedDisk::bytes_written() {
  std::lock_guard lock(mutex_);
  return bytes_written_;
}

void SimulatedDisk::LosePower(uint64_t whole, uint64_t torn) {
  std::lock_guard lock(mutex_);
  QB_CHECK(!open_);
  QB_CHECK(whole <= unsynced_.size());
  for (uint64_t i = 0; i < whole; ++i) ApplyOldest();
  not_synced_.clear();
  torn_.reset();
  if (!unsynced_.empty()) {
    if (auto* writes = std::get_if<std::vector<ShardWrite>>(&unsynced_.front())) {
      const uint64_t records = RecordsOf(*writes);
      if (records > 0) torn_ = {.writes = std::move(*writes), .records = torn % records};
    }
  }
  // What is lost counts no more, so that the numbers of later writes follow those that are there.
  writes_ -= unsynced_.size();
  unsynced_.clear();
}

void SimulatedDisk::SetFull(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

void SimulatedDisk::FailNextSync() {
  std::lock_guard lock(mutex_);
  fail_next_sync_ = true;
}

SimulatedDisk::Extent SimulatedDisk::extent(ShardId shard) {
  std::lock_guard lock(mutex_);
  const auto found = shards_.find(shard);
  if (found == shards_.end()) return {};
  const Shard& state = found->second;
  return {.hard_state = state.hard_state.has_value(),
          .log_start = state.log_start.has_value(),
          .snapshot = state.snapshot.has_value(),
          .first = state.first(),
          .end = state.entries.empty() ? state.first() : state.entries.rbegin()->first.Next()};
}

bool SimulatedDisk::FlipBit(const RecordPlace& place, uint64_t bit) {
  std::lock_guard lock(mutex_);
  std::string* record = Touch(place);
  if (record == nullptr) return false;
  if (place.kind == RecordPlace::Kind::kSnapshot) {
    Shard& shard = shards_[place.shard];
    const Snapshot& snapshot = shard.snapshot->value;
    bit %= (record->size() + snapshot.data->size()) * 8;
    if (bit >= record->size() * 8) {
      bit -= record->size() * 8;
      if (!shard.touched_data) shard.touched_data = *snapshot.data;
      record = &*shard.touched_data;
    }
  }
  Flip(record, bit);
  return true;
}

bool SimulatedDisk::Misdirect(const RecordPlace& from, const RecordPlace& to) {
  std::lock_guard lock(mutex_);
  std::string* source = Touch(from);
  std::string* target = Touch(to);
  if (source == nullptr || target == nullptr || source == target) return false;
  *target = std::exchange(*source, std::string(source->size(), '\0'));
  return true;
}

std::shared_ptr<const SimulatedDisk::Copy> SimulatedDisk::MakeCopy() {
  std::lock_guard lock(mutex_);
  auto copy = std::make_shared<Copy>();
  copy->shards_ = shards_;
  return copy;
}

void SimulatedDisk::PutBack(const Copy& copy) {
  std::lock_guard lock(mutex_);
  QB_CHECK(!open_);
  shards_ = copy.shards_;
  torn_.reset();
  not_synced_.clear();
  writes_ -= unsynced_.size();
  unsynced_.clear();
}

void SimulatedDisk::Plant(Mutant mutant) {
  std::lock_guard lock(mutex_);
  mutant_ = mutant;
}

std::string* SimulatedDisk::Touch(const RecordPlace& place) {
  const auto touch = [](auto* record, const auto& encode) {
    if (!record->touched) record->touched = encode(record->value);
    return &*record->touched;
  };
  if (place.kind == RecordPlace::Kind::kIdentity) {
    if (!identity_) return nullptr;
    return touch(&*identity_, [](const StoreIdentity& identity) {
      return EncodeIdentity(kIdentityKey, identity);
    });
  }
  const auto found = shards_.find(place.shard);
  if (found == shards_.end()) return nullptr;
  Shard& shard = found->second;
  switch (place.kind) {
    case RecordPlace::Kind::kHardState:
      if (!shard.hard_state) return nullptr;
      return touch(&*shard.hard_state, [&](const HardState& state) {
        return EncodeHardState(ShardKey(place.shard), state);
      });
    case RecordPlace::Kind::kLogStart:
      if (!shard.log_start) return nullptr;
      return touch(&*shard.log_start, [&](Index first) {
        return EncodeLogStart(LogKey(place.shard, 0), {.first = first});
      });
    case RecordPlace::Kind::kSnapshot:
      if (!shard.snapshot) return nullptr;
      return touch(&*shard.snapshot, [&](const Snapshot& snapshot) {
        return EncodeSnapshotPointer(SnapshotKey(place.shard, 0, 0), PointerTo(snapshot));
      });
    default:
      break;
  }
  const auto entry = shard.entries.find(place.index);
  if (entry == shard.entries.end()) return nullptr;
  return touch(&entry->second, [&](const Entry& value) {
    std::string record;
    EncodeEntry(LogKey(place.shard, place.index.value()), value, &record);
    return record;
  });
}

absl::Status SimulatedDisk::CheckWritable() {
  refused_ = full_;
  if (!final_error_.ok() || !full_) return final_error_;
  return NoSpace();
}

// A write that did not fit is cut off before anything is read again, which needs space as well.
absl::Status SimulatedDisk::CheckReadable() {
  if (!final_error_.ok() || !refused_) return final_error_;
  return CheckWritable();
}

absl::Status SimulatedDisk::TrySync() {
  if (std::exchange(fail_next_sync_, false)) {
    if (mutant_ == Mutant::kSyncErrorIgnored) {
      sync_error_ignored_ = true;
      return absl::OkStatus();
    }
    final_error_ = absl::InternalError(
        "a sync of the simulated disk failed; what is on it is unknown until it is opened again: "
        "stop the process");
  }
  return final_error_;
}

absl::Status SimulatedDisk::Accept(Change change, uint64_t bytes) {
  if (absl::Status status = CheckWritable(); !status.ok()) return status;
  if (auto* writes = std::get_if<std::vector<ShardWrite>>(&change)) AcceptApart(writes);
  unsynced_.push_back(std::move(change));
  ++writes_;
  bytes_written_ += bytes;
  return defer_syncs_ ? absl::OkStatus() : SyncFirst(writes_);
}

void SimulatedDisk::AcceptApart(std::vector<ShardWrite>* writes) {
  std::vector<ShardWrite> first;
  for (ShardWrite& write : *writes) {
    Persist& persist = write.persist;
    Persist apart;
    if (mutant_ == Mutant::kHardStateApart && persist.hard_state) {
      apart.hard_state = std::exchange(persist.hard_state, std::nullopt);
    } else if (mutant_ == Mutant::kSnapshotApartFromLog && persist.snapshot) {
      apart.truncate_from = Index(1);
      apart.compact_through = persist.snapshot->meta.index;
    } else {
      continue;
    }
    first.push_back({write.shard, std::move(apart)});
  }
  if (first.empty()) return;
  unsynced_.push_back(std::move(first));
  ++writes_;
}

absl::Status SimulatedDisk::SyncFirst(uint64_t writes) {
  QB_CHECK(writes <= writes_);
  if (absl::Status status = TrySync(); !status.ok()) return status;
  if (sync_error_ignored_) return absl::OkStatus();
  while (writes_ - unsynced_.size() < writes) ApplyOldest();
  return absl::OkStatus();
}

void SimulatedDisk::Recover() {
  if (torn_ && mutant_ == Mutant::kTornWriteKept) {
    uint64_t records = torn_->records;
    for (ShardWrite& write : torn_->writes) Apply(std::move(write), &records);
  }
  torn_.reset();
  // The process ended, not the machine: all that was written is still there.
  while (!unsynced_.empty()) ApplyOldest();
  for (SavedSnapshot& saved : std::exchange(not_synced_, {})) Put(std::move(saved));
}

void SimulatedDisk::ApplyOldest() {
  Change change = std::move(unsynced_.front());
  unsynced_.pop_front();
  if (auto* writes = std::get_if<std::vector<ShardWrite>>(&change)) {
    uint64_t records = kAllRecords;
    for (ShardWrite& write : *writes) Apply(std::move(write), &records);
    return;
  }
  auto& saved = std::get<SavedSnapshot>(change);
  if (mutant_ == Mutant::kSnapshotNotSynced) {
    not_synced_.push_back(std::move(saved));
  } else {
    Put(std::move(saved));
  }
}

void SimulatedDisk::Put(SavedSnapshot saved) {
  Shard& shard = shards_[saved.shard];
  if (shard.snapshot && shard.snapshot->value.meta.index > saved.snapshot.meta.index) return;
  PutSnapshot(&shard, std::move(saved.snapshot));
}

void SimulatedDisk::PutSnapshot(Shard* shard, Snapshot snapshot) {
  shard->snapshot = Record<Snapshot>{.value = std::move(snapshot), .touched = std::nullopt};
  shard->touched_data.reset();
}

void SimulatedDisk::StartLogAt(Shard* shard, Index first) {
  shard->log_start = Record<Index>{.value = first, .touched = std::nullopt};
  shard->entries.erase(shard->entries.begin(), shard->entries.lower_bound(first));
}

void SimulatedDisk::Apply(ShardWrite write, uint64_t* records) {
  const auto next = [records] { return *records > 0 && (*records)-- > 0; };
  Shard& shard = shards_[write.shard];
  Persist& persist = write.persist;
  if (persist.hard_state && next()) {
    shard.hard_state = Record<HardState>{.value = *persist.hard_state, .touched = std::nullopt};
  }
  if (persist.snapshot && next()) {
    shard.entries.clear();
    StartLogAt(&shard, persist.snapshot->meta.index.Next());
    PutSnapshot(&shard, *std::move(persist.snapshot));
  }
  if (persist.truncate_from && next()) {
    shard.entries.erase(shard.entries.lower_bound(*persist.truncate_from), shard.entries.end());
  }
  for (size_t i = 0; i < persist.entries.size() && next(); ++i) {
    Entry& entry = persist.entries[i];
    QB_CHECK(i == 0 || entry.index == persist.entries[i - 1].index.Next());
    const auto place = shard.entries.try_emplace(shard.entries.end(), entry.index);
    place->second = {.value = std::move(entry), .touched = std::nullopt};
  }
  if (persist.compact_through && *persist.compact_through >= shard.first() && next()) {
    StartLogAt(&shard, persist.compact_through->Next());
  }
}

absl::StatusOr<Snapshot> SimulatedDisk::ReadSnapshot(ShardId id, const Shard& shard) const {
  const auto& [stored, touched] = *shard.snapshot;
  if (!touched && !shard.touched_data) return stored;
  if (mutant_ == Mutant::kRottenSnapshotRead) {
    Snapshot rotten = stored;
    if (shard.touched_data) {
      rotten.data = std::make_shared<const std::string>(*shard.touched_data);
    }
    return rotten;
  }
  absl::StatusOr<SnapshotPointer> pointer =
      !touched ? PointerTo(stored) : DecodeSnapshotPointer(SnapshotKey(id, 0, 0), *touched);
  if (!pointer.ok()) return Damaged(id, absl::StrCat("snapshot: ", pointer.status().message()));
  const std::string& data = shard.touched_data ? *shard.touched_data : *stored.data;
  if (data.size() != pointer->total_bytes || Digest128(data) != pointer->data_digest) {
    return DamagedAt(id, pointer->meta.index,
                     "snapshot: its data do not have the stored length and digest");
  }
  return stored;
}

// The payload as if the bit that rotted were in it.
Entry SimulatedDisk::Rotten(const Record<Entry>& record) {
  Entry entry = record.value;
  if (entry.payload->empty()) return entry;
  auto payload = std::make_shared<std::string>(*entry.payload);
  Flip(payload.get(), record.touched->size());
  entry.payload = std::move(payload);
  return entry;
}

absl::StatusOr<RestoredState> SimulatedDisk::Read(ShardId id) {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  Shard& shard = shards_[id];
  RestoredState state;
  if (shard.hard_state) {
    const auto& [value, touched] = *shard.hard_state;
    absl::StatusOr<HardState> hard_state =
        !touched ? value : DecodeHardState(ShardKey(id), *touched);
    if (!hard_state.ok()) {
      return Damaged(id, absl::StrCat("hard state: ", hard_state.status().message()));
    }
    state.hard_state = *hard_state;
  }
  if (shard.snapshot) {
    absl::StatusOr<Snapshot> snapshot = ReadSnapshot(id, shard);
    if (!snapshot.ok()) return snapshot.status();
    state.snapshot = *std::move(snapshot);
  }
  if (shard.log_start && shard.log_start->touched) {
    absl::StatusOr<LogStart> start = DecodeLogStart(LogKey(id, 0), *shard.log_start->touched);
    if (!start.ok()) return Damaged(id, absl::StrCat("log start: ", start.status().message()));
  }
  bool unchecked = false;
  for (const auto& [index, record] : shard.entries) {
    if (record.touched && mutant_ == Mutant::kRottenEntryRead) {
      state.entries.push_back(Rotten(record));
      unchecked = true;
      continue;
    }
    if (record.touched) {
      absl::StatusOr<Entry> entry = DecodeEntry(index, LogKey(id, index.value()), *record.touched);
      if (!entry.ok()) return DamagedAt(id, index, entry.status().message());
    }
    state.entries.push_back(record.value);
  }
  if (unchecked) return state;
  if (absl::Status status = VerifyShard(id, shard.first(), state); !status.ok()) return status;
  if (LogEndsBeforeSnapshot(shard.first(), state)) {
    if (absl::Status status = CheckWritable(); !status.ok()) return status;
    shard.entries.clear();
    StartLogAt(&shard, state.snapshot->meta.index.Next());
    state.entries.clear();
  }
  return state;
}

uint64_t SimulatedDisk::UsedBytes() const {
  uint64_t bytes = 0;
  for (const auto& [id, shard] : shards_) {
    bytes += kRecordOverheadBytes * (2 + shard.entries.size());
    if (shard.snapshot) bytes += shard.snapshot->value.data->size();
    for (const auto& [index, record] : shard.entries) bytes += record.value.payload->size();
  }
  return bytes;
}

absl::Status SimulatedDisk::CheckIdentity(const StoreIdentity& wanted) {
  if (!identity_) {
    identity_ = Record<StoreIdentity>{.value = wanted, .touched = std::nullopt};
    return absl::OkStatus();
  }
  if (identity_->touched) {
    absl::StatusOr<StoreIdentity> found = DecodeIdentity(kIdentityKey, *identity_->touched);
    if (!found.ok()) {
      return absl::DataLossError(
          absl::StrCat("the simulated disk is damaged: identity: ", found.status().message(),
                       "; rebuild the node from its peers on an empty one"));
    }
  }
  if (IsSameNode(identity_->value, wanted)) return absl::OkStatus();
  return OtherIdentityError("the simulated disk", identity_->value, wanted);
}

absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                          const StoreIdentity& identity) {
  if (absl::Status status = CheckIdentityIsValid(identity); !status.ok()) return status;
  std::lock_guard lock(disk->mutex_);
  if (disk->open_) {
    return absl::AlreadyExistsError(
        "the simulated disk is in use by another store: close that one");
  }
  if (disk->marked_damaged_) {
    return absl::DataLossError(
        "an earlier process met damage while it ran: keep the disk for "
        "inspection and rebuild the node from its peers with another one");
  }
  if (disk->full_) return NoSpace();
  if (absl::Status status = disk->CheckIdentity(identity); !status.ok()) return status;
  disk->refused_ = false;
  disk->final_error_ = absl::OkStatus();
  disk->sync_error_ignored_ = false;
  disk->Recover();
  disk->open_ = true;
  return std::make_unique<SimulatedStore>(disk);
}

}  // namespace quorumbook::storage
