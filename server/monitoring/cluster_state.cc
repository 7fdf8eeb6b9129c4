#include "server/monitoring/cluster_state.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "server/monitoring/series.h"

namespace quorumbook::server {
namespace {

std::vector<uint32_t> NodesOf(const Config& config) {
  std::vector<uint32_t> nodes;
  for (const PeerConfig& peer : config.peers) {
    nodes.push_back(static_cast<uint32_t>(peer.id.value()));
  }
  return nodes;
}

std::vector<uint32_t> ShardsOf(const Config& config) {
  std::vector<uint32_t> shards;
  for (const ShardId shard : config.shards) shards.push_back(static_cast<uint32_t>(shard.value()));
  return shards;
}

}  // namespace

ClusterState::ClusterState(const MonitorEnvironment& environment, int64_t now_ms)
    : environment_(environment),
      view_(environment.config->cluster_id,
            static_cast<uint32_t>(environment.config->node_id.value()),
            NodesOf(*environment.config), ShardsOf(*environment.config), now_ms),
      history_(NodesOf(*environment.config), AllSeries().size()),
      alerts_(&AlertRules()) {
  for (const PeerConfig& peer : environment.config->peers) {
    addresses_.push_back(
        {static_cast<uint32_t>(peer.id.value()), peer.client_address, peer.peer_address});
  }
  health_ = Judge(view_, {}, environment.shards->waiting_for());
}

const v1::NodeSample* ClusterState::own_sample() const {
  const NodeView* const self = view_.Find(view_.self());
  return self->Seen() ? &self->latest() : nullptr;
}

bool ClusterState::Update(int64_t now_ms) {
  view_.set_now_ms(now_ms);
  const int64_t passed_ms = now_ms - std::exchange(updated_ms_, now_ms);
  const bool paused = passed_ms != now_ms && passed_ms > kUnreachableAfterMs;
  if (paused) return false;
  const std::string waiting_for = environment_.shards->waiting_for();
  const bool founded = waiting_for.empty();
  AddToHistory(now_ms);
  std::vector<AlertChange> changes;
  // There is nothing to miss before the cluster is founded.
  if (founded) {
    events_.Observe(view_);
    changes = alerts_.Evaluate({view_, events_, history_});
  }
  for (const AlertChange& change : changes) {
    const bool critical = change.rule->severity == "critical";
    if (change.firing) {
      events_.Add(now_ms, "alert_firing", critical ? "critical" : "warning", 0, 0,
                  absl::StrCat(std::string(change.rule->name), ": ", change.message));
    } else {
      events_.Add(now_ms, "alert_resolved", "info", 0, 0,
                  absl::StrCat(std::string(change.rule->name), " is over"));
    }
  }
  health_ = Judge(view_, alerts_.Firing(), waiting_for);
  return alerts_.changed() || alerts_.pending() + alerts_.firing() > 0;
}

void ClusterState::ShiftClock(int64_t step_ms) {
  view_.ShiftClock(step_ms);
  updated_ms_ += step_ms;
  history_.ShiftClock(step_ms);
  events_.ShiftClock(step_ms);
  alerts_.ShiftClock(step_ms);
}

void ClusterState::AddToHistory(int64_t now_ms) {
  // A clock that is slowed down may stand still.
  if (history_.size() > 0 && now_ms <= history_.TimeMs(history_.size() - 1)) return;
  std::map<uint32_t, std::vector<double>> values;
  for (const auto& [id, node] : view_.nodes()) {
    if (!view_.Reachable(id)) continue;
    std::vector<double>& of_node = values[id];
    for (const Series& series : AllSeries()) {
      of_node.push_back(series.value(view_, node).value_or(kNoValue));
    }
  }
  history_.Add(now_ms, values);
}

void ClusterState::AddOwn(SharedSample sample, int64_t now_ms) {
  own_at_ = std::chrono::steady_clock::now();
  view_.Find(view_.self())->Add(std::move(sample), now_ms, 0);
}

}  // namespace quorumbook::server
