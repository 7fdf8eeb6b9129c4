// Commands of the public protocol, to the exchange's own.
#pragma once

#include <absl/status/statusor.h>

#include "exchange/command.h"
#include "quorumbook/v1/exchange.pb.h"
#include "server/name_directory.h"

namespace quorumbook::server {

// Commands in one batch. With little more than two names of text in each, a batch is far smaller
// than a log entry may be.
inline constexpr int kMaxBatchCommands = 1'000;

// The group that `batch` asks for. A name that is not there (yet) becomes an id that nothing has,
// so that the exchange itself refuses the command, in its place among the session's.
// kInvalidArgument names the command and field that is malformed (not merely refusable).
absl::StatusOr<exchange::SessionCommands> FromProto(const v1::CommandBatch& batch,
                                                    const NameDirectory& names);

}  // namespace quorumbook::server
