// How roles and kinds of members are called wherever people read them: HTTP, qb.
#pragma once

#include "quorumbook/v1/cluster.pb.h"

namespace quorumbook {

inline const char* RoleName(v1::ReplicaStatus::Role role) {
  switch (role) {
    case v1::ReplicaStatus::FOLLOWER:
      return "follower";
    case v1::ReplicaStatus::PRE_CANDIDATE:
      return "pre_candidate";
    case v1::ReplicaStatus::CANDIDATE:
      return "candidate";
    case v1::ReplicaStatus::LEADER:
      return "leader";
    default:
      return "unknown";
  }
}

inline const char* MemberKindName(v1::MemberStatus::Kind kind) {
  switch (kind) {
    case v1::MemberStatus::VOTER:
      return "voter";
    case v1::MemberStatus::LEARNER:
      return "learner";
    case v1::MemberStatus::OUTGOING_VOTER:
      return "outgoing_voter";
    case v1::MemberStatus::INCOMING_VOTER:
      return "incoming_voter";
    default:
      return "unknown";
  }
}

}  // namespace quorumbook
