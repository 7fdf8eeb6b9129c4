// Who speaks on this side of a peer stream, what its hello says, and who may answer.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "quorumbook/v1/peer.pb.h"
#include "server/config.h"
#include "server/replica/member.h"

namespace quorumbook::server {

inline constexpr uint32_t kPeerProtocolVersion = 3;

// What a peer tells of itself.
struct PeerGreeting {
  NodeId member;
  std::vector<NodeId> founders;  // empty: not known yet
  bool began_anew = false;
};
// REQUIRES: PeerIdentity::WhyNot finds no fault with it.
PeerGreeting ReadHello(const v1::PeerHello& hello);

// Of what must be the same on every node: two nodes that route a symbol to different shards make
// two markets of it, and a lease (consensus/lease.h) rests on the election timeout of the others.
v1::PeerSettings SettingsOf(const Config& config);

// Thread-safe.
class PeerIdentity {
 public:
  // `began_anew`: this store took the place of a damaged one.
  PeerIdentity(std::string cluster_id, NodeId member, std::vector<NodeId> founders, bool began_anew,
               v1::PeerSettings settings)
      : cluster_id_(std::move(cluster_id)),
        member_(member),
        began_anew_(began_anew),
        settings_(std::move(settings)),
        founders_(std::move(founders)) {}

  NodeId member() const { return member_; }
  NodeId node() const { return NodeOf(member_); }

  void SetFounders(std::vector<NodeId> founders);
  void WriteHello(v1::PeerHello* hello) const;
  // Whether this says to be another node of this cluster than `node`.
  bool ClaimsOtherThan(NodeId node, const v1::PeerHello& hello) const;
  // Why nobody who says this, first or later, can be a peer; empty when there is no reason.
  std::string WhyNot(const v1::PeerHello& hello) const;

 private:
  std::string WhyOtherSettings(const v1::PeerHello& hello) const;
  std::string WhyOtherFounders(const std::vector<NodeId>& founders) const;

  const std::string cluster_id_;
  const NodeId member_;
  const bool began_anew_;
  const v1::PeerSettings settings_;
  mutable std::mutex mutex_;
  std::vector<NodeId> founders_;  // guarded by mutex_
};

}  // namespace quorumbook::server
