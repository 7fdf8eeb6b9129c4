// Sending a snapshot to a follower that is too far behind for the log (5, figure 5.3).
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::StartTransfer(Progress& peer) {
  QB_CHECK(snapshot_.has_value());
  peer.BecomeSnapshot(*snapshot_);
  peer.catching_up_to = Index();
  peer.transfer->digest = Digest128(*snapshot_->data);
  peer.transfer->StartOver(options_.heartbeat_interval);
}

bool Raft::Core::WantsChunk(const Progress& peer) const {
  const SnapshotTransfer& transfer = *peer.transfer;
  if (!transfer.asked) return true;
  return transfer.answered && transfer.sent < transfer.snapshot.data->size() &&
         transfer.sent - transfer.acknowledged < options_.snapshot_window_bytes;
}

// Who waits longest is next: the rate is for all together.
void Raft::Core::SendChunks(Leader& leader) {
  while (now_ >= leader.chunk_at) {
    Progress* next = nullptr;
    for (Progress& peer : leader.peers) {
      if (!peer.transfer || !WantsChunk(peer)) continue;
      if (next == nullptr || peer.transfer->sent_at < next->transfer->sent_at) next = &peer;
    }
    if (next == nullptr) return;
    SendChunk(leader, *next);
  }
}

void Raft::Core::SendChunk(Leader& leader, Progress& peer) {
  SnapshotTransfer& transfer = *peer.transfer;
  const std::string& data = *transfer.snapshot.data;
  std::string chunk = data.substr(transfer.sent, options_.snapshot_chunk_bytes);
  const uint64_t checksum = Checksum64(chunk);
  const uint64_t offset = transfer.sent;
  transfer.sent += chunk.size();
  transfer.asked = true;
  transfer.sent_at = now_;
  transfer.resend_at = now_ + transfer.resend_after;
  if (options_.snapshot_bytes_per_second > 0) {
    const uint64_t nanoseconds = chunk.size() * std::nano::den / options_.snapshot_bytes_per_second;
    leader.chunk_at = now_ + Duration(static_cast<int64_t>(nanoseconds));
  }
  Send(peer.id, InstallSnapshot{.meta = transfer.snapshot.meta,
                                .configuration = transfer.snapshot.configuration,
                                .data_digest = transfer.digest,
                                .total_bytes = data.size(),
                                .offset = offset,
                                .checksum = checksum,
                                .data = std::move(chunk),
                                .round = ++leader.round});
}

// Without an answer for a while it is asked again where to go on.
void Raft::Core::RetryTransfers(Leader& leader) {
  for (Progress& peer : leader.peers) {
    if (!peer.transfer) continue;
    SnapshotTransfer& transfer = *peer.transfer;
    if (transfer.asked && now_ >= transfer.resend_at) {
      const Duration longest = options_.heartbeat_interval * (1 << kResendDoublings);
      transfer.StartOver(std::min(transfer.resend_after * 2, longest));
    }
  }
}

void Raft::Core::OnInstallResponse(const Message& message) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  const auto& response = std::get<InstallSnapshotResponse>(message.body);
  Progress* found = leader->Find(message.from);
  if (found == nullptr) return;
  Progress& peer = *found;
  peer.heard = now_;
  peer.round = std::max(peer.round, std::min(response.round, leader->round));
  RoundAnswered(*leader);
  const bool current = peer.transfer && peer.transfer->snapshot.meta == response.meta;
  if (response.installed) {
    if (response.round < peer.heard_from_round) return;
    if (current) peer.catching_up_to = log_.last();
    // The snapshot covers what is committed, which is in this log or before it.
    OnAppendAccepted(*leader, peer, response.meta.index, response.meta.chain);
    // Compaction went past it meanwhile: from here on it needs a newer one.
    if (current && peer.transfer) peer.BecomeProbe(peer.match.Next());
    return;
  }
  if (!current || response.next_offset > peer.transfer->snapshot.data->size()) return;
  SnapshotTransfer& transfer = *peer.transfer;
  const uint64_t before = std::exchange(transfer.acknowledged, response.next_offset);
  // Lower than before: it was restarted and lost what it had. The first answer says where to go on.
  const bool restarted = transfer.acknowledged < before;
  if (restarted || !transfer.answered) transfer.sent = transfer.acknowledged;
  transfer.sent = std::max(transfer.sent, transfer.acknowledged);
  if (transfer.acknowledged > before || !transfer.answered) {
    transfer.resend_after = options_.heartbeat_interval;
    transfer.resend_at = now_ + transfer.resend_after;
  }
  transfer.answered = true;
  // It has it all, and reads and writes it: that may take as long as the transfer.
  const bool whole = transfer.acknowledged == transfer.snapshot.data->size();
  if (transfer.acknowledged > before || whole) {
    peer.rose_at = now_;
    if (CatchesUp(*leader)) leader->progress_at = now_;
  }
}

// How far the log may be compacted without making useless a snapshot that is on its way, or was
// just installed, as long as the entries after it fit into transfer_log_bytes.
Index Raft::Core::TransferFloor(const Leader& leader) const {
  Index floor = log_.last();
  for (const Progress& peer : leader.peers) {
    if (!IsActive(peer)) continue;
    if (peer.transfer) floor = std::min(floor, peer.transfer->snapshot.meta.index);
    if (peer.match < peer.catching_up_to) floor = std::min(floor, peer.match);
  }
  floor = std::max(floor, log_.base().index);
  return std::max(floor, log_.CutKeeping(log_.last(), options_.transfer_log_bytes));
}

}  // namespace quorumbook::consensus
