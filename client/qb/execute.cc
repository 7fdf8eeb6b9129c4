#include "client/qb/execute.h"

#include <absl/strings/str_cat.h>

#include <iostream>
#include <utility>
#include <vector>

namespace quorumbook::qb {

absl::StatusOr<v1::CommandResult> Execute(const Context& context, Client& client, uint32_t shard,
                                          v1::Command command, const std::string& unknown) {
  SessionOptions options;
  options.timeout = context.timeout;
  auto session = client.OpenSessionOn(shard, context.account, options);
  if (!session.ok()) return session.status();
  absl::StatusOr<v1::CommandResult> result = (*session)->Execute(std::move(command));
  if (result.ok()) return result;
  if (result.status().code() == absl::StatusCode::kInvalidArgument) return result.status();
  return absl::Status(
      result.status().code(),
      absl::StrCat(result.status().message(), "; whether it was executed is not known: ", unknown));
}

bool Rejected(const v1::CommandResult& result) {
  for (const v1::ExecutionReport& report : result.reports()) {
    if (report.exec_type() == v1::ExecutionReport::REJECTED) return true;
  }
  return false;
}

int PrintOperation(const Context& context, uint32_t shard, const v1::CommandResult& result) {
  const bool rejected = Rejected(result);
  Json json = {
      {"result", rejected ? "rejected" : "accepted"}, {"shard", shard}, {"reports", Json::array()}};
  for (const v1::ExecutionReport& report : result.reports()) {
    json["reports"].push_back({{"event_sequence", report.event_sequence()},
                               {"exec_type", Name(report.exec_type())},
                               {"reason", Name(report.reason())},
                               {"account", report.account()}});
  }
  if (context.json) {
    PrintJson(json);
    return rejected ? kExitRejected : kExitOk;
  }
  for (const v1::ExecutionReport& report : result.reports()) {
    const bool has_reason = report.reason() != v1::REASON_NONE;
    std::cout << "shard " << shard << ": " << Name(report.exec_type());
    if (has_reason) std::cout << " (" << Name(report.reason()) << ": " << Explain(report.reason());
    std::cout << (has_reason ? ")\n" : "\n");
  }
  return rejected ? kExitRejected : kExitOk;
}

int Operate(const Context& context, Client& client, uint32_t shard, v1::Command command,
            const std::string& unknown) {
  absl::StatusOr<v1::CommandResult> result =
      Execute(context, client, shard, std::move(command), unknown);
  if (!result.ok()) return ReportError(context, result.status());
  return PrintOperation(context, shard, *result);
}

absl::StatusOr<uint32_t> ChooseShard(Client& client, uint32_t shard) {
  const std::vector<uint32_t> shards = client.Shards();
  if (shard != 0) return shard;
  if (shards.size() == 1) return shards.front();
  return absl::InvalidArgumentError(
      absl::StrCat("the cluster has ", shards.size(),
                   " shards, each with its own balances: name one with --shard"));
}

}  // namespace quorumbook::qb
