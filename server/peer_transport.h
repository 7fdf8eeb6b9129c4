// The streams to all peers: dials those with a higher id, takes calls of those with a lower one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "server/config.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/peer_link.h"

namespace grpc {
class Service;
}

namespace quorumbook::server {

class PeerTransport {
 public:
  // `config`, `identity`, `io` and `metrics` outlive this.
  PeerTransport(const Config& config, PeerIdentity* identity, boost::asio::io_context* io,
                GrpcMetrics* metrics, PeerEvents events);
  ~PeerTransport();
  PeerTransport(const PeerTransport&) = delete;
  PeerTransport& operator=(const PeerTransport&) = delete;

  // For the peer listener.
  grpc::Service* service();

  // Starts dialing, and dials again whenever a stream ends.
  void Start();
  // Ends all dialed streams and waits until they are gone. Accepted ones end with their server.
  void Stop();

  // Tells all peers, from now on, who founded the cluster.
  void AnnounceFounders(std::vector<NodeId> founders);

  // By node.
  std::map<NodeId, PeerLinkStatus> links() const;

  // Loses messages to members that are not connected.
  void Send(ShardId shard, std::vector<consensus::Message> messages);

 private:
  class Acceptor;
  class Dialer;

  const Config& config_;
  PeerIdentity& identity_;
  GrpcMetrics& metrics_;
  const PeerEvents events_;
  std::map<NodeId, std::unique_ptr<PeerLink>> links_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Dialer>> dialers_;
};

}  // namespace quorumbook::server
