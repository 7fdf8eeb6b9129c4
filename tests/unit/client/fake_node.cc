// Order entry and life of a node.
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <stdexcept>

#include "server/order_codec.h"
#include "server/report_codec.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

grpc::Status Error(grpc::ServerContext* context, grpc::StatusCode status,
                   const v1::ErrorDetail& detail, const std::string& message) {
  context->AddTrailingMetadata("quorumbook-error-bin", detail.SerializeAsString());
  return {status, message};
}

grpc::Status Error(grpc::ServerContext* context, grpc::StatusCode status,
                   v1::ErrorDetail::Code code, uint64_t expected_sequence = 0) {
  v1::ErrorDetail detail;
  detail.set_code(code);
  detail.set_expected_sequence(expected_sequence);
  if (code == v1::ErrorDetail::BUSY) detail.set_retry_after_ms(1);
  return Error(context, status, detail, v1::ErrorDetail::Code_Name(code));
}

v1::CommandBatchResult ToResult(const exchange::ApplyResult& applied) {
  v1::CommandBatchResult result;
  for (const exchange::CommandResult& command : applied.commands) {
    v1::CommandResult* out = result.add_results();
    out->set_sequence(command.sequence);
    out->set_repeated(command.repeated);
    for (uint32_t i = 0; i < command.event_count; ++i) {
      server::ToProto(applied.events[command.first_event + i], out->add_reports());
    }
  }
  if (result.results_size() > 0) result.set_first_sequence(result.results(0).sequence());
  return result;
}

grpc::Status SessionError(grpc::ServerContext* context, const exchange::GroupResult& group) {
  switch (group.status) {
    case exchange::SessionStatus::kOk:
      return grpc::Status::OK;
    case exchange::SessionStatus::kGap:
      return Error(context, grpc::StatusCode::FAILED_PRECONDITION, v1::ErrorDetail::SESSION_GAP,
                   group.expected_sequence);
    case exchange::SessionStatus::kForgotten:
      return Error(context, grpc::StatusCode::FAILED_PRECONDITION,
                   v1::ErrorDetail::SESSION_FORGOTTEN);
    case exchange::SessionStatus::kWindowFull:
      return Error(context, grpc::StatusCode::RESOURCE_EXHAUSTED,
                   v1::ErrorDetail::SESSION_WINDOW_FULL);
    case exchange::SessionStatus::kBatchFull:
      return Error(context, grpc::StatusCode::RESOURCE_EXHAUSTED, v1::ErrorDetail::BUSY,
                   group.expected_sequence);
    case exchange::SessionStatus::kUnknown:
      return Error(context, grpc::StatusCode::FAILED_PRECONDITION,
                   v1::ErrorDetail::SESSION_UNKNOWN);
    case exchange::SessionStatus::kInvalid:
      break;
  }
  return Error(context, grpc::StatusCode::INVALID_ARGUMENT, v1::ErrorDetail::MALFORMED);
}

}  // namespace

constexpr char kAnyPort[] = "127.0.0.1:0";

FakeNode::FakeNode(FakeCluster* cluster, uint32_t id)
    : cluster_(cluster), id_(id), address_(kAnyPort) {
  Start();
}

FakeNode::~FakeNode() { Stop(); }

void FakeNode::Start() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.RegisterService(static_cast<v1::Exchange::Service*>(this));
  builder.RegisterService(static_cast<v1::MarketData::Service*>(this));
  builder.RegisterService(static_cast<v1::Cluster::Service*>(this));
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) throw std::runtime_error("can not listen on " + address_);
  if (address_ == kAnyPort) address_ = "127.0.0.1:" + std::to_string(port);
}

