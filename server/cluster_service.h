// The cluster itself, over gRPC (proto/quorumbook/v1/cluster.proto).
#pragma once

#include <chrono>

#include "quorumbook/v1/cluster.grpc.pb.h"
#include "server/shard_set.h"
#include "server/store_probe.h"

namespace quorumbook::server {

class ClusterService final : public v1::Cluster::CallbackService {
 public:
  // Both outlive this.
  ClusterService(const ShardSet* shards, const StoreProbe* probe)
      : shards_(*shards), probe_(*probe) {}

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

  const ShardSet& shards_;
  const StoreProbe& probe_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace quorumbook::server
