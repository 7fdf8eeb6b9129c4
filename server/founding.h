// How the nodes of a new cluster agree on who founds it.
//
// The voters of the first configuration are members (server/replica/member.h): nothing but the
// stores that were there at the founding may vote in it. So the founders can not be read from a
// configuration file; the nodes tell each other. The node with the lowest number decides, once it
// has heard every other node say that it knows of no founders; everybody else learns them from
// anybody who knows. Each stores them before telling (docs/decisions/0006-members.md).
#pragma once

#include <map>
#include <vector>

#include "common/ids.h"

namespace quorumbook::server {

// Not thread-safe.
class Founding {
 public:
  // `self` is this node's member, `nodes` the numbers of all nodes, `founders` those that are known
  // from an earlier start (empty: not known).
  Founding(NodeId self, std::vector<NodeId> nodes, std::vector<NodeId> founders);

  // `member` said hello and named the founders that it knows (empty: none).
  // Returns whether the founders became known by it.
  bool OnHello(NodeId member, const std::vector<NodeId>& founders);

  // Ascending; empty: not known yet.
  const std::vector<NodeId>& founders() const { return founders_; }
  // Nodes that did not say hello yet.
  std::vector<NodeId> Missing() const;

 private:
  void Decide();

  const NodeId self_;
  const std::vector<NodeId> nodes_;  // by number
  std::vector<NodeId> founders_;
  std::map<NodeId, NodeId> heard_;  // node, member
};

}  // namespace quorumbook::server
