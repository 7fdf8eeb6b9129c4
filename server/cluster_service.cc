#include "server/cluster_service.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "server/version.h"

namespace quorumbook::server {
namespace {

uint32_t Id(NodeId id) { return static_cast<uint32_t>(id.value()); }
uint32_t Id(ShardId id) { return static_cast<uint32_t>(id.value()); }

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
  StatusCall call{context->DefaultReactor(), response, places_.Take()};
  Unary* const reactor = call.reactor;
  if (call.place == nullptr) {
    reactor->Finish(shards_.ToStatus(TooManyRequests(), context));
  } else if (shards_.all().empty()) {  // the cluster is being founded
    reactor->Finish(grpc::Status::OK);
  } else if (request->digests()) {
    AnswerWithDigests(std::move(call));
  } else {
    AskReplicas({std::move(call)}, /*digests=*/false, [] {});
  }
  return reactor;
}

// Replicas answer one after the other, in any order, each on a strand of its own: the last one
// finishes the calls.
void ClusterService::AskReplicas(std::vector<StatusCall> calls, bool digests,
                                 std::function<void()> done) {
  struct Collector {
    std::vector<StatusCall> calls;
    std::vector<v1::ReplicaStatus> replicas;
    std::atomic<size_t> missing;
    std::function<void()> done;
  };
  const auto& replicas = shards_.all();
  auto collector =
      std::make_shared<Collector>(std::move(calls), std::vector<v1::ReplicaStatus>(replicas.size()),
                                  replicas.size(), std::move(done));
  size_t slot = 0;
  for (const auto& [id, replica] : replicas) {
    replica->GetStatus(digests, [collector, slot](v1::ReplicaStatus status) {
      collector->replicas[slot] = std::move(status);
      if (collector->missing.fetch_sub(1) > 1) return;
      for (const StatusCall& call : collector->calls) {
        for (const v1::ReplicaStatus& one : collector->replicas)
          *call.response->add_replicas() = one;
        call.reactor->Finish(grpc::Status::OK);
      }
      collector->done();
    });
    ++slot;
  }
}

void ClusterService::AnswerWithDigests(StatusCall call) {
  {
    const std::lock_guard lock(mutex_);
    digests_wanted_.push_back(std::move(call));
    if (std::exchange(computing_digests_, true)) return;
  }
  NextDigests();
}

void ClusterService::NextDigests() {
  std::vector<StatusCall> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(digests_wanted_);
    computing_digests_ = !calls.empty();
  }
  if (!calls.empty()) AskReplicas(std::move(calls), /*digests=*/true, [this] { NextDigests(); });
}

Unary* ClusterService::TransferLeadership(grpc::CallbackServerContext* context,
                                          const v1::TransferLeadershipRequest* request,
                                          v1::TransferLeadershipResponse* response) {
  return calls_.Ask(
      context, request->shard(), [request, response](ShardReplica& replica, const auto& finish) {
        replica.TransferLeadership(NodeId(request->target()),
                                   [response, finish](const Refusal* why, NodeId leader) {
                                     response->set_leader_id(Id(leader));
                                     finish(why, grpc::Status::OK);
                                   });
      });
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
  const NodeId node(request.node_id());
  return calls_.Ask(
      context, request.shard(),
      [node, member, response](ShardReplica& replica, const auto& finish) {
        if (node == NodeId() || node.value() > kMaxNodeNumber) {
          const Refusal none{RefusalCode::kMalformed,
                             fmt::format("there is no node {}", node.value()), NodeId()};
          return finish(&none, grpc::Status::OK);
        }
        replica.ChangeMember(
            node, member,
            [response, finish](const Refusal* why, const consensus::Configuration& members) {
              if (why == nullptr) AddMembers(members, response->mutable_members());
              finish(why, grpc::Status::OK);
            });
      });
}

}  // namespace quorumbook::server
