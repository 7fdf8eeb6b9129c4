#include "server/monitoring/node_clients.h"

#include <string>

#include "server/grpc_limits.h"

namespace quorumbook::server {
namespace {

constexpr char kErrorMetadata[] = "quorumbook-error-bin";

template <typename Request, typename Response>
struct CallState {
  grpc::ClientContext context;
  Request request;
  Response response;
  NodeClients::Done<Response> done;
};

CallResult ResultOf(const grpc::ClientContext& context, const grpc::Status& status) {
  CallResult result;
  result.status = status;
  if (status.ok()) return result;
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find(kErrorMetadata);
  if (found != metadata.end()) {
    result.detail.ParseFromArray(found->second.data(), static_cast<int>(found->second.size()));
  }
  return result;
}

}  // namespace

NodeClients::NodeClients(const Config& config, boost::asio::io_context* io) : io_(*io) {
  for (const PeerConfig& peer : config.peers) {
    const auto channel = MakeNodeChannel(config, peer.id, peer.client_address);
    nodes_.emplace(static_cast<uint32_t>(peer.id.value()),
                   Stubs{v1::Monitoring::NewStub(channel), v1::Exchange::NewStub(channel),
                         v1::Cluster::NewStub(channel)});
  }
}

bool NodeClients::Enter(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  running_.insert(context);
  return true;
}

void NodeClients::Leave(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  running_.erase(context);
  left_.notify_all();
}

void NodeClients::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  for (grpc::ClientContext* context : running_) context->TryCancel();
  left_.wait(lock, [this] { return running_.empty(); });
}

template <typename Request, typename Response, typename Start>
void NodeClients::Call(uint32_t node, const Request& request, std::chrono::milliseconds timeout,
                       Done<Response> done, Start start) {
  auto state = std::make_shared<CallState<Request, Response>>();
  state->request = request;
  state->done = std::move(done);
  state->context.set_deadline(std::chrono::system_clock::now() + timeout);
  const auto stubs = nodes_.find(node);
  if (stubs == nodes_.end() || !Enter(&state->context)) {
    boost::asio::post(io_, [state] {
      state->done({{grpc::StatusCode::UNAVAILABLE, "this node is shutting down"}, {}},
                  state->response);
    });
    return;
  }
  start(&stubs->second, state.get(), [this, state](const grpc::Status& status) {
    const CallResult result = ResultOf(state->context, status);
    boost::asio::post(io_, [state, result] { state->done(result, state->response); });
    Leave(&state->context);
  });
}

void NodeClients::GetSample(uint32_t node, std::chrono::milliseconds timeout,
                            Done<v1::NodeSample> done) {
  Call(node, v1::GetSampleRequest(), timeout, std::move(done),
       [](Stubs* stubs, auto* state, auto finished) {
         stubs->monitoring->async()->GetSample(&state->context, &state->request, &state->response,
                                               std::move(finished));
       });
}

void NodeClients::OpenSession(uint32_t node, const v1::OpenSessionRequest& request,
                              std::chrono::milliseconds timeout,
                              Done<v1::OpenSessionResponse> done) {
  Call(node, request, timeout, std::move(done), [](Stubs* stubs, auto* state, auto finished) {
    stubs->exchange->async()->OpenSession(&state->context, &state->request, &state->response,
                                          std::move(finished));
  });
}

void NodeClients::Submit(uint32_t node, const v1::CommandBatch& batch,
                         std::chrono::milliseconds timeout, Done<v1::CommandBatchResult> done) {
  Call(node, batch, timeout, std::move(done), [](Stubs* stubs, auto* state, auto finished) {
    stubs->exchange->async()->Submit(&state->context, &state->request, &state->response,
                                     std::move(finished));
  });
}

void NodeClients::TransferLeadership(uint32_t node, const v1::TransferLeadershipRequest& request,
                                     std::chrono::milliseconds timeout,
                                     Done<v1::TransferLeadershipResponse> done) {
  Call(node, request, timeout, std::move(done), [](Stubs* stubs, auto* state, auto finished) {
    stubs->cluster->async()->TransferLeadership(&state->context, &state->request, &state->response,
                                                std::move(finished));
  });
}

void NodeClients::ChangeMember(uint32_t node, bool add, const v1::ChangeMemberRequest& request,
                               std::chrono::milliseconds timeout,
                               Done<v1::ChangeMemberResponse> done) {
  Call(node, request, timeout, std::move(done), [add](Stubs* stubs, auto* state, auto finished) {
    if (add) {
      stubs->cluster->async()->AddMember(&state->context, &state->request, &state->response,
                                         std::move(finished));
    } else {
      stubs->cluster->async()->RemoveMember(&state->context, &state->request, &state->response,
                                            std::move(finished));
    }
  });
}

}  // namespace quorumbook::server
