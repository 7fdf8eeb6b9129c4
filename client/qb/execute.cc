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

// What reports of this type have besides what all have.
static Json DetailsOf(const v1::ExecutionReport& report, const ReportUnits& units) {
  const auto price = [&](int64_t ticks) {
    return ticks == 0 ? Json(nullptr) : Json(FromUnits(ticks, units.price));
  };
  const auto quantity = [&](int64_t some) { return FromUnits(some, units.quantity); };
  switch (report.exec_type()) {
    case v1::ExecutionReport::PHASE_CHANGED:
      return {{"phase", Name(report.phase())}, {"reference_price", price(report.price())}};
    case v1::ExecutionReport::TRADE:
      return {{"last_price", price(report.last_price())},
              {"last_quantity", quantity(report.last_quantity())}};
    case v1::ExecutionReport::UNCROSSED:
      return {{"price", price(report.price())}, {"quantity", quantity(report.quantity())}};
    case v1::ExecutionReport::BALANCE_CHANGED:
      return {{"amount", quantity(report.quantity())},
              {"free", quantity(report.leaves_quantity())}};
    default:
      return Json::object();
  }
}

// ", price 10.00, quantity 5"
static std::string TextOf(const Json& details) {
  std::string text;
  for (const auto& [name, value] : details.items()) {
    absl::StrAppend(&text, ", ", name, " ", value.is_null() ? "-" : value.get<std::string>());
  }
  return text;
}

int PrintOperation(const Context& context, uint32_t shard, const v1::CommandResult& result,
                   const ReportUnits& units) {
  const bool rejected = Rejected(result);
  Json json = {
      {"result", rejected ? "rejected" : "accepted"}, {"shard", shard}, {"reports", Json::array()}};
  for (const v1::ExecutionReport& report : result.reports()) {
    Json item = {{"event_sequence", report.event_sequence()},
                 {"exec_type", Name(report.exec_type())},
                 {"reason", Name(report.reason())},
                 {"account", report.account()}};
    item.update(DetailsOf(report, units));
    json["reports"].push_back(std::move(item));
  }
  if (context.json) {
    PrintJson(json);
    return rejected ? kExitRejected : kExitOk;
  }
  for (const v1::ExecutionReport& report : result.reports()) {
    const bool has_reason = report.reason() != v1::REASON_NONE;
    std::cout << "shard " << shard << ": " << Name(report.exec_type())
              << TextOf(DetailsOf(report, units));
    if (has_reason) std::cout << " (" << Name(report.reason()) << ": " << Explain(report.reason());
    std::cout << (has_reason ? ")\n" : "\n");
  }
  return rejected ? kExitRejected : kExitOk;
}

int Operate(const Context& context, Client& client, uint32_t shard, v1::Command command,
            const std::string& unknown, const ReportUnits& units) {
  absl::StatusOr<v1::CommandResult> result =
      Execute(context, client, shard, std::move(command), unknown);
  if (!result.ok()) return ReportError(context, result.status());
  return PrintOperation(context, shard, *result, units);
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
