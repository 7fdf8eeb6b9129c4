#include "client/lib/rpc_error.h"

#include <absl/strings/str_cat.h>

namespace quorumbook::client {

RpcError ErrorOf(const grpc::Status& status, const grpc::ClientContext& context) {
  RpcError error{.status = status, .detail = {}};
  const auto& trailers = context.GetServerTrailingMetadata();
  auto found = trailers.find("quorumbook-error-bin");
  if (found != trailers.end() &&
      !error.detail.ParseFromArray(found->second.data(), static_cast<int>(found->second.size()))) {
    error.detail.Clear();  // not ours; the status alone has to do
  }
  return error;
}

static NextStep JudgeByStatus(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::UNIMPLEMENTED:  // something else listens there
    case grpc::StatusCode::OK:             // a stream that ended with work left
      return NextStep::kNextNode;
    default:
      return NextStep::kGiveUp;
  }
}

NextStep Judge(const RpcError& error) {
  switch (error.detail.code()) {
    case v1::ErrorDetail::NOT_LEADER:
      return error.detail.leader_address().empty() ? NextStep::kNextNode : NextStep::kFollowLeader;
    case v1::ErrorDetail::LEADERSHIP_LOST:
    case v1::ErrorDetail::WRONG_SHARD:
    case v1::ErrorDetail::SHUTTING_DOWN:
    case v1::ErrorDetail::NOT_FOUNDED:
    case v1::ErrorDetail::TOO_MANY_SUBSCRIPTIONS:
      return NextStep::kNextNode;
    case v1::ErrorDetail::BUSY:
    case v1::ErrorDetail::DISK_FULL:
    case v1::ErrorDetail::SESSION_WINDOW_FULL:
    case v1::ErrorDetail::SLOW_CONSUMER:
      return NextStep::kSameNodeLater;
    case v1::ErrorDetail::BATCH_TOO_LARGE:
    case v1::ErrorDetail::MALFORMED:
    case v1::ErrorDetail::SESSION_UNKNOWN:
    case v1::ErrorDetail::SESSION_GAP:
    case v1::ErrorDetail::SESSION_FORGOTTEN:
    case v1::ErrorDetail::BOOK_TOO_LARGE:
      return NextStep::kGiveUp;
    default:
      return JudgeByStatus(error.status.error_code());
  }
}

std::string Describe(const RpcError& error) {
  const std::string& leader = error.detail.leader_address();
  switch (error.detail.code()) {
    case v1::ErrorDetail::NOT_LEADER:
      return leader.empty() ? "not the leader, and knows none"
                            : absl::StrCat("not the leader, names ", leader);
    case v1::ErrorDetail::LEADERSHIP_LOST:
      return "lost its leadership";
    case v1::ErrorDetail::SHUTTING_DOWN:
      return "shutting down";
    case v1::ErrorDetail::BUSY:
      return error.status.error_message().empty()
                 ? "busy"
                 : absl::StrCat("busy: ", error.status.error_message());
    case v1::ErrorDetail::DISK_FULL:
      return "its disk is full";
    default:
      break;
  }
  if (error.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return "did not answer";
  if (error.status.ok()) return "ended the stream";
  return error.status.error_message().empty()
             ? absl::StrCat("error ", static_cast<int>(error.status.error_code()))
             : error.status.error_message();
}

absl::Status ToAbsl(const grpc::Status& status) {
  // The two enumerations have the same numbers (google/rpc/code.proto).
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace quorumbook::client
