// The public protocol's commands and reports, from and to the exchange's own.
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "common/ids.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"
#include "server/symbol_directory.h"

namespace quorumbook::server {

// Commands in one batch. With at most kMaxSymbolName bytes of text in each, a batch is far smaller
// than a log entry may be.
inline constexpr int kMaxBatchCommands = 1'000;

// The group that `batch` asks for. A name that is no symbol yet becomes id 0, so that the exchange
// itself refuses it, in its place among the session's commands. kInvalidArgument names the command
// and field that is malformed (not merely refusable).
absl::StatusOr<exchange::SessionCommands> FromProto(const v1::CommandBatch& batch,
                                                    const SymbolDirectory& symbols);

// For the account of the incoming order: the other side stays anonymous unless it is the same.
void ToProto(const exchange::Event& event, v1::ExecutionReport* report);

void ToProto(const exchange::OrderInfo& order, std::string_view symbol, v1::Order* out);
void ToProto(const exchange::SymbolInfo& symbol, ShardId shard, v1::Symbol* out);

}  // namespace quorumbook::server
