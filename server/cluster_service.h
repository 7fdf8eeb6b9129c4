// The cluster itself, over gRPC (proto/quorumbook/v1/cluster.proto).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "quorumbook/v1/cluster.grpc.pb.h"
#include "server/replica_call.h"
#include "server/shard_set.h"
#include "server/store_probe.h"

namespace quorumbook::server {

class ClusterService final : public v1::Cluster::CallbackService {
 public:
  // Both outlive this.
  ClusterService(const ShardSet* shards, const StoreProbe* probe,
                 RequestPlaces places = RequestPlaces())
      : shards_(*shards), places_(std::move(places)), probe_(*probe) {}

  grpc::ServerUnaryReactor* DescribeCluster(grpc::CallbackServerContext* context,
                                            const v1::DescribeClusterRequest* request,
                                            v1::ClusterDescription* response) override;
  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const v1::GetNodeStatusRequest* request,
                                          v1::NodeStatus* response) override;
  grpc::ServerUnaryReactor* TransferLeadership(grpc::CallbackServerContext* context,
                                               const v1::TransferLeadershipRequest* request,
                                               v1::TransferLeadershipResponse* response) override;
  grpc::ServerUnaryReactor* AddMember(grpc::CallbackServerContext* context,
                                      const v1::ChangeMemberRequest* request,
                                      v1::ChangeMemberResponse* response) override;
  grpc::ServerUnaryReactor* RemoveMember(grpc::CallbackServerContext* context,
                                         const v1::ChangeMemberRequest* request,
                                         v1::ChangeMemberResponse* response) override;

 private:
  grpc::ServerUnaryReactor* ChangeMember(grpc::CallbackServerContext* context,
                                         const v1::ChangeMemberRequest& request, bool member,
                                         v1::ChangeMemberResponse* response);

  struct StatusCall {
    grpc::ServerUnaryReactor* reactor;
    v1::NodeStatus* response;
    std::shared_ptr<void> place;  // RequestPlaces::Take
  };
  // Finishes the calls, all with the same replicas, and then calls `done`.
  void AskReplicas(std::vector<StatusCall> calls, bool digests, std::function<void()> done);
  // Digests take time that is proportional to the state, on the strand of the orders: they are
  // computed for one call after the other, and all that come meanwhile are one.
  void AnswerWithDigests(StatusCall call);
  void NextDigests();

  const ShardSet& shards_;
  RequestPlaces places_;
  const ReplicaCalls calls_{shards_, places_};
  const StoreProbe& probe_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  bool computing_digests_ = false;          // guarded by mutex_
  std::vector<StatusCall> digests_wanted_;  // guarded by mutex_
};

}  // namespace quorumbook::server
