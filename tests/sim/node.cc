#include "tests/sim/node.h"

#include <algorithm>
#include <utility>

#include "server/replica/member.h"

namespace quorumbook::sim {
namespace {

constexpr char kClusterId[] = "simulated";

}  // namespace

Node::Node(int number, Context* context, NodeWorld* world)
    : number_(number),
      context_(*context),
      world_(*world),
      random_(context->scenario.seed + static_cast<uint64_t>(number), "node"),
      clock_(0, 0, random_.Between(1, kHour)) {
  Wipe();
}

void Node::Wipe() {
  QB_CHECK(!up());
  disk_ = std::make_unique<storage::SimulatedDisk>();
  disk_->DeferSyncs(true);
  disk_->Plant(context_.scenario.store_mutant);
  founders_.clear();
  planted_ = ReplicaMutant::kNone;
  const bool same = context_.scenario.host_mutant == HostMutant::kIncarnationKept;
  if (same && member_ != NodeId()) return;
  const uint64_t incarnation = 1 + random_.Below(server::kMaxIncarnation);
  member_ = server::MakeMember(NodeId(static_cast<uint64_t>(number_)), incarnation);
}

absl::Status Node::Start() {
  QB_CHECK(!up());
  ++life_;
  paused_until_ = 0;
  absl::StatusOr<std::unique_ptr<storage::Store>> store =
      storage::OpenSimulatedStore(disk_.get(), {.cluster_id = kClusterId,
                                                .node_id = NodeId(static_cast<uint64_t>(number_)),
                                                .incarnation = server::IncarnationOf(member_)});
  if (!store.ok()) {
    context_.trace.Line(context_.queue.now(), std::string(store.status().message()));
    return store.status();
  }
  store_ = *std::move(store);
  writer_ = std::make_unique<DiskWriter>(
      &context_, disk_.get(), store_.get(), &device_, &random_, [this](const absl::Status& status) {
        context_.trace.Line(context_.queue.now(), std::string(status.message()));
        // What a failed sync was to write may be lost though the machine goes on: the kernel takes
        // it for written.
        End(Loss::kSome);
      });
  std::vector<std::unique_ptr<HostedReplica>> replicas;
  for (int shard = 1; shard <= context_.scenario.shards; ++shard) {
    const ShardId id(static_cast<uint64_t>(shard));
    replicas.push_back(std::make_unique<HostedReplica>(this, id, &world_.checks(id)));
  }
  replicas_ = std::move(replicas);
  for (const auto& replica : replicas_) {
    const absl::Status status = replica->Start();
    if (!status.ok()) {
      context_.trace.Line(context_.queue.now(), std::string(status.message()));
      Crash(Loss::kNothing);
      return status;
    }
  }
  if (context_.scenario.lease_reads) TrustClockSoon();
  return absl::OkStatus();
}

void Node::Crash(Loss loss) {
  ++life_;
  for (const auto& replica : replicas_) replica->checks().Forget(member_);
  replicas_.clear();
  connected_.clear();
  writer_.reset();
  store_.reset();
  const uint64_t unsynced = disk_->writes() - disk_->synced_writes();
  if (loss == Loss::kNothing) return;
  if (loss == Loss::kAll) disk_->LosePower();
  if (loss == Loss::kSome) disk_->LosePower(random_.Below(unsynced + 1));
  if (loss == Loss::kTorn) {
    if (unsynced != 0) context_.fired.Add(Fault::kTornWrite);
    disk_->LosePower(unsynced == 0 ? 0 : random_.Below(unsynced), random_.Next());
  }
  if (unsynced != 0) context_.fired.Add(Fault::kLostWrites);
}

void Node::SetConnected(const std::vector<NodeId>& members) {
  if (!up() || members == connected_) return;
  for (const NodeId lost : connected_) {
    if (std::ranges::find(members, lost) != members.end()) continue;
    for (const auto& replica : replicas_) {
      replica->Call([lost](server::Replica& called) { called.PeerLost(lost); });
    }
  }
  connected_ = members;
  for (const auto& replica : replicas_) {
    replica->Call([members](server::Replica& called) { called.SetConnected(members); });
  }
}

void Node::JumpSteadyClock(SimTime by) {
  clock_.JumpSteady(by);
  for (const auto& replica : replicas_) {
    replica->Call([](server::Replica& called) { called.SetClockTrusted(false); });
  }
  TrustClockSoon();
}

void Node::TrustClockSoon() {
  At(context_.queue.now() + kSecond, [this] {
    for (const auto& replica : replicas_) {
      replica->Call([](server::Replica& called) { called.SetClockTrusted(true); });
    }
  });
}

void Node::PauseUntil(SimTime until) {
  paused_until_ = std::max(paused_until_, until);
  pause_counted_ = false;
}

void Node::Deferred() {
  if (!std::exchange(pause_counted_, true)) context_.fired.Add(Fault::kPause);
}

void Node::ClockRead() {
  for (const Fault fault : clock_faults_) context_.fired.Add(fault);
  clock_faults_.clear();
}

void Node::At(SimTime time, absl::AnyInvocable<void()> action) {
  context_.queue.At(time, [this, life = life_, action = std::move(action)]() mutable {
    if (life != life_) return;
    if (paused()) {
      Deferred();
      return At(paused_until_, std::move(action));
    }
    action();
  });
}

// Not at once: a replica may be in the middle of something.
void Node::End(Loss loss) {
  context_.queue.At(context_.queue.now(), [this, loss, life = life_] {
    if (life != life_) return;
    Crash(loss);
    world_.Died(*this);
  });
}

}  // namespace quorumbook::sim
