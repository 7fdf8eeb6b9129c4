// Changes of who leads a shard and of who is a member of its group. Their leader answers when they
// are done, or when it has tried in vain for some seconds.
#include <algorithm>
#include <utility>

#include "client/lib/client_impl.h"

namespace quorumbook::client {

using std::chrono::milliseconds;
using std::chrono::system_clock;

// For one attempt: longer than a leader tries, so that it can say what became of it. That is 3 s
// for a transfer and 5 s for a change of members (server/replica).
constexpr milliseconds kTransferAttempt{5'000};
constexpr milliseconds kMemberAttempt{7'000};

// `attempt` with as much time, within that of the whole call, which begins now.
static Connection::Attempt Patient(const ClientOptions& options, milliseconds time,
                                   Connection::Attempt attempt) {
  time = std::max(time, options.attempt_timeout);
  const system_clock::time_point end = system_clock::now() + options.timeout;
  return [time, end, attempt = std::move(attempt)](Node& node, grpc::ClientContext* context) {
    context->set_deadline(std::min(end, system_clock::now() + time));
    return attempt(node, context);
  };
}

// The node's term as the leader of `shard`. Errors: UNAVAILABLE when it does not lead.
static grpc::Status AskTermOfLeader(Node& node, grpc::ClientContext* context, uint32_t shard,
                                    uint64_t* term) {
  v1::NodeStatus response;
  grpc::Status status = node.cluster->GetNodeStatus(context, {}, &response);
  if (!status.ok()) return status;
  for (const v1::ReplicaStatus& replica : response.replicas()) {
    if (replica.shard() != shard || replica.role() != v1::ReplicaStatus::LEADER) continue;
    *term = replica.term();
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::UNAVAILABLE, "does not lead"};
}

absl::Status ClientImpl::TransferLeadership(uint32_t shard, uint32_t target_node) {
  constexpr std::string_view kWhat = "transfer leadership";
  const ClientOptions& options = connection_->options();
  // Without a target, only who leads now is asked: when its answer is lost, a repeat at the next
  // leader would move the leadership on.
  const Node* leader = nullptr;
  uint64_t term = 0;
  if (target_node == 0) {
    absl::Status found = connection_->CallLeader(
        shard, kWhat, options.timeout, [&](Node& node, grpc::ClientContext* context) {
          leader = &node;
          return AskTermOfLeader(node, context, shard, &term);
        });
    if (!found.ok()) return found;
  }
  v1::TransferLeadershipRequest request;
  request.set_shard(shard);
  request.set_target(target_node);
  v1::TransferLeadershipResponse response;
  grpc::Status refused;  // by who leads and goes on
  const auto attempt = [&](Node& node, grpc::ClientContext* context) -> grpc::Status {
    if (leader != nullptr && leader != &node) {
      uint64_t next = 0;
      grpc::Status status = AskTermOfLeader(node, context, shard, &next);
      if (!status.ok() || next > term) return status;
      return {grpc::StatusCode::UNAVAILABLE, "does not lead any more"};
    }
    grpc::Status status = node.cluster->TransferLeadership(context, request, &response);
    if (ErrorOf(status, *context).detail.code() != v1::ErrorDetail::BUSY) return status;
    refused = std::move(status);
    return grpc::Status::OK;  // that is an answer
  };
  absl::Status status = connection_->CallLeader(shard, kWhat, options.timeout,
                                                Patient(options, kTransferAttempt, attempt));
  return refused.ok() ? status : ToAbsl(refused);
}

static v1::ChangeMemberRequest MemberRequest(uint32_t shard, uint32_t node) {
  v1::ChangeMemberRequest request;
  request.set_shard(shard);
  request.set_node_id(node);
  return request;
}

absl::StatusOr<v1::ChangeMemberResponse> ClientImpl::AddMember(uint32_t shard, uint32_t node) {
  const ClientOptions& options = connection_->options();
  const v1::ChangeMemberRequest request = MemberRequest(shard, node);
  v1::ChangeMemberResponse response;
  absl::Status status = connection_->CallLeader(
      shard, "add a member", options.timeout,
      Patient(options, kMemberAttempt, [&](Node& leader, grpc::ClientContext* context) {
        return leader.cluster->AddMember(context, request, &response);
      }));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ChangeMemberResponse> ClientImpl::RemoveMember(uint32_t shard, uint32_t node) {
  const ClientOptions& options = connection_->options();
  const v1::ChangeMemberRequest request = MemberRequest(shard, node);
  v1::ChangeMemberResponse response;
  absl::Status status = connection_->CallLeader(
      shard, "remove a member", options.timeout,
      Patient(options, kMemberAttempt, [&](Node& leader, grpc::ClientContext* context) {
        return leader.cluster->RemoveMember(context, request, &response);
      }));
  if (!status.ok()) return status;
  return response;
}

}  // namespace quorumbook::client
