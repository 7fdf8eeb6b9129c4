// Snapshots on their way to a follower that is too far behind for the log (5, figure 5.3).
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::StartTransfer(Leader& leader, Progress& peer) {
  QB_CHECK(snapshot_.has_value());
  peer.BecomeSnapshot(*snapshot_);
  peer.transfer->resend_after = options_.heartbeat_interval;
  SendChunk(leader, peer);
}

void Raft::Core::SendChunk(Leader& leader, Progress& peer) {
  SnapshotTransfer& transfer = *peer.transfer;
  transfer.resend_at = now_ + transfer.resend_after;
  transfer.resend_after =
      std::min(transfer.resend_after * 2, options_.heartbeat_interval * (1 << kResendDoublings));
  const std::string& data = *transfer.snapshot.data;
  std::string chunk = data.substr(transfer.offset, options_.snapshot_chunk_bytes);
  const uint64_t checksum = Checksum64(chunk);
  Send(peer.id, InstallSnapshot{.meta = transfer.snapshot.meta,
                                .total_bytes = data.size(),
                                .offset = transfer.offset,
                                .checksum = checksum,
                                .data = std::move(chunk),
                                .round = ++leader.round});
}

void Raft::Core::OnInstallResponse(const Message& message) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  const auto& response = std::get<InstallSnapshotResponse>(message.body);
  Progress& peer = *leader->Find(message.from);
  peer.heard = now_;
  peer.round = std::max(peer.round, std::min(response.round, leader->round));
  ConfirmReads(*leader);
  if (response.installed) {
    // The snapshot covers what is committed, which is in this log or before it.
    OnAppendAccepted(*leader, peer, response.meta.index);
  }
  if (!peer.transfer || peer.transfer->snapshot.meta != response.meta) return;
  SnapshotTransfer& transfer = *peer.transfer;
  const uint64_t total = transfer.snapshot.data->size();
  if (response.installed) {
    // Compaction went past it meanwhile: from here on it needs a newer one.
    peer.BecomeProbe(peer.match.Next());
  } else if (response.next_offset != transfer.offset && response.next_offset < total) {
    // Lower than before: it was restarted and lost what it had.
    if (response.next_offset > transfer.offset) leader->progress_at = now_;
    transfer.offset = response.next_offset;
    transfer.resend_after = options_.heartbeat_interval;
    SendChunk(*leader, peer);
  }
}

void Raft::Core::OnInstallSnapshot(Message& message) {
  auto& chunk = std::get<InstallSnapshot>(message.body);
  Follower* follower = HearLeader(message.from, chunk.round);
  if (follower == nullptr) return;
  if (chunk.checksum != Checksum64(chunk.data) || chunk.offset > chunk.total_bytes ||
      chunk.data.size() > chunk.total_bytes - chunk.offset) {
    Report(Evidence::Kind::kCorruptSnapshot, message.from, chunk.meta.index);
    return;
  }
  const std::optional<SnapshotMeta> own = log_.Meta(chunk.meta.index);
  if (own && own->term == chunk.meta.term && own->chain != chunk.meta.chain) {
    Report(Evidence::Kind::kDivergedLog, own->index <= commit_ ? message.from : NodeId(),
           chunk.meta.index);
    return;
  }
  if (own && own->term != chunk.meta.term && own->index <= commit_) {
    Report(Evidence::Kind::kCommitRegressed, message.from, chunk.meta.index);
    return;
  }
  const uint64_t total_bytes = chunk.total_bytes;
  const SnapshotMeta meta = chunk.meta;
  if (own == meta || meta.index <= commit_) {
    // Figure 5.3, 6: the log has it all; the later entries stay.
    if (meta.index > commit_) CommitThrough(meta.index);
  } else if (StoreChunk(message.from, chunk)) {
    InstallReceived(*follower);
  } else {
    return;
  }
  follower->matched = std::max(follower->matched, meta.index);
  follower->install_reply = {.meta = meta, .total_bytes = total_bytes};
  AcknowledgeDurable();
}

// Adds what follows on what has arrived, and asks for more. True when all is here.
bool Raft::Core::StoreChunk(NodeId from, InstallSnapshot& chunk) {
  const bool same = incoming_ && incoming_->from == from && incoming_->meta == chunk.meta &&
                    incoming_->total_bytes == chunk.total_bytes;
  if (!same) {
    // A late chunk must not displace a newer snapshot of the same leader.
    if (incoming_ && incoming_->term == term_ && incoming_->meta.index > chunk.meta.index) {
      return false;
    }
    incoming_ = IncomingSnapshot{.from = from,
                                 .term = term_,
                                 .meta = chunk.meta,
                                 .total_bytes = chunk.total_bytes,
                                 .data = {}};
  }
  incoming_->term = term_;
  if (chunk.offset == incoming_->data.size()) incoming_->data += chunk.data;
  if (incoming_->data.size() == incoming_->total_bytes) return true;
  auto& follower = std::get<Follower>(role_);
  follower.round_answered = follower.round_seen;
  Send(from, InstallSnapshotResponse{.meta = chunk.meta,
                                     .next_offset = incoming_->data.size(),
                                     .round = follower.round_seen});
  return false;
}

void Raft::Core::InstallReceived(Follower& follower) {
  Snapshot snapshot{.meta = incoming_->meta,
                    .data = std::make_shared<const std::string>(std::move(incoming_->data))};
  incoming_.reset();
  follower.matched = snapshot.meta.index;
  restore_ = Restore{.sequence = writes_.next_sequence(), .snapshot = snapshot};
  writes_.Install(snapshot, commit_);
  log_.Reset(snapshot.meta);
  emitted_ = snapshot.meta.index;
  snapshot_ = std::move(snapshot);
  CommitThrough(emitted_);
}

// How far the log may be compacted without making a snapshot under way useless.
Index Raft::Core::TransferFloor(const Leader& leader) const {
  Index floor = log_.last();
  for (const Progress& peer : leader.peers) {
    if (peer.transfer && IsActive(peer)) {
      floor = std::min(floor, std::max(peer.transfer->snapshot.meta.index, log_.base().index));
    }
  }
  return std::max(floor,
                  log_.CutKeeping(log_.last(), kTransferKeepFactor * options_.keep_log_bytes));
}

}  // namespace quorumbook::consensus
