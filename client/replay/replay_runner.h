// Sends a recording through a session, with as many commands in flight as the session allows.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>

#include "client/replay/csv_flow.h"
#include "client/replay/fill_log.h"
#include "client/replay/lobster_files.h"
#include "client/replay/lobster_planner.h"
#include "client/replay/lobster_verifier.h"
#include "client/replay/progress_bar.h"
#include "client/replay/replay_tally.h"
#include "quorumbook/order_session.h"

namespace quorumbook::replay {

struct LobsterResult {
  size_t levels = 0;
  LobsterPlanner::Counts planned;
  VerifierCounts verified;
};

struct ReplayResult {
  // OK when all of the recording was sent and answered. Otherwise why not, with file and line when
  // it is the file's fault; what was read before was sent, answered and counted.
  absl::Status status;
  TallyCounts tally;
  std::optional<LobsterResult> lobster;
  SessionStats session;
  double seconds = 0;  // until the last answer
};

// Both return when everything sent is answered or given up. `fills` may be null.
ReplayResult ReplayCsv(CsvFlowReader& flow, OrderSession& session, FillLog* fills,
                       ProgressBar& progress);
// The symbol's book has to be empty before, and other accounts have to leave it alone.
ReplayResult ReplayLobster(LobsterReader& recording, const std::string& symbol,
                           OrderSession& session, FillLog* fills, ProgressBar& progress);

}  // namespace quorumbook::replay
