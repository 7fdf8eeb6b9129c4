// Nodes, shards, stages of a commit, and storage as JSON (cluster_json.h).
#include <absl/strings/match.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "proto/status_names.h"
#include "server/monitoring/cluster_json.h"
#include "server/monitoring/durations.h"
#include "server/monitoring/series.h"

namespace quorumbook::server {
namespace {

constexpr int kWindowSeconds = 10;

template <typename Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

// Where a browser reaches the node. Null: it listens on all addresses, and did not say at which one
// it is reached.
Json UrlOf(const std::string& address) {
  for (const char* everywhere : {"0.0.0.0:", "[::]:", "*:"}) {
    if (absl::StartsWith(address, everywhere)) return {};
  }
  const bool url = absl::StartsWith(address, "http://") || absl::StartsWith(address, "https://");
  return url ? address : "http://" + address;
}

// What only the node itself can say; null of one that never did.
void AddOwnFigures(const ClusterView& view, const NodeView& node, Json* out) {
  static constexpr std::array<const char*, 16> kNames = {"http",
                                                         "http_address",
                                                         "version",
                                                         "started_ms",
                                                         "uptime_seconds",
                                                         "ready",
                                                         "not_ready",
                                                         "leads_shards",
                                                         "memory_resident_bytes",
                                                         "threads",
                                                         "open_files",
                                                         "max_open_files",
                                                         "disk_bytes",
                                                         "disk_free_bytes",
                                                         "disk_capacity_bytes",
                                                         "http_connections"};
  if (!node.Seen()) {
    for (const char* name : kNames) (*out)[name] = nullptr;
    (*out)["not_ready"] = Json::array();
    (*out)["leads_shards"] = Json::array();
    return;
  }
  const v1::NodeSample& sample = node.latest();
  const bool off = sample.http_address().empty();
  const size_t scheme = sample.http_address().find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  (*out)["http_address"] = off ? Json() : Json(sample.http_address().substr(host));
  (*out)["http"] = off ? Json() : UrlOf(sample.http_address());
  (*out)["version"] = sample.version();
  (*out)["started_ms"] = sample.started_ms();
  (*out)["uptime_seconds"] = static_cast<double>(sample.time_ms() - sample.started_ms()) / 1e3;
  (*out)["ready"] = sample.not_ready().empty();
  (*out)["not_ready"] = Json::array();
  for (const std::string& reason : sample.not_ready()) (*out)["not_ready"].push_back(reason);
  (*out)["leads_shards"] = Json::array();
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    const uint32_t shard = replica.status().shard();
    if (view.LeaderOf(shard).node == node.id()) (*out)["leads_shards"].push_back(shard);
  }
  const v1::ProcessSample& process = sample.process();
  (*out)["memory_resident_bytes"] = process.resident_bytes();
  (*out)["threads"] = process.threads();
  (*out)["open_files"] = process.open_files();
  (*out)["max_open_files"] = process.max_open_files();
  (*out)["disk_bytes"] = sample.storage().disk_bytes();
  (*out)["disk_free_bytes"] = sample.storage().disk_free_bytes();
  (*out)["disk_capacity_bytes"] = sample.storage().disk_capacity_bytes();
  (*out)["http_connections"] = sample.http_connections();
}

Json NodeJson(const ClusterView& view, const NodeView& node, const NodeAddresses& addresses) {
  const bool reachable = view.Reachable(node.id());
  Json out = {{"node", node.id()}, {"is_self", node.is_self()}, {"reachable", reachable}};
  const std::string& failure = node.failure();
  const Json why = failure.empty() ? "its last answer is too old" : failure;
  out["reason"] = reachable ? Json() : why;
  out["last_seen_ms"] = node.Seen() ? Json(node.since_ms()) : Json();
  out["client_address"] = addresses.client;
  out["peer_address"] = addresses.peer;
  AddOwnFigures(view, node, &out);
  out["round_trip_seconds"] = OrNull(node.round_trip_seconds());
  out["clock_offset_seconds"] = OrNull(node.clock_offset_seconds());
  for (const char* name : {"cpu_ratio", "grpc_calls_per_second", "grpc_errors_per_second"}) {
    out[name] = OrNull(SeriesValue(view, node.id(), name));
  }
  const auto subscribers = SeriesValue(view, node.id(), "market_data_subscribers");
  out["market_data_subscribers"] = subscribers ? Json(static_cast<int64_t>(*subscribers)) : Json();
  return out;
}

Json ReplicaJson(const ClusterView& view, const NodeView& node, uint32_t shard,
                 const std::vector<v1::MemberStatus>& members) {
  Json out = {{"node", node.id()}, {"reachable", view.Reachable(node.id())}};
  out["role"] = nullptr;
  out["kind"] = nullptr;
  for (const v1::MemberStatus& member : members) {
    if (member.node_id() == node.id()) out["kind"] = MemberKindName(member.kind());
  }
  const v1::ReplicaSample* const replica =
      node.Seen() ? FindReplica(node.latest(), shard) : nullptr;
  if (replica == nullptr) {
    for (const char* name :
         {"term", "commit_index", "applied_index", "durable_index", "first_index", "last_index",
          "snapshot_index", "log_bytes", "lag_entries", "apply_lag_entries", "event_sequence",
          "open_orders", "sessions", "fenced", "fenced_nodes"}) {
      out[name] = nullptr;
    }
    return out;
  }
  const v1::ReplicaStatus& status = replica->status();
  out["role"] = RoleName(status.role());
  out["term"] = status.term();
  out["commit_index"] = status.commit_index();
  out["applied_index"] = status.applied_index();
  out["durable_index"] = replica->durable_index();
  out["first_index"] = status.first_index();
  out["last_index"] = status.last_index();
  out["snapshot_index"] = status.snapshot_index();
  out["log_bytes"] = status.log_bytes();
  out["lag_entries"] = OrNull(LagEntries(view, *replica));
  out["apply_lag_entries"] = status.commit_index() - status.applied_index();
  out["event_sequence"] = status.event_sequence();
  out["open_orders"] = status.open_orders();
  out["sessions"] = status.sessions();
  out["fenced"] = status.fenced();
  out["fenced_nodes"] = status.fenced_nodes();
  return out;
}

template <typename Counter>
Json LeaderRate(const ClusterView& view, uint32_t shard, Counter counter) {
  const uint32_t leader = view.LeaderOf(shard).node;
  if (leader == 0) return nullptr;
  return OrNull(view.Find(leader)->PerSecond([&](const v1::NodeSample& sample) -> double {
    const v1::ReplicaSample* const replica = FindReplica(sample, shard);
    return replica == nullptr ? 0 : static_cast<double>(counter(*replica));
  }));
}

Json ShardJson(const ClusterView& view, const EventLog& events, uint32_t shard) {
  const ShardLeader leader = view.LeaderOf(shard);
  const std::vector<v1::MemberStatus> members = view.MembersOf(shard);
  Json out = {{"shard", shard},
              {"leader", leader.node == 0 ? Json() : Json(leader.node)},
              {"term", leader.term},
              {"leader_changes", events.LeaderChanges(shard)}};
  std::set<uint32_t> voters;  // in order, and each once: a node can be listed twice in a change
  std::set<uint32_t> learners;
  bool changing = false;
  for (const v1::MemberStatus& member : members) {
    const bool learner = member.kind() == v1::MemberStatus::LEARNER;
    (learner ? learners : voters).insert(member.node_id());
    changing |= member.kind() == v1::MemberStatus::OUTGOING_VOTER ||
                member.kind() == v1::MemberStatus::INCOMING_VOTER;
  }
  out["voters"] = voters;
  out["learners"] = learners;
  out["changing_members"] = changing;
  out["commands_per_second"] = LeaderRate(view, shard, [](const v1::ReplicaSample& replica) {
    uint64_t commands = 0;
    for (const v1::CommandCount& count : replica.commands()) {
      commands += count.accepted() + count.rejected();
    }
    return commands;
  });
  out["commits_per_second"] = LeaderRate(view, shard, [](const v1::ReplicaSample& replica) {
    return replica.status().commit_index();
  });
  out["replicas"] = Json::array();
  for (const auto& [id, node] : view.nodes()) {
    out["replicas"].push_back(ReplicaJson(view, node, shard, members));
  }
  return out;
}

Json StageJson(const char* name, const v1::Durations& window) {
  return {{"stage", name},
          {"count", Count(window)},
          {"mean_seconds", OrNull(MeanSeconds(window))},
          {"p50_seconds", OrNull(QuantileSeconds(window, 0.5))},
          {"p99_seconds", OrNull(QuantileSeconds(window, 0.99))}};
}

Json StagesJson(const NodeView& node, uint32_t shard) {
  using R = const v1::ReplicaSample&;
  const auto window = [&](const v1::Durations& (v1::ReplicaSample::*field)() const) {
    return node.WindowOf(shard, [field](R r) -> const v1::Durations& { return (r.*field)(); });
  };
  Json out = Json::array();
  out.push_back(StageJson("queue", window(&v1::ReplicaSample::queue)));
  out.push_back(StageJson("append", window(&v1::ReplicaSample::append)));
  out.push_back(StageJson("sync", node.StorageWindow(&v1::StorageSample::write)));
  out.push_back(StageJson("replicate", window(&v1::ReplicaSample::replicate)));
  out.push_back(StageJson("commit", window(&v1::ReplicaSample::commit)));
  out.push_back(StageJson("apply", window(&v1::ReplicaSample::apply)));
  out.push_back(StageJson("acknowledge", window(&v1::ReplicaSample::acknowledge)));
  return out;
}

// The last status call from one node to another; null when it failed or is not known.
Json RoundTrip(const ClusterView& view, const NodeView& from, uint32_t to) {
  if (!view.Reachable(from.id())) return nullptr;
  for (const v1::PeerSample& peer : from.latest().peers()) {
    if (peer.node_id() == to && peer.reachable()) return peer.round_trip_seconds();
  }
  return nullptr;
}

Json ShardStorageJson(const v1::ReplicaSample& replica) {
  const v1::ReplicaStatus& status = replica.status();
  const uint64_t next = status.last_index() + 1;
  return {{"shard", status.shard()},
          {"log_bytes", status.log_bytes()},
          {"log_entries", next - std::min(next, status.first_index())},
          {"first_index", status.first_index()},
          {"last_index", status.last_index()},
          {"snapshot_index", status.snapshot_index()},
          {"snapshot_bytes", replica.snapshot_bytes()},
          {"snapshots_taken_total", replica.snapshots_taken()},
          {"snapshots_installed_total", replica.snapshots_installed()}};
}

Json NodeStorageJson(const ClusterView& view, const NodeView& node) {
  Json out = {{"node", node.id()}, {"reachable", view.Reachable(node.id())}};
  const bool seen = node.Seen();
  static const v1::NodeSample& none = *new v1::NodeSample();
  const v1::NodeSample& sample = seen ? node.latest() : none;
  const v1::StorageSample& storage = sample.storage();
  const auto known = [seen](auto value) { return seen ? Json(value) : Json(); };
  out["disk_bytes"] = known(storage.disk_bytes());
  out["disk_free_bytes"] = known(storage.disk_free_bytes());
  out["disk_capacity_bytes"] = known(storage.disk_capacity_bytes());
  for (const char* name :
       {"sync_p50_seconds", "sync_p99_seconds", "syncs_per_second", "written_bytes_per_second"}) {
    out[name] = OrNull(SeriesValue(view, node.id(), name));
  }
  const v1::Durations writes =
      seen ? node.StorageWindow(&v1::StorageSample::write) : v1::Durations();
  out["write_p99_seconds"] = OrNull(QuantileSeconds(writes, 0.99));
  out["disk_full"] = known(storage.disk_full());
  out["corruptions_total"] = known(storage.corruptions());
  out["write_stalls_total"] = known(storage.write_stalls());
  out["pending_compaction_bytes"] = known(storage.pending_compaction_bytes());
  out["memtable_bytes"] = known(storage.memtable_bytes());
  out["shards"] = Json::array();
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    out["shards"].push_back(ShardStorageJson(replica));
  }
  return out;
}

}  // namespace

