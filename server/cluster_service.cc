#include "server/cluster_service.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <utility>

#include "server/version.h"

namespace quorumbook::server {
namespace {

using Unary = grpc::ServerUnaryReactor;

uint32_t Id(NodeId id) { return static_cast<uint32_t>(id.value()); }
uint32_t Id(ShardId id) { return static_cast<uint32_t>(id.value()); }

// Replicas answer one after the other, in any order, each on a strand of its own: the last one
// finishes the call.
struct StatusCollector {
  Unary* reactor;
  v1::NodeStatus* response;
  std::atomic<size_t> missing;

  void Add(int slot, v1::ReplicaStatus status) {
    *response->mutable_replicas(slot) = std::move(status);
    if (missing.fetch_sub(1) == 1) reactor->Finish(grpc::Status::OK);
  }
};

}  // namespace

Unary* ClusterService::DescribeCluster(grpc::CallbackServerContext* context,
                                       const v1::DescribeClusterRequest*,
                                       v1::ClusterDescription* response) {
  const Config& config = shards_.config();
  response->set_cluster_id(config.cluster_id);
  response->set_node_id(Id(config.node_id));
  for (const PeerConfig& peer : config.peers) {
    v1::NodeDescription* node = response->add_nodes();
    node->set_id(Id(peer.id));
    node->set_client_address(peer.client_address);
    node->set_peer_address(peer.peer_address);
  }
  const auto& replicas = shards_.all();
  for (const ShardId id : config.shards) {
    v1::ShardDescription* shard = response->add_shards();
    shard->set_id(Id(id));
    const auto replica = replicas.find(id);
    if (replica == replicas.end()) continue;
    shard->set_leader_id(Id(replica->second->leader()));
    shard->set_term(replica->second->term());
  }
  for (const auto& [symbol, shard] : config.symbol_shards) {
    (*response->mutable_symbol_shards())[symbol] = Id(shard);
  }
  response->set_default_shard(Id(config.default_shard));
  Unary* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

Unary* ClusterService::GetNodeStatus(grpc::CallbackServerContext* context,
                                     const v1::GetNodeStatusRequest* request,
                                     v1::NodeStatus* response) {
  const Config& config = shards_.config();
  response->set_node_id(Id(config.node_id));
  response->set_cluster_id(config.cluster_id);
  response->set_version(kVersion);
  response->set_uptime_ms(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - started_)
                              .count());
  const storage::StoreUsage usage = probe_.usage();
  response->set_disk_bytes(usage.disk_bytes);
  response->set_disk_free_bytes(usage.free_bytes);
  Unary* const reactor = context->DefaultReactor();
  const auto& replicas = shards_.all();
  if (replicas.empty()) {  // the cluster is being founded
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  for (size_t i = 0; i < replicas.size(); ++i) response->add_replicas();
  auto collector = std::make_shared<StatusCollector>(reactor, response, replicas.size());
  int slot = 0;
  for (const auto& [id, replica] : replicas) {
    replica->GetStatus(request->digests(), [collector, slot](v1::ReplicaStatus status) {
      collector->Add(slot, std::move(status));
    });
    ++slot;
  }
  return reactor;
}

Unary* ClusterService::TransferLeadership(grpc::CallbackServerContext* context,
                                          const v1::TransferLeadershipRequest* request,
                                          v1::TransferLeadershipResponse* response) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(request->shard(), &refusal);
  if (replica == nullptr) {
    reactor->Finish(shards_.ToStatus(refusal, context));
    return reactor;
  }
  replica->TransferLeadership(NodeId(request->target()), [this, context, reactor, response](
                                                             const Refusal* why, NodeId leader) {
    if (why != nullptr) return reactor->Finish(shards_.ToStatus(*why, context));
    response->set_leader_id(Id(leader));
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

Unary* ClusterService::AddMember(grpc::CallbackServerContext* context,
                                 const v1::ChangeMemberRequest* request,
                                 v1::ChangeMemberResponse* response) {
  return ChangeMember(context, *request, true, response);
}

Unary* ClusterService::RemoveMember(grpc::CallbackServerContext* context,
                                    const v1::ChangeMemberRequest* request,
                                    v1::ChangeMemberResponse* response) {
  return ChangeMember(context, *request, false, response);
}

Unary* ClusterService::ChangeMember(grpc::CallbackServerContext* context,
                                    const v1::ChangeMemberRequest& request, bool member,
                                    v1::ChangeMemberResponse* response) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(request.shard(), &refusal);
  const bool in_range = request.node_id() >= 1 && request.node_id() <= kMaxNodeNumber;
  if (replica != nullptr && !in_range) {
    refusal = {RefusalCode::kMalformed, fmt::format("there is no node {}", request.node_id()),
               NodeId()};
  }
  if (replica == nullptr || !in_range) {
    reactor->Finish(shards_.ToStatus(refusal, context));
    return reactor;
  }
  replica->ChangeMember(NodeId(request.node_id()), member,
                        [this, context, reactor, response](
                            const Refusal* why, const consensus::Configuration& configuration) {
                          if (why != nullptr)
                            return reactor->Finish(shards_.ToStatus(*why, context));
                          AddMembers(configuration, response->mutable_members());
                          reactor->Finish(grpc::Status::OK);
                        });
  return reactor;
}

}  // namespace quorumbook::server
