#include "server/shard_set.h"

#include <fmt/format.h>

#include <utility>

#include "quorumbook/v1/exchange.pb.h"
#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

constexpr char kErrorMetadata[] = "quorumbook-error-bin";

grpc::StatusCode CodeOf(v1::ErrorDetail::Code code) {
  switch (code) {
    case v1::ErrorDetail::NOT_LEADER:
    case v1::ErrorDetail::LEADERSHIP_LOST:
    case v1::ErrorDetail::SHUTTING_DOWN:
    case v1::ErrorDetail::NOT_FOUNDED:
      return grpc::StatusCode::UNAVAILABLE;
    case v1::ErrorDetail::BUSY:
    case v1::ErrorDetail::SESSION_WINDOW_FULL:
    case v1::ErrorDetail::DISK_FULL:
    case v1::ErrorDetail::SLOW_CONSUMER:
    case v1::ErrorDetail::TOO_MANY_SUBSCRIPTIONS:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case v1::ErrorDetail::WRONG_SHARD:
    case v1::ErrorDetail::SESSION_UNKNOWN:
    case v1::ErrorDetail::SESSION_GAP:
    case v1::ErrorDetail::SESSION_FORGOTTEN:
    case v1::ErrorDetail::BOOK_TOO_LARGE:
      return grpc::StatusCode::FAILED_PRECONDITION;
    default:
      return grpc::StatusCode::INVALID_ARGUMENT;
  }
}

v1::ErrorDetail::Code ToProto(RefusalCode code) {
  switch (code) {
    case RefusalCode::kNone:
    case RefusalCode::kNotFound:
      return v1::ErrorDetail::CODE_UNSPECIFIED;
    case RefusalCode::kNotFounded:
      return v1::ErrorDetail::NOT_FOUNDED;
    case RefusalCode::kNotLeader:
      return v1::ErrorDetail::NOT_LEADER;
    case RefusalCode::kLeadershipLost:
      return v1::ErrorDetail::LEADERSHIP_LOST;
    case RefusalCode::kWrongShard:
      return v1::ErrorDetail::WRONG_SHARD;
    case RefusalCode::kBusy:
      return v1::ErrorDetail::BUSY;
    case RefusalCode::kShuttingDown:
      return v1::ErrorDetail::SHUTTING_DOWN;
    case RefusalCode::kBatchTooLarge:
      return v1::ErrorDetail::BATCH_TOO_LARGE;
    case RefusalCode::kMalformed:
      return v1::ErrorDetail::MALFORMED;
    case RefusalCode::kSessionUnknown:
      return v1::ErrorDetail::SESSION_UNKNOWN;
    case RefusalCode::kSessionGap:
      return v1::ErrorDetail::SESSION_GAP;
    case RefusalCode::kSessionForgotten:
      return v1::ErrorDetail::SESSION_FORGOTTEN;
    case RefusalCode::kSessionWindowFull:
      return v1::ErrorDetail::SESSION_WINDOW_FULL;
    case RefusalCode::kDiskFull:
      return v1::ErrorDetail::DISK_FULL;
    case RefusalCode::kSlowConsumer:
      return v1::ErrorDetail::SLOW_CONSUMER;
    case RefusalCode::kTooManySubscriptions:
      return v1::ErrorDetail::TOO_MANY_SUBSCRIPTIONS;
    case RefusalCode::kBookTooLarge:
      return v1::ErrorDetail::BOOK_TOO_LARGE;
  }
  return v1::ErrorDetail::CODE_UNSPECIFIED;
}

}  // namespace

const std::map<ShardId, std::shared_ptr<ShardReplica>>& ShardSet::all() const {
  static const std::map<ShardId, std::shared_ptr<ShardReplica>>& none =
      *new std::map<ShardId, std::shared_ptr<ShardReplica>>();
  return serving_.load(std::memory_order_acquire) ? replicas_ : none;
}

void ShardSet::WaitFor(std::string what) {
  const std::lock_guard lock(mutex_);
  waiting_for_ = std::move(what);
}

std::string ShardSet::waiting_for() const {
  if (serving_.load(std::memory_order_acquire)) return "";
  const std::lock_guard lock(mutex_);
  return waiting_for_.empty() ? "its replicas to start" : waiting_for_;
}

ShardReplica* ShardSet::Find(uint32_t shard, Refusal* refusal) const {
  if (!serving_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    *refusal = {RefusalCode::kNotFounded,
                fmt::format("the cluster is not founded yet, it waits for {}", waiting_for_),
                NodeId(), kRetryAfterMs};
    return nullptr;
  }
  const auto it = replicas_.find(ShardId(shard));
  if (it != replicas_.end()) return it->second.get();
  *refusal = {RefusalCode::kWrongShard, fmt::format("this node does not host shard {}", shard),
              NodeId()};
  return nullptr;
}

grpc::Status ShardSet::ToStatus(const Refusal& refusal, grpc::ServerContextBase* context) const {
  v1::ErrorDetail detail;
  const v1::ErrorDetail::Code code = ToProto(refusal.code);
  detail.set_code(code);
  detail.set_retry_after_ms(refusal.retry_after_ms);
  detail.set_expected_sequence(refusal.expected_sequence);
  std::string message = refusal.message;
  if (refusal.leader != NodeId()) {
    const NodeId leader = NodeOf(refusal.leader);
    const std::string& address = config_.peer(leader).client_address;
    detail.set_leader_id(static_cast<uint32_t>(leader.value()));
    detail.set_leader_address(address);
    message += fmt::format(": ask node {} at {}", leader.value(), address);
  }
  context->AddTrailingMetadata(kErrorMetadata, detail.SerializeAsString());
  return {refusal.code == RefusalCode::kNotFound ? grpc::StatusCode::NOT_FOUND : CodeOf(code),
          message};
}

Refusal SessionRefusal(const exchange::GroupResult& group) {
  Refusal refusal;
  refusal.expected_sequence = group.expected_sequence;
  switch (group.status) {
    case exchange::SessionStatus::kGap:
      refusal.code = RefusalCode::kSessionGap;
      refusal.message =
          fmt::format("commands are missing: send from sequence {}", group.expected_sequence);
      break;
    case exchange::SessionStatus::kForgotten:
      refusal.code = RefusalCode::kSessionForgotten;
      refusal.message = "the results asked for were acknowledged earlier";
      break;
    case exchange::SessionStatus::kWindowFull:
      refusal.code = RefusalCode::kSessionWindowFull;
      refusal.message = "too many results wait for acknowledgement: acknowledge some";
      break;
    case exchange::SessionStatus::kBatchFull:
      refusal.code = RefusalCode::kBusy;
      refusal.message = "the commands before this one had too many results for one batch";
      refusal.retry_after_ms = kRetryAfterMs;
      break;
    case exchange::SessionStatus::kInvalid:
      refusal.code = RefusalCode::kMalformed;
      refusal.message = "account, session and first_sequence count from 1";
      break;
    case exchange::SessionStatus::kUnknown:
    case exchange::SessionStatus::kOk:
      refusal.code = RefusalCode::kSessionUnknown;
      refusal.message = "no such session: it was closed, or not used for long; open another";
      break;
  }
  return refusal;
}

}  // namespace quorumbook::server
