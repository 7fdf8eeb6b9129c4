// The REST endpoints of orders (docs/api/openapi.json).
#pragma once

#include "server/monitoring/market_api.h"
#include "server/monitoring/node_clients.h"
#include "server/monitoring/order_gateway.h"

namespace quorumbook::server {

// All outlives the router.
struct OrderApi {
  const MarketReader* reader = nullptr;
  OrderGateway* gateway = nullptr;
  const ClusterState* state = nullptr;
};
void AddOrderRoutes(const OrderApi& api, Router* router);

}  // namespace quorumbook::server
