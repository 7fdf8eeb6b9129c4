// What an error of one attempt means for the next.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::client {

struct RpcError {
  grpc::Status status;
  v1::ErrorDetail detail;  // empty when the server sent none
};

// The error of a finished call. REQUIRES: the call of `context` has finished.
RpcError ErrorOf(const grpc::Status& status, const grpc::ClientContext& context);

enum class NextStep {
  kFollowLeader,   // detail.leader_address says whom to ask
  kNextNode,       // this node can not serve it; another may
  kSameNodeLater,  // after detail.retry_after_ms
  kGiveUp,         // asking again would give the same answer
};
NextStep Judge(const RpcError& error);

// In a few words, for people: "not the leader, and knows none".
std::string Describe(const RpcError& error);

absl::Status ToAbsl(const grpc::Status& status);

}  // namespace quorumbook::client
