// Who a member of a Raft group is: a node, and the incarnation of its store.
//
// A node's number is written in configuration files and never changes. Its store has an
// incarnation, drawn at random when the store is created. Consensus knows the two as one NodeId: so
// a node that lost its data is somebody else, who neither inherits votes and acknowledgements that
// it can not remember, nor can give them again (thesis 4.4 asks for nothing less;
// docs/decisions/0006-members.md).
#pragma once

#include <cstdint>

#include "common/ids.h"

namespace quorumbook::server {

inline constexpr int kNodeNumberBits = 16;
inline constexpr uint64_t kMaxNodeNumber = (uint64_t{1} << kNodeNumberBits) - 1;
inline constexpr uint64_t kMaxIncarnation = (uint64_t{1} << (64 - kNodeNumberBits)) - 1;

// REQUIRES: 0 < node <= kMaxNodeNumber, incarnation <= kMaxIncarnation.
constexpr NodeId MakeMember(NodeId node, uint64_t incarnation) {
  return NodeId(incarnation << kNodeNumberBits | node.value());
}
// The number of a member's node; none for none.
constexpr NodeId NodeOf(NodeId member) { return NodeId(member.value() & kMaxNodeNumber); }

constexpr uint64_t IncarnationOf(NodeId member) { return member.value() >> kNodeNumberBits; }

}  // namespace quorumbook::server
