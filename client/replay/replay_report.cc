#include "client/replay/replay_report.h"

#include <chrono>

namespace quorumbook::replay {

namespace {

using Json = nlohmann::ordered_json;

void AddState(const std::optional<ShardState>& state, Json* json) {
  if (!state.has_value()) {
    for (const char* key : {"digest", "last_index", "replicas_agreeing", "replicas"}) {
      (*json)[key] = nullptr;
    }
    return;
  }
  (*json)["digest"] = state->market_digest;
  (*json)["last_index"] = state->last_index;
  (*json)["replicas_agreeing"] = state->agreeing();
  Json replicas = Json::array();
  for (const ReplicaState& replica : state->replicas) {
    if (replica.error.empty()) {
      replicas.push_back({{"node", replica.node},
                          {"leader", replica.leader},
                          {"applied_index", replica.applied_index},
                          {"digest", replica.market_digest}});
    } else {
      replicas.push_back({{"node", replica.node}, {"error", replica.error}});
    }
  }
  (*json)["replicas"] = std::move(replicas);
}

void AddLobster(const LobsterResult& result, Json* json) {
  const VerifierCounts& verified = result.verified;
  const LobsterPlanner::Counts& planned = result.planned;
  (*json)["levels"] = result.levels;
  (*json)["messages"] = planned.messages;
  (*json)["hidden_executions"] = planned.hidden_executions;
  (*json)["skipped_crosses"] = planned.skipped_crosses;
  (*json)["skipped_halts"] = planned.skipped_halts;
  (*json)["unknown_orders"] = planned.unknown_orders;
  (*json)["synthetic_added"] = planned.synthetic_added;
  (*json)["window_removals"] = planned.window_removals;
  (*json)["book_checks"] = verified.book_checks;
  (*json)["book_exact"] = verified.book_exact;
  (*json)["book_edge_differences"] = verified.book_edge_differences;
  (*json)["book_inner_mismatches"] = verified.book_inner_mismatches;
  (*json)["ioc_groups"] = verified.ioc_groups;
  (*json)["ioc_groups_synthetic"] = verified.ioc_groups_synthetic;
  (*json)["ioc_groups_unknown"] = verified.ioc_groups_unknown;
  (*json)["ioc_fills_identical"] = verified.ioc_fills_identical;
  (*json)["event_errors"] = verified.event_errors;
  (*json)["first_differences"] = verified.first_differences;
}

}  // namespace

nlohmann::ordered_json ToJson(const ReplayReport& report) {
  const ReplayResult& result = report.result;
  const TallyCounts& tally = result.tally;
  const SessionStats& session = result.session;
  Json json;
  json["format"] = report.format;
  json["symbol"] = report.symbol;
  json["shard"] = report.shard;
  json["complete"] = result.status.ok();
  json["error"] = result.status.ok() ? Json(nullptr) : Json(std::string(result.status.message()));
  json["commands"] = tally.commands;
  json["accepted"] = tally.accepted;
  json["rejected"] = tally.rejected;
  json["rejected_by_reason"] = tally.rejected_by_reason;
  json["first_rejections"] = tally.first_rejections;
  json["unanswered"] = tally.unanswered;
  json["fills"] = tally.fills;
  json["filled_quantity"] = tally.filled_quantity;
  json["retries"] = session.resent;
  json["answered_by_earlier_execution"] = session.repeated;
  json["reconnects"] = session.reconnects;
  json["longest_outage_ms"] =
      std::chrono::duration<double, std::milli>(session.longest_outage).count();
  json["seconds"] = result.seconds;
  json["commands_per_second"] =
      result.seconds > 0 ? static_cast<double>(tally.commands) / result.seconds : 0.0;
  AddState(report.state, &json);
  if (result.lobster.has_value()) AddLobster(*result.lobster, &json);
  return json;
}

}  // namespace quorumbook::replay
