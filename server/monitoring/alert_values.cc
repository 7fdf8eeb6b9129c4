#include "server/monitoring/alert_values.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <optional>
#include <set>

#include "server/monitoring/durations.h"
#include "server/monitoring/series.h"

namespace quorumbook::server::alert {
namespace {

constexpr int64_t kFlappingWindowMs = 300'000;
constexpr double kLeastRejectsPerSecond = 10;
// Less than this is no trend but noise.
constexpr double kLeastFillingBytesPerSecond = 1'024;
constexpr size_t kLeastTrendPoints = 60;

AlertLabels Node(uint32_t node) { return {{"node", absl::StrCat(node)}}; }
AlertLabels Shard(uint32_t shard) { return {{"shard", absl::StrCat(shard)}}; }
AlertLabels Replica(uint32_t node, uint32_t shard) {
  return {{"node", absl::StrCat(node)}, {"shard", absl::StrCat(shard)}};
}
AlertLabels Pair(uint32_t node, uint32_t peer) {
  return {{"node", absl::StrCat(node)}, {"peer", absl::StrCat(peer)}};
}

template <typename Use>
void EachNode(const AlertInputs& inputs, Use use) {
  for (const auto& [id, node] : inputs.view.nodes()) {
    if (node.Reachable(inputs.view.now_ms())) use(id, node);
  }
}

template <typename Use>
void EachReplica(const AlertInputs& inputs, Use use) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    for (const v1::ReplicaSample& replica : node.latest().replicas()) {
      use(id, replica.status().shard(), replica);
    }
  });
}

template <typename Use>
void EachPeer(const AlertInputs& inputs, Use use) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    for (const v1::PeerSample& peer : node.latest().peers()) use(id, peer);
  });
}

void EmitIf(const Emit& emit, AlertLabels labels, const std::optional<double>& value) {
  if (value) emit(std::move(labels), *value);
}

void EmitSeries(const AlertInputs& inputs, const Emit& emit, std::string_view series) {
  EachNode(inputs, [&](uint32_t id, const NodeView&) {
    EmitIf(emit, Node(id), SeriesValue(inputs.view, id, series));
  });
}

template <typename Counter>
std::optional<double> ReplicaPerSecond(const NodeView& node, uint32_t shard, Counter counter) {
  return node.PerSecond([&](const v1::NodeSample& sample) -> double {
    const v1::ReplicaSample* const replica = FindReplica(sample, shard);
    return replica == nullptr ? 0 : static_cast<double>(counter(*replica));
  });
}

uint64_t FailedProposals(const v1::ReplicaSample& replica) {
  uint64_t failed = replica.failed();
  for (const v1::NamedCount& count : replica.refused()) {
    const bool usual = count.name() == "not_leader" || count.name() == "shutting_down";
    if (!usual) failed += count.count();
  }
  return failed;
}

size_t SeriesIndex(std::string_view name) {
  for (size_t i = 0; i < AllSeries().size(); ++i) {
    if (AllSeries()[i].name == name) return i;
  }
  return AllSeries().size();
}

// Bytes a second between the first and the last value of the history.
std::optional<double> FillingPace(const History& history, uint32_t node) {
  const size_t series = SeriesIndex("disk_free_bytes");
  if (history.size() < kLeastTrendPoints) return std::nullopt;
  const double first = history.Value(node, series, 0);
  const double last = history.Value(node, series, history.size() - 1);
  if (std::isnan(first) || std::isnan(last)) return std::nullopt;
  const int64_t span = history.TimeMs(history.size() - 1) - history.TimeMs(0);
  return (first - last) / (static_cast<double>(span) / 1e3);
}

}  // namespace

void ApplyLag(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    const auto& status = replica.status();
    emit(Replica(node, shard), static_cast<double>(status.commit_index() - status.applied_index()));
  });
}

void BackgroundErrors(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    emit(Node(id), static_cast<double>(node.latest().storage().background_errors()));
  });
}

void ClockOffset(const AlertInputs& inputs, const Emit& emit) {
  EachPeer(inputs, [&](uint32_t node, const v1::PeerSample& peer) {
    if (peer.reachable()) emit(Pair(node, peer.node_id()), std::abs(peer.clock_offset_seconds()));
  });
}

void DiskFilling(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    const std::optional<double> pace = FillingPace(inputs.history, id);
    if (!pace || *pace < kLeastFillingBytesPerSecond) return;
    const auto free = static_cast<double>(node.latest().storage().disk_free_bytes());
    emit(Node(id), free / *pace / 3'600);
  });
}

void DiskFull(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    emit(Node(id), node.latest().storage().disk_full() ? 1 : 0);
  });
}

void DiskLow(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    const v1::StorageSample& storage = node.latest().storage();
    if (storage.disk_capacity_bytes() == 0) return;  // not measured yet
    emit(Node(id), static_cast<double>(storage.disk_free_bytes()) /
                       static_cast<double>(storage.disk_capacity_bytes()));
  });
}

void Evidence(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    for (const v1::NamedCount& count : replica.evidence()) {
      AlertLabels labels = Replica(node, shard);
      labels["kind"] = count.name();
      emit(std::move(labels), static_cast<double>(count.count()));
    }
  });
}

void Fenced(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    emit(Replica(node, shard), replica.status().fenced() ? 1 : 0);
  });
}

void GrpcErrors(const AlertInputs& inputs, const Emit& emit) {
  EmitSeries(inputs, emit, "grpc_errors_per_second");
}

