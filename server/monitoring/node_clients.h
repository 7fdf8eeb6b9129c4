// Calls to the nodes of the cluster, this one included, over gRPC. Answers come on the thread that
// runs `io`.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "quorumbook/v1/cluster.grpc.pb.h"
#include "quorumbook/v1/exchange.grpc.pb.h"
#include "quorumbook/v1/monitoring.grpc.pb.h"
#include "server/config.h"

namespace quorumbook::server {

// What a node answered beside a response.
struct CallResult {
  grpc::Status status;
  v1::ErrorDetail detail;  // of an error of the exchange
  bool ok() const { return status.ok(); }
};

class NodeClients {
 public:
  // Both outlive this.
  NodeClients(const Config& config, boost::asio::io_context* io);
  // REQUIRES: Stop was called.
  ~NodeClients() = default;

  template <typename Response>
  using Done = std::function<void(const CallResult&, const Response&)>;

  void GetSample(uint32_t node, std::chrono::milliseconds timeout, Done<v1::NodeSample> done);
  void OpenSession(uint32_t node, const v1::OpenSessionRequest& request,
                   std::chrono::milliseconds timeout, Done<v1::OpenSessionResponse> done);
  void Submit(uint32_t node, const v1::CommandBatch& batch, std::chrono::milliseconds timeout,
              Done<v1::CommandBatchResult> done);
  void TransferLeadership(uint32_t node, const v1::TransferLeadershipRequest& request,
                          std::chrono::milliseconds timeout,
                          Done<v1::TransferLeadershipResponse> done);
  void ChangeMember(uint32_t node, bool add, const v1::ChangeMemberRequest& request,
                    std::chrono::milliseconds timeout, Done<v1::ChangeMemberResponse> done);

  // Cancels what is under way, and waits until it is over. Calls after this fail at once.
  void Stop();

 private:
  struct Stubs {
    std::unique_ptr<v1::Monitoring::Stub> monitoring;
    std::unique_ptr<v1::Exchange::Stub> exchange;
    std::unique_ptr<v1::Cluster::Stub> cluster;
  };
  template <typename Request, typename Response, typename Start>
  void Call(uint32_t node, const Request& request, std::chrono::milliseconds timeout,
            Done<Response> done, Start start);
  bool Enter(grpc::ClientContext* context);
  void Leave(grpc::ClientContext* context);

  boost::asio::io_context& io_;
  std::map<uint32_t, Stubs> nodes_;
  std::mutex mutex_;
  std::condition_variable left_;
  bool stopping_ = false;                   // guarded by mutex_
  std::set<grpc::ClientContext*> running_;  // guarded by mutex_
};

}  // namespace quorumbook::server