void FakeNode::Stop() {
  if (server_ == nullptr) return;
  HangUnary(false);
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeNode::NameLeader(std::string address) {
  std::lock_guard lock(mutex_);
  named_leader_ = std::move(address);
}

void FakeNode::HangUnary(bool hang) {
  std::lock_guard lock(mutex_);
  hang_unary_ = hang;
  released_.notify_all();
}

void FakeNode::FailNextUnary(v1::ErrorDetail::Code code) {
  std::lock_guard lock(mutex_);
  next_unary_error_ = code;
}

int FakeNode::streams_opened() const {
  std::lock_guard lock(mutex_);
  return streams_opened_;
}

grpc::Status FakeNode::CheckLeader(grpc::ServerContext* context, uint32_t shard) {
  if (shard != kShard) {
    return Error(context, grpc::StatusCode::FAILED_PRECONDITION, v1::ErrorDetail::WRONG_SHARD);
  }
  const uint32_t leader = cluster_->leader();
  if (leader == id_) return grpc::Status::OK;
  v1::ErrorDetail detail;
  detail.set_code(v1::ErrorDetail::NOT_LEADER);
  std::lock_guard lock(mutex_);
  if (named_leader_.empty() && leader != 0) {
    detail.set_leader_id(leader);
    detail.set_leader_address(cluster_->node(leader).address());
  } else if (named_leader_ != "-") {
    detail.set_leader_address(named_leader_);
  }
  return Error(context, grpc::StatusCode::UNAVAILABLE, detail, "not the leader");
}

grpc::Status FakeNode::CheckUnary(grpc::ServerContext* context, uint32_t shard) {
  {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !hang_unary_; });
  }
  grpc::Status status = CheckLeader(context, shard);
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  const auto code = std::exchange(next_unary_error_, v1::ErrorDetail::CODE_UNSPECIFIED);
  if (code == v1::ErrorDetail::CODE_UNSPECIFIED) return grpc::Status::OK;
  const bool later = code == v1::ErrorDetail::BUSY || code == v1::ErrorDetail::DISK_FULL;
  return Error(context,
               later ? grpc::StatusCode::RESOURCE_EXHAUSTED : grpc::StatusCode::UNAVAILABLE, code);
}

grpc::Status FakeNode::OpenSession(grpc::ServerContext* context,
                                   const v1::OpenSessionRequest* request,
                                   v1::OpenSessionResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  exchange::ApplyResult result;
  cluster_->Apply(exchange::OpenSession{exchange::AccountId(request->account()),
                                        request->cancel_on_disconnect()},
                  &result);
  response->set_session(result.groups[0].session.value());
  return SessionError(context, result.groups[0]);
}

grpc::Status FakeNode::CloseSession(grpc::ServerContext* context,
                                    const v1::CloseSessionRequest* request,
                                    v1::CloseSessionResponse*) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  exchange::ApplyResult result;
  cluster_->Apply(exchange::CloseSession{exchange::SessionId(request->session())}, &result);
  return SessionError(context, result.groups[0]);
}

