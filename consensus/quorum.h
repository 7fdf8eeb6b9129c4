// What a majority has reached, and who voted how.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/check.h"
#include "common/ids.h"
#include "consensus/configuration.h"

namespace quorumbook::consensus {

// Any two majorities share a member, which is what every safety argument of Raft rests on (3.6).
constexpr size_t MajorityOf(size_t voters) { return voters / 2 + 1; }

// A value of each voter, and the greatest that a majority has reached.
template <typename T>
class MajorityValue {
 public:
  void Add(T value) {
    QB_CHECK(size_ < kVotersMax);
    size_t place = size_++;
    for (; place > 0 && values_[place - 1] < value; --place) values_[place] = values_[place - 1];
    values_[place] = value;
  }
  // REQUIRES: the values of all voters were added.
  T Reached() const {
    QB_CHECK(size_ > 0);
    return values_[MajorityOf(size_) - 1];
  }

 private:
  std::array<T, kVotersMax> values_{};  // greatest first
  size_t size_ = 0;
};

// A set of voters.
class VoterSet {
 public:
  bool Contains(NodeId id) const { return std::find(begin(), end(), id) != end(); }
  // False: it was there already.
  bool Insert(NodeId id) {
    if (Contains(id)) return false;
    QB_CHECK(size_ < kVotersMax);
    ids_[size_++] = id;
    return true;
  }
  void Clear() { size_ = 0; }
  size_t size() const { return size_; }

 private:
  const NodeId* begin() const { return ids_.data(); }
  const NodeId* end() const { return ids_.data() + size_; }

  std::array<NodeId, kVotersMax> ids_{};
  size_t size_ = 0;
};

// The answers to one request for votes. The first answer of a voter counts.
class VoteTally {
 public:
  explicit VoteTally(size_t voters) : voters_(voters) {}

  void Record(NodeId voter, bool granted) {
    if (granted_.Contains(voter) || refused_.Contains(voter)) return;
    (granted ? granted_ : refused_).Insert(voter);
  }
  bool Won() const { return granted_.size() >= MajorityOf(voters_); }
  bool Lost() const { return refused_.size() > voters_ - MajorityOf(voters_); }

 private:
  size_t voters_;
  VoterSet granted_;
  VoterSet refused_;
};

}  // namespace quorumbook::consensus
