#include "server/batch_request.h"

#include <fmt/format.h>

#include <utility>

#include "exchange/command_codec.h"
#include "server/order_codec.h"

namespace quorumbook::server {
namespace {

// Clients look for a symbol where the configuration says it is: elsewhere it would be a second
// market of its name, which nobody finds.
std::string WhyNotHere(const Config& config, const v1::CommandBatch& batch) {
  for (int i = 0; i < batch.commands_size(); ++i) {
    if (!batch.commands(i).has_add_symbol()) continue;
    const std::string& name = batch.commands(i).add_symbol().name();
    const ShardId shard = config.ShardOf(name);
    if (shard == ShardId(batch.shard())) continue;
    return fmt::format("commands[{}]: symbol '{}' lives on shard {} by configuration", i, name,
                       shard.value());
  }
  return "";
}

}  // namespace

Refusal ReadBatch(const Config& config, const NameDirectory& names, const v1::CommandBatch& batch,
                  std::string* group) {
  if (batch.commands_size() > kMaxBatchCommands) {
    return {RefusalCode::kBatchTooLarge,
            fmt::format("the batch has {} commands; at most {} go into one", batch.commands_size(),
                        kMaxBatchCommands),
            NodeId()};
  }
  absl::StatusOr<exchange::SessionCommands> commands = FromProto(batch, names);
  if (!commands.ok()) {
    return {RefusalCode::kMalformed, std::string(commands.status().message()), NodeId()};
  }
  if (std::string why = WhyNotHere(config, batch); !why.empty()) {
    return {RefusalCode::kMalformed, std::move(why), NodeId()};
  }
  *group = exchange::EncodeGroup(*std::move(commands));
  return {};
}

}  // namespace quorumbook::server
