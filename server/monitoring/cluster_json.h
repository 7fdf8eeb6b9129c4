// What is known of the cluster as JSON: the documents of docs/api/openapi.json.
#pragma once

#include <string>
#include <vector>

#include "server/monitoring/alert_engine.h"
#include "server/monitoring/cluster_view.h"
#include "server/monitoring/event_log.h"
#include "server/monitoring/health.h"
#include "server/monitoring/history.h"
#include "server/monitoring/json_text.h"

namespace quorumbook::server {

// What every document about the cluster begins with.
Json Envelope(const ClusterView& view);

Json HealthJson(const ClusterView& view, const Health& health);
Json SummaryJson(const ClusterView& view, const Health& health, const AlertEngine& alerts);

struct NodeAddresses {
  uint32_t node = 0;
  std::string client;
  std::string peer;
};
Json NodesJson(const ClusterView& view, const std::vector<NodeAddresses>& addresses);
Json ShardsJson(const ClusterView& view, const EventLog& events);
Json RaftJson(const ClusterView& view, const EventLog& events);
Json StorageJson(const ClusterView& view);
Json AlertsJson(const ClusterView& view, const AlertEngine& alerts);
// Events with an id above `after`, latest first, at most `limit`.
Json EventsJson(const ClusterView& view, const EventLog& events, uint64_t after, size_t limit);

struct TimeseriesQuery {
  std::vector<std::string> series;  // empty: all; unknown ones are left out
  std::vector<uint32_t> nodes;      // likewise
  int64_t since_ms = 0;             // only later points
};
Json TimeseriesJson(const ClusterView& view, const History& history, const TimeseriesQuery& query);

}  // namespace quorumbook::server
