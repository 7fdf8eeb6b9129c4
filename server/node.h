// A running node: store, log writer, replicas, peer streams and listeners, put together.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <vector>

#include "server/config.h"

namespace quorumbook::server {

class Node {
 public:
  // Opens the store, listens, and joins the cluster. Errors say what to do about them: a port in
  // use, a data directory of another node, damaged data, ...
  // `values`: what the configuration is shown as.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const Config& config,
                                                     const std::vector<ConfigValue>& values);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Graceful: takes no more orders, answers those under way, hands leadership over, closes the
  // listeners, writes what is queued. Takes a few seconds at most. Once.
  void Stop();

 private:
  class Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace quorumbook::server
