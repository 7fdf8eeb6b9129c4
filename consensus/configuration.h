// Who belongs to a group (thesis 4), and how that is written into the log.
//
// A change of voters goes through a joint configuration, in which both the old and the new voters
// must agree, each by a majority of its own (4.3). It is in force from the moment it is in a
// replica's log, committed or not (4.1), and is taken back if the entry is truncated.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"

namespace quorumbook::consensus {

inline constexpr size_t kVotersMax = 7;
inline constexpr size_t kLearnersMax = 8;
// Of removed members so many are remembered, the latest.
inline constexpr size_t kRetiredMax = 32;

struct Configuration {
  std::vector<NodeId> voters{};
  // The voters that are being replaced, as long as the change is under way. Not empty: the
  // configuration is joint, and `voters` and `learners` are those it leads to.
  std::vector<NodeId> voters_outgoing{};
  // Receive the log; neither vote nor count. One that is still an outgoing voter acts as a voter
  // until the joint configuration ends.
  std::vector<NodeId> learners{};
  // Who was removed, the latest last: never a member again (Raft::ProposeConfiguration). In a joint
  // configuration the outgoing voters that will be no members are among them.
  std::vector<NodeId> retired{};

  bool operator==(const Configuration&) const = default;

  // Nobody yet: what a replica knows that is to join a group by its leader's first message.
  bool empty() const { return voters.empty(); }
  bool joint() const { return !voters_outgoing.empty(); }
  bool IsVoter(NodeId id) const;
  bool IsLearner(NodeId id) const;  // and not an outgoing voter
  bool Contains(NodeId id) const { return IsVoter(id) || IsLearner(id); }
  // Everybody, each once.
  std::vector<NodeId> Members() const;
  // What a joint configuration leads to.
  Configuration Left() const {
    return {.voters = voters, .learners = learners, .retired = retired};
  }
  bool IsRetired(NodeId id) const;
  // Forgets who was removed before the last kRetiredMax.
  void Retire(NodeId id);
};

// Sorted but for `retired`; 1 to kVotersMax voters, at most that many outgoing ones, at most
// kLearnersMax learners none of which is in `voters`, at most kRetiredMax retired ones that are
// neither; nobody twice in a list, and no NodeId of 0.
bool IsValid(const Configuration& configuration);

// How many voters one of them has and the other has not, outgoing ones aside.
size_t VotersChanged(const Configuration& a, const Configuration& b);

// `voters` and `learners` in order; not necessarily valid.
Configuration MakeConfiguration(std::vector<NodeId> voters, std::vector<NodeId> learners = {});

// The payload of a kConfiguration entry: u8 version (2), u8 number of voters, outgoing voters,
// learners and retired ones, then their ids as u64 in the same order.
std::string EncodeConfiguration(const Configuration& configuration);
// Empty: not such bytes, or not valid.
std::optional<Configuration> DecodeConfiguration(std::string_view bytes);

}  // namespace quorumbook::consensus