grpc::Status FakeNode::Stream(grpc::ServerContext* context, BatchStream* stream) {
  {
    std::lock_guard lock(mutex_);
    ++streams_opened_;
  }
  v1::CommandBatch batch;
  while (stream->Read(&batch)) {
    grpc::Status status = CheckLeader(context, batch.shard());
    if (!status.ok()) return status;
    cluster_->CountBatch(static_cast<size_t>(batch.commands_size()));
    status = Serve(context, stream, batch, cluster_->NextFault());
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

// What a fault does before the batch is executed; OK for those that come after.
static grpc::Status Refuse(grpc::ServerContext* context, const v1::CommandBatch& batch,
                           Fault fault) {
  using grpc::StatusCode;
  switch (fault) {
    case Fault::kDropBeforeExecuting:
      return {StatusCode::UNAVAILABLE, "dropped"};
    case Fault::kBusy:
      return Error(context, StatusCode::RESOURCE_EXHAUSTED, v1::ErrorDetail::BUSY);
    case Fault::kWindowFull:
      return Error(context, StatusCode::RESOURCE_EXHAUSTED, v1::ErrorDetail::SESSION_WINDOW_FULL);
    case Fault::kGap:
      return Error(context, StatusCode::FAILED_PRECONDITION, v1::ErrorDetail::SESSION_GAP,
                   batch.first_sequence());
    case Fault::kLostState:
      return Error(context, StatusCode::FAILED_PRECONDITION, v1::ErrorDetail::SESSION_GAP, 1);
    case Fault::kSessionUnknown:
      return Error(context, StatusCode::FAILED_PRECONDITION, v1::ErrorDetail::SESSION_UNKNOWN);
    case Fault::kGarbageDetail:
      context->AddTrailingMetadata("quorumbook-error-bin", "\xff\xff\xff");
      return {StatusCode::UNAVAILABLE, "garbage"};
    case Fault::kMoveLeader:
      return Error(context, StatusCode::UNAVAILABLE, v1::ErrorDetail::NOT_LEADER);
    default:
      return grpc::Status::OK;
  }
}

// Reads on, so that the client is not held back, and answers nothing until it gives up.
static grpc::Status Hang(
    grpc::ServerReaderWriter<v1::CommandBatchResult, v1::CommandBatch>* stream) {
  v1::CommandBatch ignored;
  while (stream->Read(&ignored)) {
  }
  return grpc::Status::CANCELLED;
}

grpc::Status FakeNode::ExecuteSilently(BatchStream* stream) {
  v1::CommandBatch batch;
  exchange::ApplyResult ignored;
  while (stream->Read(&batch)) {
    absl::StatusOr<exchange::SessionCommands> commands =
        server::FromProto(batch, cluster_->names());
    if (commands.ok()) cluster_->Apply(*std::move(commands), &ignored);
  }
  return grpc::Status::CANCELLED;
}

grpc::Status FakeNode::Serve(grpc::ServerContext* context, BatchStream* stream,
                             const v1::CommandBatch& batch, Fault fault) {
  grpc::Status refused = Refuse(context, batch, fault);
  if (!refused.ok()) return refused;
  if (fault == Fault::kHang) return Hang(stream);
  if (batch.commands_size() == 0) {  // the client says that it is there
    cluster_->CountAnnounced();
    v1::CommandBatchResult none;
    none.set_first_sequence(batch.first_sequence());
    stream->Write(none);
    return grpc::Status::OK;
  }
  absl::StatusOr<exchange::SessionCommands> commands = server::FromProto(batch, cluster_->names());
  if (!commands.ok()) {
    v1::ErrorDetail detail;
    detail.set_code(v1::ErrorDetail::MALFORMED);
    return Error(context, grpc::StatusCode::INVALID_ARGUMENT, detail,
                 std::string(commands.status().message()));
  }
  exchange::ApplyResult applied;
  cluster_->Apply(*std::move(commands), &applied);
  v1::CommandBatchResult result = ToResult(applied);
  switch (fault) {
    case Fault::kDropAfterExecuting:
      return {grpc::StatusCode::UNAVAILABLE, "dropped"};
    case Fault::kLeadershipLost:
      return Error(context, grpc::StatusCode::UNAVAILABLE, v1::ErrorDetail::LEADERSHIP_LOST);
    case Fault::kHangAfterExecuting:
      return ExecuteSilently(stream);
    case Fault::kReplyToHalf:
      result.mutable_results()->DeleteSubrange(result.results_size() / 2,
                                               (result.results_size() + 1) / 2);
      stream->Write(result);
      return {grpc::StatusCode::UNAVAILABLE, "dropped"};
    case Fault::kWrongSequence:
      result.mutable_results(0)->set_sequence(result.results(0).sequence() + 1);
      break;
    case Fault::kTooManyResults:
      while (result.results_size() < 20'000) *result.add_results() = result.results(0);
      break;
    default:
      break;
  }
  if (!applied.commands.empty() && !stream->Write(result)) return grpc::Status::CANCELLED;
  return SessionError(context, applied.groups[0]);
}

}  // namespace quorumbook::client
