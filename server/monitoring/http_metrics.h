// What the HTTP server counts. Not thread-safe: lives on its thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "common/duration_histogram.h"

namespace quorumbook::server {

struct HttpMetrics {
  using Key = std::tuple<std::string, std::string, unsigned>;  // route, method, status
  std::map<Key, uint64_t> requests;
  std::map<std::string, DurationHistogram> durations;  // by route
  // Open now.
  uint64_t connections = 0;
  uint64_t event_streams = 0;
  uint64_t web_sockets = 0;
  uint64_t under_way = 0;  // requests whose answer is not sent yet

  uint64_t refused = 0;        // connections above the bound
  uint64_t accept_errors = 0;  // times that no connection could be taken
  uint64_t conflated = 0;      // seconds that a slow event stream lost
  uint64_t cut = 0;            // streams cut for being slow

  void Count(const std::string& route, const std::string& method, unsigned status,
             std::chrono::nanoseconds duration) {
    ++requests[{route, method, status}];
    durations[route].Add(duration);
  }
};

}  // namespace quorumbook::server
