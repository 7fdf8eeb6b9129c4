#include "consensus/raft.h"

#include <utility>

#include "consensus/core.h"

namespace quorumbook::consensus {

Raft::Raft(const Options& options, RestoredState restored, Instant now)
    : core_(std::make_unique<Core>(options, std::move(restored), now)) {}
Raft::~Raft() = default;
Raft::Raft(Raft&&) noexcept = default;
Raft& Raft::operator=(Raft&&) noexcept = default;

void Raft::Tick(Instant now) { core_->Tick(now); }
Instant Raft::deadline() const { return core_->deadline(); }
void Raft::Step(Message message, Instant now) { core_->Step(std::move(message), now); }
ProposeResult Raft::Propose(Payload payload, Instant now, Index* index, Term* term) {
  return core_->Propose(std::move(payload), now, index, term);
}
ProposeResult Raft::ProposeConfiguration(std::vector<NodeId> voters, std::vector<NodeId> learners,
                                         Instant now, Index* index, Term* term) {
  return core_->ProposeConfiguration(std::move(voters), std::move(learners), now, index, term);
}
bool Raft::ReadIndex(uint64_t id, Instant now) { return core_->ReadIndex(id, now); }
bool Raft::TransferLeadership(NodeId target, Instant now) {
  return core_->TransferLeadership(target, now);
}
void Raft::SetClockTrusted(bool trusted, Instant now) { core_->SetClockTrusted(trusted, now); }
void Raft::Wake(Instant now) { core_->Wake(now); }
void Raft::PeerLost(NodeId peer, Instant now) { core_->PeerLost(peer, now); }
void Raft::OnStateDigest(Index index, const Digest& digest, Instant now) {
  core_->OnStateDigest(index, digest, now);
}
void Raft::OnWholeState(Index index, const Digest& digest, Instant now) {
  core_->OnWholeState(index, digest, now);
}
void Raft::Fence(NodeId node, Instant now) { core_->Fence(node, now); }
void Raft::OnPersisted(uint64_t sequence, Instant now) { core_->OnPersisted(sequence, now); }
void Raft::OnSnapshotRead(const Payload& data, bool readable, Instant now) {
  core_->OnSnapshotRead(data, readable, now);
}
bool Raft::Awaits(const Payload& data) const { return core_->Awaits(data); }
void Raft::Compact(Snapshot snapshot) { core_->Compact(std::move(snapshot)); }
Output Raft::TakeOutput(bool proposing_soon) { return core_->TakeOutput(proposing_soon); }
RaftStatus Raft::status() const { return core_->status(); }
Role Raft::role() const { return core_->role(); }
Term Raft::term() const { return core_->term(); }
NodeId Raft::leader() const { return core_->leader(); }
Index Raft::commit() const { return core_->commit(); }
std::optional<SnapshotMeta> Raft::EntryMeta(Index index) const { return core_->EntryMeta(index); }
const Configuration& Raft::configuration() const { return core_->configuration(); }
const Configuration& Raft::ConfigurationAt(Index index) const {
  return core_->ConfigurationAt(index);
}
uint64_t Raft::log_bytes() const { return core_->log_bytes(); }

}  // namespace quorumbook::consensus
