// /metrics: everything that is measured, as families of Prometheus (docs/metrics.md).
#pragma once

#include <string>
#include <vector>

#include "quorumbook/v1/monitoring.pb.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/monitoring/http_metrics.h"

namespace quorumbook::server {

// What a page is made of.
struct MetricsInputs {
  const v1::NodeSample* sample = nullptr;  // null: none was taken yet
  bool ready = false;                      // what /readyz says
  std::vector<GrpcMethodCounts> grpc;
  const HttpMetrics* http = nullptr;
  uint32_t nodes = 0;
  uint32_t nodes_reachable = 0;
  uint32_t alerts_pending = 0;
  uint32_t alerts_firing = 0;
  double sample_age_seconds = 0;  // of `sample`
};

// In the text format 0.0.4. Every family of docs/metrics.md is there, if without samples.
std::string RenderMetrics(const MetricsInputs& inputs);

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace quorumbook::server
