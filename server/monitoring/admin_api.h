// What an operator may do over HTTP: hand leadership over, change the members of the groups.
#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "server/monitoring/cluster_state.h"
#include "server/monitoring/node_clients.h"
#include "server/monitoring/router.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Asks the leaders. Lives on the thread of the HTTP server.
class AdminGateway {
 public:
  // Both outlive this.
  AdminGateway(const ShardSet* shards, NodeClients* clients)
      : shards_(*shards), clients_(*clients) {}

  // Both answer with a whole HTTP response. 0 as `target`: the most advanced follower.
  void Transfer(uint32_t shard, uint32_t target, Respond respond);
  // In each of the shards, one after the other; those for which no time is left are named.
  void ChangeMember(uint32_t node, bool add, std::vector<uint32_t> shards, Respond respond);

  const ShardSet& shards() const { return shards_; }

 private:
  struct Change;
  void ChangeNext(const std::shared_ptr<Change>& change);
  // 0: not known.
  uint32_t LeaderOf(uint32_t shard) const;

  const ShardSet& shards_;
  NodeClients& clients_;
};

// All outlives the router.
void AddAdminRoutes(AdminGateway* gateway, ClusterState* state, Router* router);

// The body of a request as a JSON object of no other fields than `fields`. False: `problem` says
// what is wrong.
bool ReadBody(const HttpRequest& request, std::initializer_list<std::string_view> fields,
              Json* body, HttpResponse* problem);

}  // namespace quorumbook::server
