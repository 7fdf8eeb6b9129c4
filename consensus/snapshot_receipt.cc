// Receiving a snapshot (5, figure 5.3): chunks are verified and put together, in order.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::OnInstallSnapshot(Message& message) {
  auto& chunk = std::get<InstallSnapshot>(message.body);
  Follower* follower = HearLeader(message.from, chunk.round);
  if (follower == nullptr || !SnapshotIsSound(message.from, message.term, chunk)) return;
  const uint64_t total_bytes = chunk.total_bytes;
  const SnapshotMeta meta = chunk.meta;
  const bool older = meta.index <= commit_ && !Is(Mutant::kSnapshotOverNewer);
  if (log_.Contains(meta) || older) {
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

bool Raft::Core::SnapshotIsSound(NodeId from, Term term, const InstallSnapshot& chunk) {
  const Configuration& members = chunk.configuration;
  if (chunk.checksum != Checksum64(chunk.data) || chunk.offset > chunk.total_bytes ||
      chunk.data.size() > chunk.total_bytes - chunk.offset || chunk.meta.term > term ||
      !(members == Configuration{} || IsValid(members))) {
    Report(Evidence::Kind::kCorruptSnapshot, from, chunk.meta.index);
    return false;
  }
  const std::optional<SnapshotMeta> own = log_.Meta(chunk.meta.index);
  if (!own || *own == chunk.meta) return true;
  const bool committed = own->index <= commit_;
  if (own->term == chunk.meta.term) {
    Report(Evidence::Kind::kDivergedLog, committed ? from : NodeId(), chunk.meta.index);
    return false;
  }
  if (committed) Report(Evidence::Kind::kCommitRegressed, from, chunk.meta.index);
  return !committed;
}

// Adds what follows on what has arrived, and asks for more. True when all is here. A snapshot goes
// on where it stopped also under another leader: the same meta, length and digest are the same
// bytes.
bool Raft::Core::StoreChunk(NodeId from, InstallSnapshot& chunk) {
  const bool same = incoming_ && incoming_->meta == chunk.meta &&
                    incoming_->digest == chunk.data_digest &&
                    incoming_->total_bytes == chunk.total_bytes;
  if (!same) {
    // A late chunk must not displace a newer snapshot of the same leader.
    if (incoming_ && incoming_->term == term_ && incoming_->meta.index > chunk.meta.index) {
      return false;
    }
    incoming_ = IncomingSnapshot{.meta = chunk.meta,
                                 .configuration = std::move(chunk.configuration),
                                 .digest = chunk.data_digest,
                                 .total_bytes = chunk.total_bytes,
                                 .from = from,
                                 .term = term_,
                                 .data = {}};
  }
  incoming_->term = term_;
  if (incoming_->from != from) incoming_->from = NodeId();
  if (chunk.offset == incoming_->data.size() || Is(Mutant::kChunkOffsetIgnored)) {
    incoming_->data += chunk.data;
  }
  const uint64_t received = incoming_->data.size();
  if (received < incoming_->total_bytes) {
    AskForRest(from, chunk.meta, received);
    return false;
  }
  if (Digest128(incoming_->data) == incoming_->digest) return true;
  Report(Evidence::Kind::kCorruptSnapshot, incoming_->from, chunk.meta.index);
  incoming_.reset();
  return false;
}

void Raft::Core::AskForRest(NodeId leader, const SnapshotMeta& meta, uint64_t next_offset) {
  auto& follower = std::get<Follower>(role_);
  follower.round_answered = follower.round_seen;
  Send(leader, InstallSnapshotResponse{
                   .meta = meta, .next_offset = next_offset, .round = follower.round_seen});
}

void Raft::Core::InstallReceived(Follower& follower) {
  Snapshot snapshot{.meta = incoming_->meta,
                    .configuration = std::move(incoming_->configuration),
                    .data = std::make_shared<const std::string>(std::move(incoming_->data))};
  incoming_.reset();
  // A leader that joined later may not know the founders; there was no change before this index.
  if (snapshot.configuration.empty()) snapshot.configuration = configurations_.At(commit_);
  if (Is(Mutant::kSnapshotOverNewer)) commit_ = std::min(commit_, snapshot.meta.index);
  follower.matched = snapshot.meta.index;
  restore_ = Restore{.sequence = writes_.next_sequence(), .snapshot = snapshot};
  writes_.Install(snapshot, commit_);
  log_.Reset(snapshot.meta);
  emitted_ = snapshot.meta.index;
  if (!Is(Mutant::kSnapshotWithoutMembers)) {
    configurations_.Reset(snapshot.meta.index, snapshot.configuration);
    ConfigurationChanged();
  }
  snapshot_ = std::move(snapshot);
  CommitThrough(emitted_);
}

}  // namespace quorumbook::consensus
