// Takes the samples of this node: asks its replicas, its store and the system.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "quorumbook/v1/monitoring.pb.h"
#include "server/config.h"
#include "server/log_writer.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/peer_transport.h"
#include "server/shard_set.h"
#include "server/store_probe.h"
#include "storage/sync_times.h"

namespace quorumbook::server {

// What is measured; all outlives those who use it.
struct MonitorEnvironment {
  const Config* config = nullptr;
  const std::vector<ConfigValue>* config_values = nullptr;
  const ShardSet* shards = nullptr;
  StoreProbe* probe = nullptr;
  // Null before the cluster is founded.
  std::function<const LogWriter*()> log_writer;
  const PeerTransport* transport = nullptr;
  const GrpcMetrics* grpc = nullptr;
  const storage::SyncTimes* sync_times = nullptr;
};

// Lives on the thread that runs `io`.
class Sampler {
 public:
  Sampler(const MonitorEnvironment& environment, boost::asio::io_context* io);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Begins a sample, unless one is under way; `done` is called with it, on the thread of `io`, when
  // every replica has answered. One that never does is noticed by the samples that do not come.
  using Done = std::function<void(std::shared_ptr<v1::NodeSample>)>;
  void Take(Done done);

 private:
  struct Pending {
    std::shared_ptr<v1::NodeSample> sample;
    size_t missing = 0;
    Done done;
  };
  void Finish(const Pending& pending);
  void FillNode(v1::NodeSample* sample) const;
  void FillStorage(v1::StorageSample* storage) const;
  void FillPeers(v1::NodeSample* sample) const;

  const MonitorEnvironment environment_;
  boost::asio::io_context& io_;
  const int64_t started_ms_;
  bool sampling_ = false;
};

int64_t WallClockMs();

}  // namespace quorumbook::server
