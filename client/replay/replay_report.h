// What a replay says of itself, as JSON; docs/replay.md explains the fields.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "client/replay/replay_runner.h"
#include "client/replay/shard_state.h"

namespace quorumbook::replay {

struct ReplayReport {
  std::string format;  // csv or lobster
  std::string symbol;
  uint32_t shard = 0;
  ReplayResult result;
  std::optional<ShardState> state;  // none when no leader could be asked
};

nlohmann::ordered_json ToJson(const ReplayReport& report);

}  // namespace quorumbook::replay
