// How the nodes of a new cluster agree on who founds it.
//
// The voters of the first configuration are members (server/replica/member.h): nothing but the
// stores that were there at the founding may vote in it. So the founders can not be read from a
// configuration file; the nodes tell each other. The node with the lowest number decides, once it
// has heard every other node say that it knows of no founders; everybody else learns them from
// anybody who knows. Each stores them before telling (docs/decisions/0006-members.md).
//
// A node that set damaged data aside may have forgotten a founding: where there is one, nobody
// decides. Else a cluster whose nodes were all damaged would found itself anew, without its orders.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"

namespace quorumbook::server {

// Not thread-safe.
class Founding {
 public:
  // `self` is this node's member, `began_anew` whether it set damaged data aside, `nodes` the
  // numbers of all nodes, `founders` those that are known from an earlier start (empty: not known).
  Founding(NodeId self, bool began_anew, std::vector<NodeId> nodes, std::vector<NodeId> founders);

  // `member` said hello, whether it set damaged data aside, and the founders that it knows (empty:
  // none). Returns whether the founders became known by it.
  bool OnHello(NodeId member, bool began_anew, const std::vector<NodeId>& founders);

  // Ascending; empty: not known yet.
  const std::vector<NodeId>& founders() const { return founders_; }
  // What the founding waits for, for people: "node 2, 3 to run". Empty: founded.
  std::string WaitingFor() const;

 private:
  std::vector<NodeId> Missing() const;
  void Decide();

  const NodeId self_;
  const std::vector<NodeId> nodes_;  // by number
  std::vector<NodeId> founders_;
  std::map<NodeId, NodeId> heard_;  // node, member
  std::set<NodeId> began_anew_;     // nodes
};

}  // namespace quorumbook::server
