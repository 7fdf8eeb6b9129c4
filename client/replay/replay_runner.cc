#include "client/replay/replay_runner.h"

#include <absl/strings/str_cat.h>

#include <chrono>
#include <utility>

namespace quorumbook::replay {

namespace {

using Clock = std::chrono::steady_clock;

// Waits for the answers and gathers the result. `read` is how reading and sending ended.
ReplayResult Finish(absl::Status read, Clock::time_point start, OrderSession& session,
                    const ReplayTally& tally, ProgressBar& progress) {
  const absl::Status drained = session.Drain();
  ReplayResult result;
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  result.session = session.stats();
  result.tally = tally.counts();
  progress.Draw(1, result.tally.commands);
  result.status = std::move(read);
  result.status.Update(result.tally.first_error);
  result.status.Update(drained);
  return result;
}

absl::Status SendCsv(CsvFlowReader& flow, OrderSession& session, ReplayTally& tally,
                     ProgressBar& progress) {
  for (;;) {
    auto command = flow.Next();
    if (!command.ok()) return command.status();
    if (!command->has_value()) return absl::OkStatus();
    absl::Status sent = session.Submit(
        **std::move(command),
        [&tally](const absl::StatusOr<v1::CommandResult>& result) { tally.OnResult(result); });
    if (!sent.ok()) return sent;
    if (progress.IsDue()) progress.Draw(flow.lines().fraction_read(), tally.answered());
  }
}

absl::Status PlanLobster(LobsterReader& recording, LobsterPlanner& planner) {
  for (;;) {
    auto step = recording.Next();
    if (!step.ok()) {
      // The group that was being collected is what was read before the error.
      absl::Status planned = planner.Finish();
      return planned.ok() ? step.status() : planned;
    }
    if (!step->has_value()) return planner.Finish();
    if (absl::Status planned = planner.Add(**step); !planned.ok()) return planned;
  }
}

}  // namespace

ReplayResult ReplayCsv(CsvFlowReader& flow, OrderSession& session, FillLog* fills,
                       ProgressBar& progress) {
  const Clock::time_point start = Clock::now();
  ReplayTally tally(fills);
  return Finish(SendCsv(flow, session, tally, progress), start, session, tally, progress);
}

ReplayResult ReplayLobster(LobsterReader& recording, const std::string& symbol,
                           OrderSession& session, FillLog* fills, ProgressBar& progress) {
  const Clock::time_point start = Clock::now();
  ReplayTally tally(fills);
  LobsterVerifier verifier;
  LobsterPlanner planner(symbol, [&](PlannedStep step) -> absl::Status {
    std::optional<v1::Command> command = step.command;
    verifier.Expect(std::move(step));
    if (!command.has_value()) return absl::OkStatus();
    if (progress.IsDue()) progress.Draw(recording.lines().fraction_read(), tally.answered());
    return session.Submit(*std::move(command),
                          [&](const absl::StatusOr<v1::CommandResult>& result) {
                            tally.OnResult(result);
                            if (result.ok()) verifier.OnResult(*result);
                          });
  });
  absl::Status planned = PlanLobster(recording, planner);
  ReplayResult result = Finish(std::move(planned), start, session, tally, progress);
  result.lobster = {recording.depth(), planner.counts(), verifier.counts()};
  return result;
}

}  // namespace quorumbook::replay
