#include "client/replay/shard_state.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace quorumbook::replay {

namespace {

constexpr std::chrono::milliseconds kAskEvery{50};

ReplicaState ToReplicaState(const Client::NodeReport& report, uint32_t shard) {
  ReplicaState state;
  state.node = report.node.id();
  if (!report.status.ok()) {
    state.error = std::string(report.status.status().message());
    return state;
  }
  for (const v1::ReplicaStatus& replica : report.status->replicas()) {
    if (replica.shard() != shard) continue;
    state.leader = replica.role() == v1::ReplicaStatus::LEADER;
    state.applied_index = replica.applied_index();
    state.market_digest = replica.market_digest();
    return state;
  }
  state.error = absl::StrCat("has no replica of shard ", shard);
  return state;
}

// None without a leader.
std::optional<ShardState> ToShardState(const std::vector<Client::NodeReport>& reports,
                                       uint32_t shard) {
  ShardState state;
  state.shard = shard;
  bool has_leader = false;
  for (const Client::NodeReport& report : reports) {
    state.replicas.push_back(ToReplicaState(report, shard));
    const ReplicaState& replica = state.replicas.back();
    // Of two that believe they lead, the one that was deposed lags.
    if (!replica.leader || (has_leader && replica.applied_index < state.last_index)) continue;
    has_leader = true;
    state.last_index = replica.applied_index;
    state.market_digest = replica.market_digest;
  }
  if (!has_leader) return std::nullopt;
  return state;
}

}  // namespace

size_t ShardState::agreeing() const {
  return static_cast<size_t>(
      std::count_if(replicas.begin(), replicas.end(), [&](const ReplicaState& replica) {
        return replica.applied_index == last_index && replica.market_digest == market_digest;
      }));
}

size_t ShardState::diverged() const {
  return static_cast<size_t>(
      std::count_if(replicas.begin(), replicas.end(), [&](const ReplicaState& replica) {
        return replica.error.empty() && replica.applied_index == last_index &&
               replica.market_digest != market_digest;
      }));
}

absl::StatusOr<ShardState> ReadShardState(Client& client, uint32_t shard,
                                          std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::optional<ShardState> last;
  absl::Status error;
  for (;;) {
    auto reports = client.ClusterStatus(/*digests=*/true);
    if (reports.ok()) {
      if (auto state = ToShardState(*reports, shard)) last = std::move(state);
    } else {
      error = reports.status();
    }
    const bool settled =
        last.has_value() && last->agreeing() + last->diverged() == last->replicas.size();
    if (settled || std::chrono::steady_clock::now() + kAskEvery > deadline) break;
    std::this_thread::sleep_for(kAskEvery);
  }
  if (last.has_value()) return *std::move(last);
  if (!error.ok()) return error;
  return absl::UnavailableError(
      absl::StrCat("no node says that it leads shard ", shard, "; see: qb cluster status"));
}

}  // namespace quorumbook::replay
