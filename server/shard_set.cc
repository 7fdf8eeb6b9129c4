#include "server/shard_set.h"

#include <fmt/format.h>

namespace quorumbook::server {
namespace {

constexpr char kErrorMetadata[] = "quorumbook-error-bin";

grpc::StatusCode CodeOf(v1::ErrorDetail::Code code) {
  switch (code) {
    case v1::ErrorDetail::NOT_LEADER:
    case v1::ErrorDetail::LEADERSHIP_LOST:
    case v1::ErrorDetail::SHUTTING_DOWN:
      return grpc::StatusCode::UNAVAILABLE;
    case v1::ErrorDetail::BUSY:
    case v1::ErrorDetail::SESSION_WINDOW_FULL:
    case v1::ErrorDetail::DISK_FULL:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case v1::ErrorDetail::WRONG_SHARD:
    case v1::ErrorDetail::SESSION_UNKNOWN:
    case v1::ErrorDetail::SESSION_GAP:
    case v1::ErrorDetail::SESSION_FORGOTTEN:
      return grpc::StatusCode::FAILED_PRECONDITION;
    default:
      return grpc::StatusCode::INVALID_ARGUMENT;
  }
}

}  // namespace

ShardReplica* ShardSet::Find(uint32_t shard, Refusal* refusal) const {
  const auto it = replicas_.find(ShardId(shard));
  if (it != replicas_.end()) return it->second.get();
  *refusal = {v1::ErrorDetail::WRONG_SHARD, fmt::format("this node does not host shard {}", shard),
              NodeId()};
  return nullptr;
}

grpc::Status ShardSet::ToStatus(const Refusal& refusal, grpc::ServerContextBase* context) const {
  v1::ErrorDetail detail;
  detail.set_code(refusal.code);
  detail.set_retry_after_ms(refusal.retry_after_ms);
  detail.set_expected_sequence(refusal.expected_sequence);
  std::string message = refusal.message;
  if (refusal.leader != NodeId()) {
    const std::string& address = config_.peer(refusal.leader).client_address;
    detail.set_leader_id(static_cast<uint32_t>(refusal.leader.value()));
    detail.set_leader_address(address);
    message += fmt::format(": ask node {} at {}", refusal.leader.value(), address);
  }
  context->AddTrailingMetadata(kErrorMetadata, detail.SerializeAsString());
  return {CodeOf(refusal.code), message};
}

Refusal SessionRefusal(const exchange::GroupResult& group) {
  Refusal refusal;
  refusal.expected_sequence = group.expected_sequence;
  switch (group.status) {
    case exchange::SessionStatus::kGap:
      refusal.code = v1::ErrorDetail::SESSION_GAP;
      refusal.message =
          fmt::format("commands are missing: send from sequence {}", group.expected_sequence);
      break;
    case exchange::SessionStatus::kForgotten:
      refusal.code = v1::ErrorDetail::SESSION_FORGOTTEN;
      refusal.message = "the results asked for were acknowledged earlier";
      break;
    case exchange::SessionStatus::kWindowFull:
      refusal.code = v1::ErrorDetail::SESSION_WINDOW_FULL;
      refusal.message = "too many results wait for acknowledgement: acknowledge some";
      break;
    case exchange::SessionStatus::kBatchFull:
      refusal.code = v1::ErrorDetail::BUSY;
      refusal.message = "the commands before this one had too many results for one batch";
      refusal.retry_after_ms = kRetryAfterMs;
      break;
    case exchange::SessionStatus::kInvalid:
      refusal.code = v1::ErrorDetail::MALFORMED;
      refusal.message = "account, session and first_sequence count from 1";
      break;
    case exchange::SessionStatus::kUnknown:
    case exchange::SessionStatus::kOk:
      refusal.code = v1::ErrorDetail::SESSION_UNKNOWN;
      refusal.message = "no such session: it was closed, or not used for long; open another";
      break;
  }
  return refusal;
}

}  // namespace quorumbook::server
