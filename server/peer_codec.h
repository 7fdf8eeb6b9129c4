// Raft messages as protobuf, and back from bytes that a peer sent.
#pragma once

#include <absl/status/statusor.h>

#include "common/ids.h"
#include "consensus/message.h"
#include "quorumbook/v1/peer.pb.h"

namespace quorumbook::server {

void ToProto(ShardId shard, const consensus::Message& message, v1::PeerMessage* out);

// `from` is the verified sender. Takes the payloads out of `message`. kInvalidArgument: no body or
// an entry type that does not exist.
absl::StatusOr<consensus::Message> FromProto(NodeId from, NodeId to, v1::PeerMessage* message);

// Bytes that a message takes, roughly: for the bounds of queues.
uint64_t ApproximateBytes(const consensus::Message& message);

}  // namespace quorumbook::server
