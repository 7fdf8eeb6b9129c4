#include "server/shard_counters.h"

#include <algorithm>

#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

// What waits for a majority is bounded by bytes, not in number: beyond this the oldest go
// unmeasured.
constexpr size_t kMaxProposals = 4'096;

}  // namespace

void CommitTimer::Observe(consensus::Role role, const consensus::Output& output) {
  const bool leads = role == consensus::Role::kLeader;
  if (!leads) proposals_.clear();
  if (leads && output.persist && !output.persist->entries.empty()) {
    if (proposals_.size() == kMaxProposals) proposals_.pop_front();
    proposals_.push_back(
        {output.persist->sequence, output.persist->entries.back().index, Clock::now(), {}});
  }
  if (!output.committed.empty() && !proposals_.empty()) Committed(output.committed.back().index);
}

// An entry may be committed before the own disk has it; it is kept until both are known.
void CommitTimer::Committed(consensus::Index index) {
  const Clock::time_point now = Clock::now();
  for (Proposal& proposal : proposals_) {
    if (proposal.last > index) break;
    if (proposal.committed) continue;
    proposal.committed = true;
    commit_.Add(now - proposal.proposed);
    const bool durable = proposal.durable != Clock::time_point();
    replicate_.Add(durable ? now - proposal.durable : Clock::duration::zero());
  }
  while (!proposals_.empty() && proposals_.front().committed &&
         proposals_.front().durable != Clock::time_point()) {
    proposals_.pop_front();
  }
}

void CommitTimer::Persisted(uint64_t sequence, const WriteTimes& times) {
  for (Proposal& proposal : proposals_) {
    if (proposal.sequence != sequence) continue;
    proposal.durable = times.durable;
    append_.Add(times.begun - proposal.proposed);
    break;
  }
}

void ShardCounters::Count(const consensus::Evidence& item,
                          std::chrono::steady_clock::time_point now) {
  const auto culprit = static_cast<uint32_t>(NodeOf(item.culprit).value());
  auto found = std::ranges::find_if(evidence, [&](const EvidenceOf& one) {
    return one.kind == item.kind && one.culprit == culprit;
  });
  if (found == evidence.end()) found = evidence.insert(found, {item.kind, culprit, 0, now});
  ++found->count;
  found->last = now;
}

void ShardCounters::Count(const exchange::ApplyResult& result) {
  if (!result.groups.empty()) ++batches;
  for (const exchange::CommandResult& command : result.commands) {
    if (command.repeated) {
      ++duplicates;
      continue;
    }
    if (command.event_count == 0) continue;
    const exchange::Event& first = result.events[command.first_event];
    const bool refused = first.type == exchange::EventType::kCommandRejected;
    ++(refused ? rejected : accepted)[static_cast<size_t>(first.command)];
    ++(refused ? orders_rejected : orders_accepted)[static_cast<size_t>(command.order_type)];
  }
  for (const exchange::Event& event : result.events) {
    if (event.sequence <= last_event) continue;  // of a repeated command
    last_event = event.sequence;
    ++events[static_cast<size_t>(event.type)];
    switch (event.type) {
      case exchange::EventType::kTrade:
        traded_lots += static_cast<uint64_t>(event.quantity);
        break;
      case exchange::EventType::kOrderCanceled:
        ++cancels[static_cast<size_t>(event.reason)];
        break;
      case exchange::EventType::kCommandRejected:
        ++rejects[static_cast<size_t>(event.reason)];
        break;
      default:
        break;
    }
  }
}

}  // namespace quorumbook::server
