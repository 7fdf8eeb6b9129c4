// The part of a replica that deals with snapshots: those that it takes, those that it is sent.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "exchange/snapshot.h"
#include "server/replica/replica.h"

namespace quorumbook::server {
namespace {

// By its first bytes (docs/formats/snapshot.md): what else is wrong with it is its maker's fault.
bool IsOfThisVersion(std::string_view snapshot) {
  uint32_t magic = 0;
  if (snapshot.size() < sizeof(magic)) return true;
  std::memcpy(&magic, snapshot.data(), sizeof(magic));
  return magic == exchange::kSnapshotMagic;
}

}  // namespace

// Its own.

absl::StatusOr<MadeSnapshot> SnapshotRecipe::Make(const std::function<bool()>& give_up) const {
  absl::StatusOr<exchange::StateHistory::Made> made = state.Make(give_up);
  if (absl::IsCancelled(made.status())) return made.status();
  // Not kDataLoss: that would condemn the disk, from which the right state can be made again.
  if (!made.ok()) return absl::InternalError(made.status().message());
  MadeSnapshot result;
  result.snapshot = {meta, configuration,
                     std::make_shared<const std::string>(std::move(made->snapshot))};
  for (const auto& [index, digest] : made->marked) {
    result.whole_states.emplace(consensus::Index(index), digest);
  }
  return result;
}

// Writes that waited for space have found some.
void Replica::NoticeSpace() {
  const bool was_full = std::exchange(disk_was_full_, host_.DiskFull());
  if (!was_full || disk_was_full_) return;
  next_snapshot_ = {};
  snapshot_retry_ = kSnapshotRetryMin;
  next_hand_over_ = {};
  hand_over_retry_ = kHandOverRetryMin;
}

// To make one costs as much as the state is large: so the larger it is, the more orders have to
// share that, and the more memory the log may take beside it.
uint64_t Replica::LogBytesOfNextSnapshot() const {
  const uint64_t least = options_.snapshot_log_bytes;
  return least + std::min(counters_.snapshot_bytes, least);
}

void Replica::MaybeTakeSnapshot() {
  NoticeSpace();
  if (unsaved_snapshot_) return SaveSnapshotWhenDurable();
  if (snapshot_under_way_ || raft_.log_bytes() <= LogBytesOfNextSnapshot()) return;
  if (host_.Now() < next_snapshot_) return;
  const std::optional<consensus::SnapshotMeta> meta =
      raft_.EntryMeta(Has(ReplicaMutant::kSnapshotOfLaterState) ? applied_.Previous() : applied_);
  if (!meta || meta->index <= raft_.status().snapshot.index) return;
  unsaved_snapshot_ = {*meta,
                       Has(ReplicaMutant::kSnapshotOfLatestMembers)
                           ? raft_.configuration()
                           : raft_.ConfigurationAt(meta->index),
                       history_.Cut(exchange_.RunningDigest())};
  if (Has(ReplicaMutant::kCompactedWithoutSnapshot)) {
    raft_.Compact(std::exchange(unsaved_snapshot_, std::nullopt)->Make()->snapshot);
    return;
  }
  SaveSnapshotWhenDurable();
}

// What is committed may be applied before the own disk has it; a snapshot that is ahead of the log
// beside it would look like damage after a crash.
void Replica::SaveSnapshotWhenDurable() {
  if (raft_.status().durable < unsaved_snapshot_->meta.index) return;
  snapshot_under_way_ = true;
  host_.SaveSnapshot(*std::exchange(unsaved_snapshot_, std::nullopt));
}

void Replica::OnSnapshotSaved(absl::StatusOr<MadeSnapshot> saved) {
  snapshot_under_way_ = false;
  if (saved.ok()) {
    ++counters_.snapshots_taken;
    snapshot_retry_ = kSnapshotRetryMin;
    consensus::Snapshot& snapshot = saved->snapshot;
    counters_.snapshot_bytes = snapshot.data->size();
    host_.Log(LogLevel::kInfo, absl::StrCat("snapshot of ", snapshot.data->size(),
                                            " bytes at index ", snapshot.meta.index.value()));
    // Before the log that tells what they are of is dropped.
    for (const auto& [index, digest] : saved->whole_states) {
      raft_.OnWholeState(index, digest, host_.Now());
    }
    std::shared_ptr<const void> spent = history_.Replace(snapshot.data);
    raft_.Compact(std::move(snapshot));
    host_.Discard(std::move(spent));  // once the log has let go of the same entries
    ProcessOutput();
  } else if (absl::IsResourceExhausted(saved.status())) {
    ++counters_.snapshots_failed;
    host_.Log(LogLevel::kError,
              absl::StrCat("no space for a snapshot: ", saved.status().message()));
    next_snapshot_ = host_.Now() + snapshot_retry_;
    snapshot_retry_ = std::min<consensus::Duration>(2 * snapshot_retry_, kSnapshotRetryMax);
  } else {
    Stop(saved.status());
  }
}

// Those that are sent, and what a start finds.

// Before it takes the place of anything: one that can not be read must not. One at a time; of what
// comes meanwhile the last is wanted.
void Replica::ReadReceived(std::shared_ptr<const std::string> bytes) {
  if (reading_ != nullptr) {
    to_read_ = std::move(bytes);
    return;
  }
  reading_ = std::move(bytes);
  host_.DecodeSnapshot(reading_);
}

void Replica::OnSnapshotDecoded(absl::StatusOr<exchange::Exchange> decoded) {
  const std::shared_ptr<const std::string> bytes = std::exchange(reading_, nullptr);
  if (to_read_ != nullptr) ReadReceived(std::exchange(to_read_, nullptr));
  if (!decoded.ok() && !IsOfThisVersion(*bytes)) {  // that is no damage of the own data
    return Stop(absl::FailedPreconditionError(
        absl::StrCat("the snapshot that the leader sent can not be used, and the own data was left "
                     "as it is: ",
                     decoded.status().message())));
  }
  if (!decoded.ok()) {
    host_.Log(LogLevel::kError, absl::StrCat("the snapshot that the leader sent is none: ",
                                             decoded.status().message()));
  }
  const bool readable = decoded.ok();
  // First, as it may be installed at once.
  if (readable) decoded_snapshots_.emplace(bytes, *std::move(decoded));
  raft_.OnSnapshotRead(bytes, readable, host_.Now());
  ProcessOutput();
}

// Those that do not come back: the log went past them, or others displaced them.
void Replica::DropDecoded() {
  for (auto it = decoded_snapshots_.begin(); it != decoded_snapshots_.end();) {
    if (raft_.Awaits(it->first)) {
      ++it;
      continue;
    }
    host_.Discard(std::make_shared<const exchange::Exchange>(std::move(it->second)));
    it = decoded_snapshots_.erase(it);
  }
}

// One of the own store. False: the replica has stopped.
bool Replica::DecodeSnapshot(const consensus::Snapshot& snapshot) {
  absl::StatusOr<exchange::Exchange> decoded = exchange::Exchange::Restore(*snapshot.data);
  if (!decoded.ok()) {
    Stop(decoded.status());
    return false;
  }
  decoded_snapshots_.emplace(snapshot.data, *std::move(decoded));
  return true;
}

void Replica::RestoreStateMachine(const consensus::Snapshot& snapshot) {
  const bool received = decoded_snapshots_.contains(snapshot.data);
  if (!received && !DecodeSnapshot(snapshot)) return;
  const bool keep = Has(ReplicaMutant::kStateKeptOverRestore) && applied_ != consensus::Index();
  if (!keep) {
    exchange_ = std::move(decoded_snapshots_.at(snapshot.data));
    history_.Restart(snapshot.data);
  }
  if (Has(ReplicaMutant::kSessionsLostInSnapshot)) {
    exchange::Batch batch{.time = exchange_.time(), .groups = {}};
    for (uint64_t id = 1; id < 100; ++id) {
      batch.groups.emplace_back(exchange::CloseSession{exchange::SessionId(id)});
    }
    exchange_.Apply(batch, &apply_result_);
    history_.Add(std::make_shared<const std::string>(exchange::EncodeBatch(batch)));
  }
  decoded_snapshots_.erase(snapshot.data);
  unsaved_snapshot_.reset();
  applied_ = snapshot.meta.index;
  counters_.snapshots_installed += received ? 1 : 0;
  counters_.snapshot_bytes = snapshot.data->size();
  for (const exchange::SymbolInfo& symbol : exchange_.Symbols()) host_.SymbolKnown(symbol);
  host_.Restored(exchange_);
  host_.Log(LogLevel::kInfo,
            absl::StrCat("state restored from the snapshot at index ", applied_.value()));
}

}  // namespace quorumbook::server
