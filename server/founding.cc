#include "server/founding.h"

#include <algorithm>
#include <utility>

#include "server/replica/member.h"

namespace quorumbook::server {

Founding::Founding(NodeId self, std::vector<NodeId> nodes, std::vector<NodeId> founders)
    : self_(self), nodes_(std::move(nodes)), founders_(std::move(founders)) {
  heard_.emplace(NodeOf(self), self);
  if (founders_.empty()) Decide();
}

bool Founding::OnHello(NodeId member, const std::vector<NodeId>& founders) {
  if (!founders_.empty()) return false;
  heard_.insert_or_assign(NodeOf(member), member);
  if (!founders.empty()) {
    founders_ = founders;
  } else {
    Decide();
  }
  return !founders_.empty();
}

void Founding::Decide() {
  const NodeId lowest = *std::min_element(nodes_.begin(), nodes_.end());
  if (lowest != NodeOf(self_) || !Missing().empty()) return;
  for (const NodeId node : nodes_) founders_.push_back(heard_.at(node));
  std::sort(founders_.begin(), founders_.end());
}

std::vector<NodeId> Founding::Missing() const {
  std::vector<NodeId> missing;
  for (const NodeId node : nodes_) {
    if (!heard_.contains(node)) missing.push_back(node);
  }
  return missing;
}

}  // namespace quorumbook::server
