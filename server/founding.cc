#include "server/founding.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "server/replica/member.h"

namespace quorumbook::server {

Founding::Founding(NodeId self, bool began_anew, std::vector<NodeId> nodes,
                   std::vector<NodeId> founders)
    : self_(self), nodes_(std::move(nodes)), founders_(std::move(founders)) {
  heard_.emplace(NodeOf(self), self);
  if (began_anew) began_anew_.insert(NodeOf(self));
  if (founders_.empty()) Decide();
}

bool Founding::OnHello(NodeId member, bool began_anew, const std::vector<NodeId>& founders) {
  if (!founders_.empty()) return false;
  const NodeId node = NodeOf(member);
  heard_.insert_or_assign(node, member);
  began_anew_.erase(node);
  if (began_anew) began_anew_.insert(node);
  if (!founders.empty()) {
    founders_ = founders;
  } else {
    Decide();
  }
  return !founders_.empty();
}

void Founding::Decide() {
  const NodeId lowest = *std::min_element(nodes_.begin(), nodes_.end());
  if (lowest != NodeOf(self_) || !Missing().empty() || !began_anew_.empty()) return;
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

std::string Founding::WaitingFor() const {
  if (!founders_.empty()) return "";
  std::vector<uint64_t> numbers;
  for (const NodeId node : Missing()) numbers.push_back(node.value());
  if (!numbers.empty()) return fmt::format("node {} to run", fmt::join(numbers, ", "));
  for (const NodeId node : began_anew_) numbers.push_back(node.value());
  if (numbers.empty()) return "its first node to decide";
  return fmt::format(
      "somebody who knows its founders: node {} had damaged data, which is set aside (see "
      "docs/operating.md)",
      fmt::join(numbers, ", "));
}

}  // namespace quorumbook::server
