// Identities that every room shares.
#pragma once

#include "common/strong_id.h"

namespace quorumbook {

// A daemon of the cluster. 0 is "none".
using NodeId = StrongId<struct NodeIdTag>;
// A Raft group and the state machine it replicates. 0 is "none".
using ShardId = StrongId<struct ShardIdTag>;

}  // namespace quorumbook
