#include "server/replica/proposal_queue.h"

#include <memory>
#include <string_view>
#include <utility>

#include "common/check.h"
#include "exchange/command.h"

namespace quorumbook::server {

void ProposalQueue::Add(WaitingGroup group) {
  waiting_bytes_ += group.bytes.size();
  waiting_.push_back(std::move(group));
}

ProposalQueue::Packed ProposalQueue::Pack(exchange::Time time, uint64_t max_bytes) const {
  QB_CHECK(HasWaiting());
  std::vector<std::string_view> groups;
  uint64_t bytes = 0;
  for (const WaitingGroup& group : waiting_) {
    if (!groups.empty() && bytes + group.bytes.size() > max_bytes) break;
    bytes += group.bytes.size();
    groups.emplace_back(group.bytes);
  }
  return {std::make_shared<const std::string>(exchange::EncodeBatch(time, groups)), groups.size()};
}

void ProposalQueue::Proposed(size_t groups, consensus::Index index, consensus::Term term,
                             consensus::Instant now) {
  ++counters_.proposals;
  ProposedEntry entry{index, term, {}, 0};
  entry.groups.reserve(groups);
  for (size_t i = 0; i < groups; ++i) {
    entry.bytes += waiting_.front().bytes.size();
    counters_.queue.Add(now - waiting_.front().since);
    entry.groups.push_back({std::move(waiting_.front().callback), waiting_.front().since});
    waiting_.pop_front();
  }
  waiting_bytes_ -= entry.bytes;
  proposed_bytes_ += entry.bytes;
  proposed_.push_back(std::move(entry));
}

size_t ProposalQueue::Applied(consensus::Index index, consensus::Term term,
                              const exchange::ApplyResult& result, consensus::Instant now) {
  size_t answered = 0;
  while (!proposed_.empty() && proposed_.front().index <= index) {
    const ProposedEntry entry = std::move(proposed_.front());
    proposed_.pop_front();
    proposed_bytes_ -= entry.bytes;
    if (entry.index != index || entry.term != term) {
      Fail(entry.groups, {RefusalCode::kLeadershipLost,
                          "another leader's entry took the place of this one", NodeId()});
      continue;
    }
    for (size_t i = 0; i < entry.groups.size(); ++i) {
      const ProposedGroup& group = entry.groups[i];
      if (i >= result.groups.size()) {  // the whole batch was refused as malformed
        Fail({group}, {RefusalCode::kMalformed, "the batch was refused", NodeId()});
      } else {
        counters_.acknowledge.Add(now - group.since);
        group.callback({nullptr, &result, &result.groups[i]});
      }
    }
    answered += entry.groups.size();
  }
  return answered;
}

void ProposalQueue::FailWaiting(const Refusal& refusal) {
  std::deque<WaitingGroup> waiting;
  waiting.swap(waiting_);
  waiting_bytes_ = 0;
  counters_.refused[static_cast<size_t>(refusal.code)] += waiting.size();
  for (const WaitingGroup& group : waiting) group.callback({&refusal, nullptr, nullptr});
}

void ProposalQueue::FailProposed(const Refusal& refusal) {
  std::deque<ProposedEntry> proposed;
  proposed.swap(proposed_);
  proposed_bytes_ = 0;
  for (const ProposedEntry& entry : proposed) Fail(entry.groups, refusal);
}

void ProposalQueue::Fail(const std::vector<ProposedGroup>& groups, const Refusal& refusal) {
  counters_.failed += groups.size();
  for (const ProposedGroup& group : groups) group.callback({&refusal, nullptr, nullptr});
}

}  // namespace quorumbook::server