void LeaderFlapping(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    double changes = 0;
    for (const Election& election : inputs.events.elections()) {
      const bool recent = inputs.view.now_ms() - election.time_ms <= kFlappingWindowMs;
      if (election.shard == shard && recent && !election.seen_first) ++changes;
    }
    emit(Shard(shard), changes);
  }
}

void MembersMissing(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    const v1::ReplicaSample* const leader = inputs.view.LeadingReplica(shard);
    if (leader == nullptr) continue;
    std::set<uint32_t> voters;
    for (const v1::MemberStatus& member : leader->status().members()) {
      if (member.kind() != v1::MemberStatus::LEARNER) voters.insert(member.node_id());
    }
    double missing = 0;
    for (const v1::FollowerSample& follower : leader->followers()) {
      if (!follower.active() && voters.contains(follower.node_id())) ++missing;
    }
    emit(Shard(shard), missing);
  }
}

void NoLeader(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    emit(Shard(shard), inputs.view.LeaderOf(shard).node == 0 ? 0 : 1);
  }
}

void FiguresOld(const AlertInputs& inputs, const Emit& emit) {
  for (const auto& [id, node] : inputs.view.nodes()) {
    const int64_t now_ms = inputs.view.now_ms();
    if (!node.Seen() || !node.Answers(now_ms)) continue;
    emit(Node(id), static_cast<double>(now_ms - node.since_ms()) / 1e3);
  }
}

void NodeDown(const AlertInputs& inputs, const Emit& emit) {
  for (const auto& [id, node] : inputs.view.nodes()) {
    emit(Node(id), node.Reachable(inputs.view.now_ms()) ? 1 : 0);
  }
}

void OpenFiles(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    const v1::ProcessSample& process = node.latest().process();
    if (process.max_open_files() == 0) return;
    emit(Node(id),
         static_cast<double>(process.open_files()) / static_cast<double>(process.max_open_files()));
  });
}

void PeerDisconnected(const AlertInputs& inputs, const Emit& emit) {
  EachPeer(inputs, [&](uint32_t node, const v1::PeerSample& peer) {
    emit(Pair(node, peer.node_id()), peer.connected() ? 1 : 0);
  });
}

void ProposalsFailing(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    std::optional<double> sum;
    EachNode(inputs, [&](uint32_t, const NodeView& node) {
      const auto rate = ReplicaPerSecond(node, shard, FailedProposals);
      if (rate) sum = sum.value_or(0) + *rate;
    });
    EmitIf(emit, Shard(shard), sum);
  }
}

void RejectSpike(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    const uint32_t leader = inputs.view.LeaderOf(shard).node;
    if (leader == 0) continue;
    const NodeView& node = *inputs.view.Find(leader);
    const auto rejects = ReplicaPerSecond(node, shard, [](const v1::ReplicaSample& replica) {
      uint64_t sum = 0;
      for (const v1::CommandCount& count : replica.commands()) sum += count.rejected();
      return sum;
    });
    const auto accepts = ReplicaPerSecond(node, shard, [](const v1::ReplicaSample& replica) {
      uint64_t sum = 0;
      for (const v1::CommandCount& count : replica.commands()) sum += count.accepted();
      return sum;
    });
    if (!rejects || !accepts || *rejects <= kLeastRejectsPerSecond) continue;
    emit(Shard(shard), *rejects / (*rejects + *accepts));
  }
}

void ReplicaLag(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    const std::optional<uint64_t> lag = LagEntries(inputs.view, replica);
    if (lag) emit(Replica(node, shard), static_cast<double>(*lag));
  });
}

void SlowCommit(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    const uint32_t leader = inputs.view.LeaderOf(shard).node;
    if (leader == 0) continue;
    const v1::Durations window = inputs.view.Find(leader)->WindowOf(
        shard, [](const v1::ReplicaSample& r) -> const v1::Durations& { return r.commit(); });
    EmitIf(emit, Shard(shard), QuantileSeconds(window, 0.99));
  }
}

void SlowConsumers(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample&) {
    EmitIf(emit, Replica(node, shard),
           ReplicaPerSecond(*inputs.view.Find(node), shard,
                            [](const v1::ReplicaSample& replica) { return replica.cut(); }));
  });
}

void SlowPeer(const AlertInputs& inputs, const Emit& emit) {
  EachPeer(inputs, [&](uint32_t node, const v1::PeerSample& peer) {
    if (peer.reachable()) emit(Pair(node, peer.node_id()), peer.round_trip_seconds());
  });
}

void SlowSync(const AlertInputs& inputs, const Emit& emit) {
  EmitSeries(inputs, emit, "sync_p99_seconds");
}

void StateDiverged(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    for (const v1::NamedCount& count : replica.evidence()) {
      if (count.name() != "diverged_state") continue;
      emit(Replica(node, shard), static_cast<double>(count.count()));
    }
  });
}

void StoreDamaged(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    emit(Node(id), static_cast<double>(node.latest().storage().corruptions()));
  });
}

void VersionSkew(const AlertInputs& inputs, const Emit& emit) {
  std::set<std::string> versions;
  EachNode(inputs,
           [&](uint32_t, const NodeView& node) { versions.insert(node.latest().version()); });
  emit({}, static_cast<double>(versions.size()));
}

void WriteStalls(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    const v1::StorageSample& now = node.latest().storage();
    const uint64_t before =
        node.window() == nullptr ? now.write_stalls() : node.window()->storage().write_stalls();
    emit(Node(id),
         static_cast<double>(now.write_stalls() - before) + (now.write_stopped() ? 1 : 0));
  });
}

}  // namespace quorumbook::server::alert
