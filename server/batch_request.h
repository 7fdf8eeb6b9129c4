// What a batch of the public protocol asks of a shard, checked on behalf of every call that takes
// one.
#pragma once

#include <string>

#include "quorumbook/v1/exchange.pb.h"
#include "server/config.h"
#include "server/name_directory.h"
#include "server/replica/refusal.h"

namespace quorumbook::server {

// What `batch` asks of its shard, whose names are `names`, encoded as a group for
// ShardReplica::Submit; or why it is not even tried: kBatchTooLarge, or kMalformed, also for a
// symbol that is to be added where `config` says it does not live.
Refusal ReadBatch(const Config& config, const NameDirectory& names, const v1::CommandBatch& batch,
                  std::string* group);

}  // namespace quorumbook::server
