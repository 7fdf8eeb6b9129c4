// The REST endpoints about the cluster and this node, and its probes (docs/api/openapi.json).
#pragma once

#include <functional>
#include <string>

#include "server/monitoring/cluster_state.h"
#include "server/monitoring/http_metrics.h"
#include "server/monitoring/router.h"

namespace quorumbook::server {

// All outlives the router.
struct ClusterApi {
  const MonitorEnvironment* environment = nullptr;
  const ClusterState* state = nullptr;
  const HttpMetrics* http = nullptr;
};

HttpResponse JsonResponse(const Json& document, unsigned status = 200);

// The document of an endpoint of /api that is also a topic of the event stream.
Json TopicJson(const ClusterState& state, const std::string& topic);

void AddClusterRoutes(const ClusterApi& api, Router* router);

}  // namespace quorumbook::server
