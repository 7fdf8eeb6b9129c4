#include "server/monitoring/alert_values.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "server/monitoring/durations.h"
#include "server/monitoring/series.h"

namespace quorumbook::server::alert {
namespace {

constexpr double kDaySeconds = 86'400;
constexpr int64_t kFlappingWindowMs = 300'000;
constexpr double kLeastRejectsPerSecond = 10;
// Less than this is no trend but noise.
constexpr double kLeastFillingBytesPerSecond = 1'024;
constexpr double kLeastTrendPoints = 60;

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

size_t SeriesIndex(std::string_view name) {
  for (size_t i = 0; i < AllSeries().size(); ++i) {
    if (AllSeries()[i].name == name) return i;
  }
  return AllSeries().size();
}

// Bytes a second by which the free space shrinks: the slope of the line that fits what is known of
// the history best (least squares), as deriv() of Prometheus has it.
std::optional<double> FillingPace(const History& history, uint32_t node) {
  const size_t series = SeriesIndex("disk_free_bytes");
  double points = 0;
  double sum_t = 0;
  double sum_v = 0;
  double sum_tt = 0;
  double sum_tv = 0;
  for (size_t i = 0; i < history.size(); ++i) {
    const double value = history.Value(node, series, i);
    if (std::isnan(value)) continue;
    const double seconds = static_cast<double>(history.TimeMs(i) - history.TimeMs(0)) / 1e3;
    ++points;
    sum_t += seconds;
    sum_v += value;
    sum_tt += seconds * seconds;
    sum_tv += seconds * value;
  }
  if (points < kLeastTrendPoints) return std::nullopt;
  const double spread = points * sum_tt - sum_t * sum_t;
  return (sum_t * sum_v - points * sum_tv) / spread;
}

// How long ago the last evidence came, of each kind against each node, whoever has it.
void EmitAges(const AlertInputs& inputs, const Emit& emit, bool diverged) {
  std::map<AlertLabels, double> ages;
  EachReplica(inputs, [&](uint32_t, uint32_t shard, const v1::ReplicaSample& replica) {
    for (const v1::EvidenceCount& item : replica.evidence()) {
      if ((item.kind() == "diverged_state") != diverged) continue;
      AlertLabels labels = Shard(shard);
      labels["culprit"] = CulpritLabel(item);
      if (!diverged) labels["kind"] = item.kind();
      const auto [age, first] = ages.try_emplace(std::move(labels), item.age_seconds());
      age->second = std::min(age->second, item.age_seconds());
    }
  });
  for (const auto& [labels, age] : ages) emit(labels, age);
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

void CertificateExpiry(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    const int64_t expires = node.latest().certificate_expires();
    if (expires == 0) return;  // no TLS
    emit(Node(id),
         (static_cast<double>(expires) - static_cast<double>(inputs.view.now_ms()) / 1e3) /
             kDaySeconds);
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
  EmitAges(inputs, emit, /*diverged=*/false);
}

void Fenced(const AlertInputs& inputs, const Emit& emit) {
  EachReplica(inputs, [&](uint32_t node, uint32_t shard, const v1::ReplicaSample& replica) {
    emit(Replica(node, shard), replica.status().fenced() ? 1 : 0);
  });
}

void GrpcErrors(const AlertInputs& inputs, const Emit& emit) {
  EachNode(inputs, [&](uint32_t id, const NodeView& node) {
    EmitIf(emit, Node(id), node.minute().PerSecond(&MinuteRates::OfNode::grpc_errors));
  });
}

void LeaderFlapping(const AlertInputs& inputs, const Emit& emit) {
  const int64_t since_ms = inputs.view.now_ms() - kFlappingWindowMs;
  for (const uint32_t shard : inputs.view.shards()) {
    emit(Shard(shard), static_cast<double>(inputs.events.LeaderChangesSince(shard, since_ms)));
  }
}

void MembersMissing(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    const v1::ReplicaSample* const leader = inputs.view.LeadingReplica(shard);
    if (leader == nullptr) continue;
    // A node that is replaced is there twice for a while: as it was, and as it began anew.
    std::set<std::pair<uint32_t, uint64_t>> voters;
    for (const v1::MemberStatus& member : leader->status().members()) {
      if (member.kind() == v1::MemberStatus::LEARNER) continue;
      voters.emplace(member.node_id(), member.incarnation());
    }
    double missing = 0;
    for (const v1::FollowerSample& follower : leader->followers()) {
      const bool voter = voters.contains({follower.node_id(), follower.incarnation()});
      if (!follower.active() && voter) ++missing;
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
      const auto rate = node.minute().PerSecond(shard, &MinuteRates::OfShard::failed);
      if (rate) sum = sum.value_or(0) + *rate;
    });
    EmitIf(emit, Shard(shard), sum);
  }
}

void RejectSpike(const AlertInputs& inputs, const Emit& emit) {
  for (const uint32_t shard : inputs.view.shards()) {
    const uint32_t leader = inputs.view.LeaderOf(shard).node;
    if (leader == 0) continue;
    const MinuteRates& minute = inputs.view.Find(leader)->minute();
    const auto rejects = minute.PerSecond(shard, &MinuteRates::OfShard::rejected);
    const auto accepts = minute.PerSecond(shard, &MinuteRates::OfShard::accepted);
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
           inputs.view.Find(node)->minute().PerSecond(shard, &MinuteRates::OfShard::cut));
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
  EmitAges(inputs, emit, /*diverged=*/true);
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
    const double stalls = node.minute().Rise(&MinuteRates::OfNode::write_stalls).value_or(0);
    emit(Node(id), stalls + (node.latest().storage().write_stopped() ? 1 : 0));
  });
}

}  // namespace quorumbook::server::alert
