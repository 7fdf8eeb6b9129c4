// The part of a replica that deals with snapshots: those that it takes, those that it is sent.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "server/replica/replica.h"

namespace quorumbook::server {

// Its own.

absl::StatusOr<consensus::Snapshot> SnapshotRecipe::Make(
    const std::function<bool()>& give_up) const {
  absl::StatusOr<std::string> bytes = state.MakeSnapshot(give_up);
  if (absl::IsCancelled(bytes.status())) return bytes.status();
  // Not kDataLoss: that would condemn the disk, from which the right state can be made again.
  if (!bytes.ok()) return absl::InternalError(bytes.status().message());
  return consensus::Snapshot{meta, configuration,
                             std::make_shared<const std::string>(*std::move(bytes))};
}

// Writes that waited for space have found some.
void Replica::NoticeSpace() {
  const bool was_full = std::exchange(disk_was_full_, host_.DiskFull());
  if (!was_full || disk_was_full_) return;
  next_snapshot_ = {};
  snapshot_retry_ = kSnapshotRetryMin;
}

void Replica::MaybeTakeSnapshot() {
  NoticeSpace();
  if (unsaved_snapshot_) return SaveSnapshotWhenDurable();
  if (snapshot_under_way_ || raft_.log_bytes() <= options_.snapshot_log_bytes) return;
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
    raft_.Compact(*std::exchange(unsaved_snapshot_, std::nullopt)->Make());
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

void Replica::OnSnapshotSaved(absl::StatusOr<consensus::Snapshot> saved) {
  snapshot_under_way_ = false;
  if (saved.ok()) {
    ++counters_.snapshots_taken;
    snapshot_retry_ = kSnapshotRetryMin;
    counters_.snapshot_bytes = saved->data->size();
    host_.Log(LogLevel::kInfo, absl::StrCat("snapshot of ", saved->data->size(), " bytes at index ",
                                            saved->meta.index.value()));
    std::shared_ptr<const void> spent = history_.Replace(saved->data);
    raft_.Compact(*std::move(saved));
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

// Before a received snapshot takes the place of the log on the disk: one that can not be read must
// not. What is to be written behind it waits.
void Replica::WriteHeld() {
  while (!held_writes_.empty()) {
    consensus::Persist& next = held_writes_.front();
    if (next.snapshot && !IsDecoded(*next.snapshot)) {
      return host_.DecodeSnapshot(next.snapshot->data);
    }
    host_.Write(std::move(next));
    held_writes_.pop_front();
  }
}

void Replica::OnSnapshotDecoded(absl::StatusOr<exchange::Exchange> decoded) {
  if (!decoded.ok()) {  // that is no damage of the own data
    return Stop(absl::FailedPreconditionError(
        absl::StrCat("the snapshot that the leader sent can not be used, and the own data was left "
                     "as it is: ",
                     decoded.status().message())));
  }
  decoded_snapshot_.emplace(held_writes_.front().snapshot->data, *std::move(decoded));
  WriteHeld();
}

bool Replica::IsDecoded(const consensus::Snapshot& snapshot) const {
  return decoded_snapshot_ && decoded_snapshot_->first == snapshot.data;
}

// One of the own store. False: the replica has stopped.
bool Replica::DecodeSnapshot(const consensus::Snapshot& snapshot) {
  absl::StatusOr<exchange::Exchange> decoded = exchange::Exchange::Restore(*snapshot.data);
  if (!decoded.ok()) {
    Stop(decoded.status());
    return false;
  }
  decoded_snapshot_.emplace(snapshot.data, *std::move(decoded));
  return true;
}

void Replica::RestoreStateMachine(const consensus::Snapshot& snapshot) {
  if (!IsDecoded(snapshot) && !DecodeSnapshot(snapshot)) return;
  const bool keep = Has(ReplicaMutant::kStateKeptOverRestore) && applied_ != consensus::Index();
  if (!keep) {
    exchange_ = std::move(decoded_snapshot_->second);
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
  decoded_snapshot_.reset();
  unsaved_snapshot_.reset();
  applied_ = snapshot.meta.index;
  ++counters_.snapshots_installed;
  for (const exchange::SymbolInfo& symbol : exchange_.Symbols()) host_.SymbolKnown(symbol);
  host_.Restored(exchange_);
  host_.Log(LogLevel::kInfo,
            absl::StrCat("state restored from the snapshot at index ", applied_.value()));
}

}  // namespace quorumbook::server
