// What a node shows of itself and of the cluster: measures, asks the other nodes, serves HTTP. One
// thread of its own does all of it.
#pragma once

#include <absl/status/status.h>

#include <memory>

#include "server/monitoring/sampler.h"

namespace grpc {
class Service;
}

namespace quorumbook::server {

class Monitor {
 public:
  // What `environment` names outlives this.
  explicit Monitor(const MonitorEnvironment& environment);
  // REQUIRES: Stop was called, if Start was.
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // For the client listener: tells other nodes the samples of this one.
  grpc::Service* service();

  // Listens at listen.http, unless that is off, and begins to measure. Errors say what to do.
  absl::Status Start();
  // From here on this node says that it is not ready, and takes no more orders over HTTP.
  void BeginStop();
  // Ends streams and connections; waits until nothing is under way.
  void Stop();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace quorumbook::server
