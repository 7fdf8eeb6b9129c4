#include "server/monitoring/series.h"

#include <algorithm>

#include "common/check.h"
#include "server/monitoring/durations.h"

namespace quorumbook::server {
namespace {

using Value = std::optional<double>;

// Sums what `count` says of the replicas that lead.
template <typename Counter>
Value LeadingPerSecond(const NodeView& node, Counter counter) {
  const v1::NodeSample* const earlier = node.before();
  if (earlier == nullptr) return std::nullopt;
  const double seconds = static_cast<double>(node.latest().taken_ns() - earlier->taken_ns()) / 1e9;
  if (seconds <= 0) return std::nullopt;
  double sum = 0;
  for (const v1::ReplicaSample& replica : node.latest().replicas()) {
    const v1::ReplicaSample* const then = FindReplica(*earlier, replica.status().shard());
    if (!Leads(replica) || then == nullptr) continue;
    sum += static_cast<double>(counter(replica)) - static_cast<double>(counter(*then));
  }
  return sum / seconds;
}

uint64_t Commands(const v1::ReplicaSample& replica) {
  uint64_t commands = 0;
  for (const v1::CommandCount& count : replica.commands()) {
    commands += count.accepted() + count.rejected();
  }
  return commands;
}

uint64_t Orders(const v1::ReplicaSample& replica) {
  for (const v1::CommandCount& count : replica.commands()) {
    if (count.command() == "new_order") return count.accepted();
  }
  return 0;
}

uint64_t Rejects(const v1::ReplicaSample& replica) {
  uint64_t rejects = 0;
  for (const v1::NamedCount& count : replica.rejects()) rejects += count.count();
  return rejects;
}

Value WorstLag(const ClusterView& view, const NodeView& node) {
  Value worst;
  for (const v1::ReplicaSample& replica : node.latest().replicas()) {
    const std::optional<uint64_t> lag = LagEntries(view, replica);
    if (lag) worst = std::max(worst.value_or(0), static_cast<double>(*lag));
  }
  return worst;
}

Value WorstApplyLag(const NodeView& node) {
  Value worst;
  for (const v1::ReplicaSample& replica : node.latest().replicas()) {
    const auto& status = replica.status();
    const auto lag = static_cast<double>(status.commit_index() - status.applied_index());
    worst = std::max(worst.value_or(0), lag);
  }
  return worst;
}

Value WorstRoundTrip(const NodeView& node) {
  Value worst;
  for (const v1::PeerSample& peer : node.latest().peers()) {
    if (peer.reachable()) worst = std::max(worst.value_or(0), peer.round_trip_seconds());
  }
  return worst;
}

Value StorageQuantile(const NodeView& node,
                      const v1::Durations& (v1::StorageSample::*field)() const, double q) {
  return QuantileSeconds(node.StorageWindow(field), q);
}

template <typename Counter>
double SumOf(const NodeView& node, Counter counter) {
  double sum = 0;
  for (const v1::ReplicaSample& replica : node.latest().replicas()) {
    sum += static_cast<double>(counter(replica));
  }
  return sum;
}

}  // namespace

Value LeaderQuantile(const NodeView& node, const v1::Durations& (v1::ReplicaSample::*field)() const,
                     double q) {
  v1::Durations sum;
  for (const v1::ReplicaSample& replica : node.latest().replicas()) {
    if (!Leads(replica)) continue;
    AddTo(node.WindowOf(
              replica.status().shard(),
              [field](const v1::ReplicaSample& r) -> const v1::Durations& { return (r.*field)(); }),
          &sum);
  }
  return QuantileSeconds(sum, q);
}

std::optional<uint64_t> LagEntries(const ClusterView& view, const v1::ReplicaSample& replica) {
  const v1::ReplicaSample* const leader = view.LeadingReplica(replica.status().shard());
  if (leader == nullptr) return std::nullopt;
  const uint64_t last = leader->status().last_index();
  // The leader's sample may be the older one.
  return last - std::min(last, replica.status().last_index());
}

const std::vector<Series>& AllSeries() {
  using V = const ClusterView&;
  using N = const NodeView&;
  static const auto& series = *new std::vector<Series>{
      {"commands_per_second", "per_second", "commands executed, of the shards that it leads",
       [](V, N node) { return LeadingPerSecond(node, Commands); }},
      {"orders_per_second", "per_second", "orders accepted, likewise",
       [](V, N node) { return LeadingPerSecond(node, Orders); }},
      {"fills_per_second", "per_second", "trades, likewise",
       [](V, N node) {
         return LeadingPerSecond(node, [](const v1::ReplicaSample& r) { return r.trades(); });
       }},
      {"rejects_per_second", "per_second", "commands rejected, likewise",
       [](V, N node) { return LeadingPerSecond(node, Rejects); }},
      {"commits_per_second", "per_second", "log entries committed, likewise",
       [](V, N node) {
         return LeadingPerSecond(
             node, [](const v1::ReplicaSample& r) { return r.status().commit_index(); });
       }},
      {"commit_p50_seconds", "seconds", "from proposal to commit, likewise, over 10 s",
       [](V, N node) { return LeaderQuantile(node, &v1::ReplicaSample::commit, 0.5); }},
      {"commit_p99_seconds", "seconds", "from proposal to commit, likewise, over 10 s",
       [](V, N node) { return LeaderQuantile(node, &v1::ReplicaSample::commit, 0.99); }},
      {"acknowledge_p50_seconds", "seconds", "from a batch's arrival to its answer, over 10 s",
       [](V, N node) { return LeaderQuantile(node, &v1::ReplicaSample::acknowledge, 0.5); }},
      {"acknowledge_p99_seconds", "seconds", "from a batch's arrival to its answer, over 10 s",
       [](V, N node) { return LeaderQuantile(node, &v1::ReplicaSample::acknowledge, 0.99); }},
      {"sync_p50_seconds", "seconds", "sync of the write-ahead log, over 10 s",
       [](V, N node) { return StorageQuantile(node, &v1::StorageSample::sync, 0.5); }},
      {"sync_p99_seconds", "seconds", "sync of the write-ahead log, over 10 s",
       [](V, N node) { return StorageQuantile(node, &v1::StorageSample::sync, 0.99); }},
      {"syncs_per_second", "per_second", "syncs of the write-ahead log",
       [](V, N node) {
         return node.PerSecond([](const v1::NodeSample& s) { return Count(s.storage().sync()); });
       }},
      {"written_bytes_per_second", "per_second", "log entries made durable",
       [](V, N node) {
         return node.PerSecond([](const v1::NodeSample& s) { return s.storage().written_bytes(); });
       }},
      {"replica_lag_entries", "entries", "that its slowest replica lacks", WorstLag},
      {"apply_lag_entries", "entries", "committed and not yet executed",
       [](V, N node) { return WorstApplyLag(node); }},
      {"round_trip_seconds", "seconds", "slowest status call to another node",
       [](V, N node) { return WorstRoundTrip(node); }},
      {"log_bytes", "bytes", "logs of its replicas",
       [](V, N node) -> Value {
         return SumOf(node, [](const v1::ReplicaSample& r) { return r.status().log_bytes(); });
       }},
      {"disk_bytes", "bytes", "files of the store",
       [](V, N node) -> Value {
         return static_cast<double>(node.latest().storage().disk_bytes());
       }},
      {"disk_free_bytes", "bytes", "free in the file system of the store",
       [](V, N node) -> Value {
         return static_cast<double>(node.latest().storage().disk_free_bytes());
       }},
      {"cpu_ratio", "ratio", "of one core",
       [](V, N node) {
         return node.PerSecond([](const v1::NodeSample& s) { return s.process().cpu_seconds(); });
       }},
      {"memory_resident_bytes", "bytes", "memory in use",
       [](V, N node) -> Value {
         return static_cast<double>(node.latest().process().resident_bytes());
       }},
      {"open_orders", "count", "open orders, of the shards that it leads",
       [](V, N node) -> Value {
         return SumOf(node, [](const v1::ReplicaSample& r) {
           return Leads(r) ? r.status().open_orders() : 0;
         });
       }},
      {"market_data_subscribers", "count", "subscriptions to market data",
       [](V, N node) -> Value {
         return SumOf(node, [](const v1::ReplicaSample& r) { return r.subscribers(); });
       }},
      {"grpc_calls_per_second", "per_second", "gRPC calls ended",
       [](V, N node) {
         return node.PerSecond([](const v1::NodeSample& s) { return s.grpc_calls(); });
       }},
      {"grpc_errors_per_second", "per_second", "of them, with an error of the server",
       [](V, N node) {
         return node.PerSecond([](const v1::NodeSample& s) { return s.grpc_errors(); });
       }},
  };
  return series;
}

Value SeriesValue(const ClusterView& view, uint32_t node, std::string_view name) {
  const NodeView* const found = view.Find(node);
  if (found == nullptr || !view.Reachable(node)) return std::nullopt;
  for (const Series& series : AllSeries()) {
    if (series.name == name) return series.value(view, *found);
  }
  QB_CHECK(false && "no such series");
}

}  // namespace quorumbook::server
