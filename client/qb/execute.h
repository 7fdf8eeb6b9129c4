// One command, executed in a session of its own, and what is said about it.
#pragma once

#include <string>

#include "client/qb/context.h"
#include "client/qb/render.h"
#include "quorumbook/client.h"

namespace quorumbook::qb {

// Errors: those of OrderSession; the message ends with `unknown`, which says how to find out what
// became of the command.
absl::StatusOr<v1::CommandResult> Execute(const Context& context, Client& client, uint32_t shard,
                                          v1::Command command, const std::string& unknown);

// In what the numbers of an operation's reports count.
struct ReportUnits {
  v1::Decimal price;
  v1::Decimal quantity;  // or an amount
};

bool Rejected(const v1::CommandResult& result);

// What an operator's command did: "done: phase_changed", or why it was rejected. Returns the exit
// code.
int PrintOperation(const Context& context, uint32_t shard, const v1::CommandResult& result,
                   const ReportUnits& units = {});

// Execute and PrintOperation.
int Operate(const Context& context, Client& client, uint32_t shard, v1::Command command,
            const std::string& unknown, const ReportUnits& units = {});

// `shard`, or the only one of the cluster when it is 0. kInvalidArgument when there are several.
absl::StatusOr<uint32_t> ChooseShard(Client& client, uint32_t shard);

}  // namespace quorumbook::qb