Json NodesJson(const ClusterView& view, const std::vector<NodeAddresses>& addresses) {
  Json out = Envelope(view);
  out["nodes"] = Json::array();
  for (const NodeAddresses& one : addresses) {
    const NodeView* const node = view.Find(one.node);
    if (node != nullptr) out["nodes"].push_back(NodeJson(view, *node, one));
  }
  return out;
}

Json ShardsJson(const ClusterView& view, const EventLog& events) {
  Json out = Envelope(view);
  out["shards"] = Json::array();
  for (const uint32_t shard : view.shards()) {
    out["shards"].push_back(ShardJson(view, events, shard));
  }
  return out;
}

Json RaftJson(const ClusterView& view, const EventLog& events) {
  Json out = Envelope(view);
  out["window_seconds"] = kWindowSeconds;
  out["shards"] = Json::array();
  for (const uint32_t shard : view.shards()) {
    const ShardLeader leader = view.LeaderOf(shard);
    const bool known = leader.node != 0;
    out["shards"].push_back(
        {{"shard", shard},
         {"leader", known ? Json(leader.node) : Json()},
         {"term", leader.term},
         {"stages", known ? StagesJson(*view.Find(leader.node), shard) : Json::array()}});
  }
  out["round_trips"] = Json::array();
  for (const auto& [from, node] : view.nodes()) {
    for (const auto& [to, other] : view.nodes()) {
      if (from == to) continue;
      out["round_trips"].push_back(
          {{"from", from}, {"to", to}, {"seconds", RoundTrip(view, node, to)}});
    }
  }
  out["elections"] = Json::array();
  for (const Election& election : events.elections()) {
    out["elections"].push_back({{"time_ms", election.time_ms},
                                {"shard", election.shard},
                                {"term", election.term},
                                {"leader", election.leader}});
  }
  return out;
}

Json StorageJson(const ClusterView& view) {
  Json out = Envelope(view);
  out["nodes"] = Json::array();
  for (const auto& [id, node] : view.nodes()) out["nodes"].push_back(NodeStorageJson(view, node));
  return out;
}

}  // namespace quorumbook::server
