// What a majority has reached, and who voted how. In a joint configuration both the old and the
// new voters must agree, each by a majority of their own (4.3).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "common/check.h"
#include "common/ids.h"
#include "consensus/configuration.h"

namespace quorumbook::consensus {

// Any two majorities share a member, which is what every safety argument of Raft rests on (3.6).
constexpr size_t MajorityOf(size_t voters) { return voters / 2 + 1; }

// The greatest value that a majority of `voters` has reached. REQUIRES: 1 to kVotersMax voters.
template <typename ValueOf>
auto MajorityReached(const std::vector<NodeId>& voters, ValueOf value_of) {
  QB_CHECK(!voters.empty() && voters.size() <= kVotersMax);
  std::array<decltype(value_of(NodeId())), kVotersMax> values{};  // greatest first
  size_t size = 0;
  for (NodeId voter : voters) {
    const auto value = value_of(voter);
    size_t place = size++;
    for (; place > 0 && values[place - 1] < value; --place) values[place] = values[place - 1];
    values[place] = value;
  }
  return values[MajorityOf(size) - 1];
}

template <typename ValueOf>
auto QuorumReached(const Configuration& configuration, ValueOf value_of) {
  const auto reached = MajorityReached(configuration.voters, value_of);
  if (!configuration.joint()) return reached;
  return std::min(reached, MajorityReached(configuration.voters_outgoing, value_of));
}

// A set of nodes, as many as a configuration can have. What comes when it is full is not kept.
class MemberSet {
 public:
  static constexpr size_t kMax = 2 * kVotersMax + kLearnersMax;

  bool Contains(NodeId id) const { return std::find(begin(), end(), id) != end(); }
  void Insert(NodeId id) {
    if (size_ < kMax && !Contains(id)) ids_[size_++] = id;
  }
  void Clear() { size_ = 0; }
  bool full() const { return size_ == kMax; }
  const NodeId* begin() const { return ids_.data(); }
  const NodeId* end() const { return ids_.data() + size_; }

  // How many of `ids` are in it.
  size_t CountOf(const std::vector<NodeId>& ids) const {
    return static_cast<size_t>(
        std::count_if(ids.begin(), ids.end(), [this](NodeId id) { return Contains(id); }));
  }
  bool HasQuorumOf(const Configuration& configuration) const {
    return HasMajorityOf(configuration.voters) &&
           (!configuration.joint() || HasMajorityOf(configuration.voters_outgoing));
  }

 private:
  bool HasMajorityOf(const std::vector<NodeId>& voters) const {
    return CountOf(voters) >= MajorityOf(voters.size());
  }

  std::array<NodeId, kMax> ids_{};
  size_t size_ = 0;
};

// The answers to one request for votes. The first answer of a node counts; those of others than
// voters do not.
class VoteTally {
 public:
  // REQUIRES: not empty.
  explicit VoteTally(const Configuration& configuration) : configuration_(configuration) {}

  void Record(NodeId voter, bool granted) {
    if (granted_.Contains(voter) || refused_.Contains(voter)) return;
    if (configuration_.IsVoter(voter)) (granted ? granted_ : refused_).Insert(voter);
  }
  bool Won() const { return granted_.HasQuorumOf(configuration_); }
  bool Lost() const {
    return IsLostAmong(configuration_.voters) ||
           (configuration_.joint() && IsLostAmong(configuration_.voters_outgoing));
  }

 private:
  bool IsLostAmong(const std::vector<NodeId>& voters) const {
    return refused_.CountOf(voters) > voters.size() - MajorityOf(voters.size());
  }

  Configuration configuration_;
  MemberSet granted_;
  MemberSet refused_;
};

}  // namespace quorumbook::consensus
