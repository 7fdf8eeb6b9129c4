#include "server/monitoring/cluster_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "server/monitoring/series.h"

namespace quorumbook::server {
namespace {

template <typename Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

// Adds what a series says of all nodes that answer; none when none says anything.
std::optional<double> SumOf(const ClusterView& view, std::string_view series) {
  std::optional<double> sum;
  for (const auto& [id, node] : view.nodes()) {
    const std::optional<double> value = SeriesValue(view, id, series);
    if (value) sum = sum.value_or(0) + *value;
  }
  return sum;
}

template <typename Better>
std::optional<double> BestOf(const ClusterView& view, std::string_view series, Better better) {
  std::optional<double> best;
  for (const auto& [id, node] : view.nodes()) {
    const std::optional<double> value = SeriesValue(view, id, series);
    if (value && (!best || better(*value, *best))) best = value;
  }
  return best;
}

Json WholeOrNull(const std::optional<double>& value) {
  return value ? Json(static_cast<int64_t>(*value)) : Json();
}

Json LeastFreeRatio(const ClusterView& view) {
  std::optional<double> least;
  for (const auto& [id, node] : view.nodes()) {
    if (!node.Seen() || node.latest().storage().disk_capacity_bytes() == 0) continue;
    const v1::StorageSample& storage = node.latest().storage();
    const double ratio = static_cast<double>(storage.disk_free_bytes()) /
                         static_cast<double>(storage.disk_capacity_bytes());
    least = std::min(least.value_or(ratio), ratio);
  }
  return OrNull(least);
}

// Of the shards' leaders, or null when there is none.
template <typename Count>
Json SumOfLeaders(const ClusterView& view, Count count) {
  std::optional<uint64_t> sum;
  for (const uint32_t shard : view.shards()) {
    const v1::ReplicaSample* const leader = view.LeadingReplica(shard);
    if (leader != nullptr) sum = sum.value_or(0) + count(*leader);
  }
  return OrNull(sum);
}

Json FiguresJson(const ClusterView& view, const AlertEngine& alerts) {
  constexpr auto kGreater = std::greater<double>();
  uint32_t reachable = 0;
  for (const auto& [id, node] : view.nodes()) reachable += view.Reachable(id) ? 1 : 0;
  Json out;
  for (const char* name :
       {"commands_per_second", "orders_per_second", "fills_per_second", "rejects_per_second"}) {
    out[name] = OrNull(SumOf(view, name));
  }
  for (const char* name : {"commit_p50_seconds", "commit_p99_seconds", "acknowledge_p50_seconds",
                           "acknowledge_p99_seconds"}) {
    out[name] = OrNull(BestOf(view, name, kGreater));
  }
  out["worst_replica_lag_entries"] = WholeOrNull(BestOf(view, "replica_lag_entries", kGreater));
  out["worst_apply_lag_entries"] = WholeOrNull(BestOf(view, "apply_lag_entries", kGreater));
  out["open_orders"] = SumOfLeaders(
      view, [](const v1::ReplicaSample& replica) { return replica.status().open_orders(); });
  out["sessions"] = SumOfLeaders(
      view, [](const v1::ReplicaSample& replica) { return replica.status().sessions(); });
  out["symbols"] =
      SumOfLeaders(view, [](const v1::ReplicaSample& replica) { return replica.symbols(); });
  out["market_data_subscribers"] = WholeOrNull(SumOf(view, "market_data_subscribers"));
  out["least_disk_free_bytes"] = WholeOrNull(BestOf(view, "disk_free_bytes", std::less<double>()));
  out["least_disk_free_ratio"] = LeastFreeRatio(view);
  out["nodes"] = view.nodes().size();
  out["nodes_reachable"] = reachable;
  out["shards"] = view.shards().size();
  out["alerts_firing"] = alerts.firing();
  out["alerts_pending"] = alerts.pending();
  return out;
}

}  // namespace

Json Envelope(const ClusterView& view) {
  Json unreachable = Json::array();
  for (const auto& [id, node] : view.nodes()) {
    if (view.Reachable(id)) continue;
    const std::string& failure = node.failure();
    unreachable.push_back({{"node", id},
                           {"reason", failure.empty() ? "its last answer is too old" : failure},
                           {"since_ms", node.since_ms()}});
  }
  return {{"cluster_id", view.cluster_id()},
          {"node", view.self()},
          {"time_ms", view.now_ms()},
          {"unreachable", std::move(unreachable)}};
}

Json HealthJson(const ClusterView& view, const Health& health) {
  Json out = Envelope(view);
  out["verdict"] = VerdictName(health.verdict);
  out["sentence"] = health.sentence;
  out["reasons"] = health.reasons;
  out["voters"] = health.voters;
  out["voters_reachable"] = health.voters_reachable;
  out["can_lose"] = health.can_lose;
  out["shards"] = view.shards().size();
  out["shards_without_leader"] = health.shards_without_leader;
  out["alerts_firing"] = health.alerts_firing;
  return out;
}

Json SummaryJson(const ClusterView& view, const Health& health, const AlertEngine& alerts) {
  Json out = Envelope(view);
  out["health"] = HealthJson(view, health);
  out["figures"] = FiguresJson(view, alerts);
  std::set<std::string> versions;
  for (const auto& [id, node] : view.nodes()) {
    if (view.Reachable(id)) versions.insert(node.latest().version());
  }
  out["versions"] = versions;
  return out;
}

Json AlertsJson(const ClusterView& view, const AlertEngine& alerts) {
  std::vector<std::pair<int, Json>> rules;  // by state, then name
  for (const AlertRule& rule : alerts.rules()) {
    Json instances = Json::array();
    int rank = 2;
    for (const auto& [labels, instance] : alerts.InstancesOf(rule)) {
      rank = std::min(rank, instance.firing ? 0 : 1);
      instances.push_back({{"labels", Json(labels)},
                           {"state", instance.firing ? "firing" : "pending"},
                           {"value", instance.value},
                           {"since_ms", instance.since_ms},
                           {"message", instance.message}});
    }
    constexpr std::array<const char*, 3> kStates = {"firing", "pending", "inactive"};
    rules.emplace_back(rank, Json{{"name", rule.name},
                                  {"severity", rule.severity},
                                  {"summary", rule.summary},
                                  {"threshold", rule.threshold},
                                  {"unit", rule.unit},
                                  {"for_seconds", rule.for_seconds},
                                  {"what_to_do", rule.what_to_do},
                                  {"runbook", Runbook(rule)},
                                  {"expression", Expression(rule)},
                                  {"state", kStates.at(static_cast<size_t>(rank))},
                                  {"instances", std::move(instances)}});
  }
  std::stable_sort(rules.begin(), rules.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Json out = Envelope(view);
  out["rules"] = Json::array();
  for (auto& [rank, rule] : rules) out["rules"].push_back(std::move(rule));
  out["history"] = Json::array();
  for (const AlertChange& change : alerts.history()) {
    out["history"].push_back({{"time_ms", change.time_ms},
                              {"name", change.rule->name},
                              {"severity", change.rule->severity},
                              {"labels", Json(change.labels)},
                              {"state", change.firing ? "firing" : "resolved"},
                              {"value", change.value},
                              {"message", change.message}});
  }
  return out;
}

Json EventsJson(const ClusterView& view, const EventLog& events, uint64_t after, size_t limit) {
  Json list = Json::array();
  const auto& all = events.events();
  for (auto event = all.rbegin(); event != all.rend() && list.size() < limit; ++event) {
    if (event->id <= after) break;
    list.push_back({{"id", event->id},
                    {"time_ms", event->time_ms},
                    {"kind", event->kind},
                    {"severity", event->severity},
                    {"node", event->node == 0 ? Json() : Json(event->node)},
                    {"shard", event->shard == 0 ? Json() : Json(event->shard)},
                    {"message", event->message}});
  }
  Json out = Envelope(view);
  out["events"] = std::move(list);
  out["oldest_id"] = all.empty() ? 0 : all.front().id;
  return out;
}

Json TimeseriesJson(const ClusterView& view, const History& history, const TimeseriesQuery& query) {
  std::vector<size_t> chosen;
  Json series = Json::array();
  for (size_t i = 0; i < AllSeries().size(); ++i) {
    const Series& one = AllSeries()[i];
    const bool wanted = query.series.empty() || std::find(query.series.begin(), query.series.end(),
                                                          one.name) != query.series.end();
    if (!wanted) continue;
    chosen.push_back(i);
    series.push_back({{"name", one.name}, {"unit", one.unit}, {"help", one.help}});
  }
  size_t first = 0;
  while (first < history.size() && history.TimeMs(first) <= query.since_ms) ++first;
  Json times = Json::array();
  for (size_t point = first; point < history.size(); ++point) {
    times.push_back(history.TimeMs(point));
  }
  Json nodes = Json::array();
  for (const auto& [id, node] : view.nodes()) {
    const bool wanted = query.nodes.empty() ||
                        std::find(query.nodes.begin(), query.nodes.end(), id) != query.nodes.end();
    if (!wanted) continue;
    Json values = Json::object();
    for (const size_t i : chosen) {
      Json points = Json::array();
      for (size_t point = first; point < history.size(); ++point) {
        const double value = history.Value(id, i, point);
        points.push_back(std::isnan(value) ? Json() : Json(value));
      }
      values[std::string(AllSeries()[i].name)] = std::move(points);
    }
    nodes.push_back({{"node", id}, {"values", std::move(values)}});
  }
  Json out = Envelope(view);
  out["interval_ms"] = kHistoryIntervalMs;
  out["capacity"] = kHistoryPoints;
  out["series"] = std::move(series);
  out["times_ms"] = std::move(times);
  out["nodes"] = std::move(nodes);
  return out;
}

}  // namespace quorumbook::server
