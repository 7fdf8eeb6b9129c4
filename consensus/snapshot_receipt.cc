// Receiving a snapshot (5, figure 5.3): chunks are verified and put together, in order.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::OnInstallSnapshot(Message& message) {
  auto& chunk = std::get<InstallSnapshot>(message.body);
  Follower* follower = HearLeader(message.from, chunk.round);
  if (follower == nullptr || !SnapshotIsSound(message.from, follower->matched, chunk)) return;
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
  Installed(*follower, meta, total_bytes);
}

// The leader is told when it is durable.
void Raft::Core::Installed(Follower& follower, const SnapshotMeta& meta, uint64_t total_bytes) {
  follower.matched = std::max(follower.matched, meta.index);
  follower.install_reply = {.meta = meta, .total_bytes = total_bytes};
  AcknowledgeDurable();
}

// `matched`: the log is known to be the sender's up to here.
bool Raft::Core::SnapshotIsSound(NodeId from, Index matched, const InstallSnapshot& chunk) {
  const Configuration& members = chunk.configuration;
  if (chunk.checksum != Checksum64(chunk.data) || chunk.offset > chunk.total_bytes ||
      chunk.data.size() > chunk.total_bytes - chunk.offset || chunk.meta.term > term_ ||
      !(members == Configuration{} || IsValid(members))) {
    Report(Evidence::Kind::kCorruptSnapshot, from, chunk.meta.index);
    return false;
  }
  const std::optional<SnapshotMeta> own = log_.Meta(chunk.meta.index);
  if (!own || *own == chunk.meta) return true;
  if (own->term == chunk.meta.term) return GivesWay(from, matched, *own);
  const bool committed = own->index <= commit_;
  if (committed) Report(Evidence::Kind::kCommitRegressed, from, chunk.meta.index);
  return !committed;
}

// Adds what follows on what has arrived, and asks for more. True when all is here and can be read.
// A snapshot goes on where it stopped also under another leader: the same meta, length and digest
// are the same bytes.
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
                                 .data = {},
                                 .whole = nullptr};
  }
  incoming_->term = term_;
  if (incoming_->from != from) incoming_->from = NodeId();
  const bool follows = chunk.offset == incoming_->data.size() || Is(Mutant::kChunkOffsetIgnored);
  if (follows && incoming_->whole == nullptr) incoming_->data += chunk.data;
  if (incoming_->received_bytes() >= incoming_->total_bytes && !IsWhole()) return false;
  if (incoming_->readable) return true;
  AskForRest(from, chunk.meta, incoming_->received_bytes());
  return false;
}

// All has arrived. Whether it can be read is for the host to say; false when it is not what its
// digest is of.
bool Raft::Core::IsWhole() {
  if (incoming_->whole != nullptr) return true;
  if (Digest128(incoming_->data) != incoming_->digest) {
    Report(Evidence::Kind::kCorruptSnapshot, incoming_->from, incoming_->meta.index);
    incoming_.reset();
    return false;
  }
  incoming_->whole = std::make_shared<const std::string>(std::exchange(incoming_->data, {}));
  received_ = Snapshot{
      .meta = incoming_->meta, .configuration = incoming_->configuration, .data = incoming_->whole};
  return true;
}

bool Raft::Core::Awaits(const Payload& data) const {
  return (incoming_ && incoming_->whole == data) || (restore_ && restore_->snapshot.data == data);
}

void Raft::Core::OnSnapshotRead(const Payload& data, bool readable, Instant now) {
  Advance(now);
  if (!incoming_ || incoming_->whole != data) return;
  if (!readable) {
    Report(Evidence::Kind::kCorruptSnapshot, incoming_->from, incoming_->meta.index);
    incoming_.reset();
    return;
  }
  incoming_->readable = true;
  // Another leader than the one that sent it says first that it has the same.
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader == NodeId() || incoming_->term != term_) return;
  const SnapshotMeta meta = incoming_->meta;
  const uint64_t total_bytes = incoming_->total_bytes;
  if (log_.Contains(meta)) {  // by now
    CommitThrough(meta.index);
  } else {
    InstallReceived(*follower);
  }
  Installed(*follower, meta, total_bytes);
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
                    .data = std::move(incoming_->whole)};
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
