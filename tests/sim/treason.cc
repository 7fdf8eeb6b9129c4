#include "tests/sim/treason.h"

#include <algorithm>
#include <variant>

namespace quorumbook::sim {

using consensus::AppendEntriesResponse;
using consensus::InstallSnapshotResponse;
using consensus::Message;
using consensus::RequestVote;
using consensus::RequestVoteResponse;

namespace {

bool Acknowledges(const Message& message) {
  return std::holds_alternative<AppendEntriesResponse>(message.body) ||
         std::holds_alternative<InstallSnapshotResponse>(message.body);
}

}  // namespace

void Treason::Sent(ShardId shard, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const Place place{shard, message.term};
    if (const auto* request = std::get_if<RequestVote>(&message.body)) {
      if (!request->pre_vote) ballots_[place][message.from].insert(message.from);
    } else if (const auto* vote = std::get_if<RequestVoteResponse>(&message.body)) {
      if (vote->granted && !vote->pre_vote) ballots_[place][message.to].insert(message.from);
    } else if (message.from == traitor_ && Acknowledges(message)) {
      acknowledged_.insert(place);
    }
  }
}

void Treason::KeepQuiet(ShardId shard, std::vector<Message>* messages) const {
  std::erase_if(*messages, [&](const Message& message) {
    const Place place{shard, message.term};
    return quiet_.contains(place) || (plans_.contains(place) && Acknowledges(message));
  });
}

void Treason::Withhold(ShardId shard, std::vector<Message>* messages) const {
  std::erase_if(*messages, [&](const Message& message) {
    const auto* answer = std::get_if<AppendEntriesResponse>(&message.body);
    const auto told = told_twice_.find({shard, message.term});
    return answer != nullptr && answer->accepted && told != told_twice_.end() &&
           answer->index >= told->second;
  });
}

bool Treason::MayVoteFor(ShardId shard, consensus::Term term, NodeId rival,
                         const consensus::Configuration& members) const {
  const Place place{shard, term};
  const auto found = ballots_.find(place);
  if (found == ballots_.end() || found->second.size() != 2 || acknowledged_.contains(place) ||
      quiet_.contains(place) || members.joint() || !members.IsVoter(traitor_)) {
    return false;
  }
  const size_t majority = members.voters.size() / 2 + 1;
  for (const auto& [candidate, voters] : found->second) {
    if (!members.IsVoter(candidate)) return false;
    if (voters.contains(traitor_) == (candidate == rival)) return false;
    const auto honest = static_cast<size_t>(std::ranges::count_if(
        voters, [&](NodeId voter) { return voter != traitor_ && members.IsVoter(voter); }));
    // All others may yet vote for the other one.
    if (members.voters.size() - 1 - honest >= majority) return false;
  }
  return true;
}

void Treason::ToldTwice(ShardId shard, consensus::Term term, consensus::Index index) {
  const auto place = told_twice_.try_emplace({shard, term}, index).first;
  place->second = std::min(place->second, index);
}

void Treason::Took(NodeId process, ShardId shard, consensus::Term term, consensus::Index index) {
  auto& taken = taken_[{process, shard}];
  taken = std::max(taken, std::pair(term, index));
}

bool Treason::HasTaken(NodeId process, ShardId shard, consensus::Term term,
                       consensus::Index index) const {
  const auto found = taken_.find({process, shard});
  return found != taken_.end() && found->second.first == term && found->second.second >= index;
}

}  // namespace quorumbook::sim
