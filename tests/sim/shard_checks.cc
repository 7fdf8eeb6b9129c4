#include "tests/sim/shard_checks.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <variant>

namespace quorumbook::sim {
namespace {

// The whole state is compared at indexes that are multiples of this; results at every index.
constexpr uint64_t kStateInterval = 64;

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9fb21c651e98df25;
  return hash ^ hash >> 29;
}

uint64_t HashOf(const exchange::Event& event) {
  uint64_t hash = event.sequence;
  hash = Mix(hash, static_cast<uint64_t>(event.type) << 16 |
                       static_cast<uint64_t>(event.command) << 8 |
                       static_cast<uint64_t>(event.reason));
  hash = Mix(hash, event.order_id.value() ^ event.client_order_id.value() << 32);
  hash = Mix(hash, static_cast<uint64_t>(event.price));
  hash = Mix(hash, static_cast<uint64_t>(event.quantity));
  hash =
      Mix(hash, static_cast<uint64_t>(event.leaves) ^ static_cast<uint64_t>(event.executed) << 32);
  hash = Mix(hash, event.trade_id ^ event.maker_order_id.value() << 32);
  return Mix(hash, event.symbol.value());
}

uint64_t HashOf(const exchange::ApplyResult& result) {
  uint64_t hash = static_cast<uint64_t>(result.time);
  for (const exchange::GroupResult& group : result.groups) {
    hash = Mix(hash, static_cast<uint64_t>(group.status) << 32 | group.command_count);
    hash = Mix(hash, group.session.value());
    hash = Mix(hash, group.expected_sequence);
  }
  for (const exchange::CommandResult& command : result.commands) {
    hash = Mix(hash, command.sequence << 1 | static_cast<uint64_t>(command.repeated));
    hash = Mix(hash, command.event_count);
  }
  for (const exchange::Event& event : result.events) hash = Mix(hash, HashOf(event));
  return hash;
}

}  // namespace

bool HasMajority(const std::vector<NodeId>& voters, const std::vector<NodeId>& holders) {
  const auto held = std::count_if(voters.begin(), voters.end(), [&](NodeId voter) {
    return std::find(holders.begin(), holders.end(), voter) != holders.end();
  });
  return static_cast<size_t>(held) > voters.size() / 2;
}

uint64_t HashOf(const exchange::CommandResult& command,
                const std::vector<exchange::Event>& events) {
  uint64_t hash = command.event_count;
  for (uint32_t i = 0; i < command.event_count; ++i) {
    hash = Mix(hash, HashOf(events[command.first_event + i]));
  }
  return hash;
}

void ShardChecks::Fail(NodeId member, const std::string& what) {
  context_.Fail(
      absl::StrCat("shard ", shard_.value(), " node ", member.value() & 0xffff, ": ", what));
}

void ShardChecks::Observe(NodeId member, const consensus::Raft& raft,
                          const consensus::Output& output) {
  invariants_.Observe(member, raft, output, durable_[member]);
  if (invariants_.violation() && !violation_told_) {
    violation_told_ = true;
    context_.Fail(absl::StrCat("shard ", shard_.value(), ": ", *invariants_.violation()));
  }
}

void ShardChecks::Applied(NodeId member, const consensus::Entry& entry,
                          const exchange::ApplyResult& result, const exchange::Exchange& exchange) {
  if (member == distrusted_) return;
  const uint64_t hash = HashOf(result);
  if (entry.index > applied()) {
    if (entry.index != applied().Next()) return Fail(member, "applied ahead of a gap");
    ApplyFirst(entry, result, hash, exchange.last_sequence());
  } else {
    const First& first = at(entry.index);
    if (first.chain != entry.chain) return Fail(member, "applied another entry than others did");
    if (first.result_hash != hash || first.last_sequence != exchange.last_sequence()) {
      return Fail(member, absl::StrCat("entry ", entry.index.value(),
                                       " had another result than on other nodes"));
    }
  }
  if (entry.index.value() % kStateInterval == 0) CompareStates(member, entry.index, exchange);
}

void ShardChecks::CompareStates(NodeId member, consensus::Index index,
                                const exchange::Exchange& exchange) {
  const Digest digest = exchange.StateDigest();
  const auto [known, is_new] = states_.try_emplace(index.value(), digest);
  if (known->second != digest) {
    Fail(member, absl::StrCat("another state than other nodes at index ", index.value()));
  }
}

void ShardChecks::ApplyFirst(const consensus::Entry& entry, const exchange::ApplyResult& result,
                             uint64_t hash, uint64_t last_sequence) {
  entries_.push_back({entry.chain, hash, last_sequence});
  if (entry.type == consensus::EntryType::kConfiguration) members_index_ = entry.index;
  if (entry.type != consensus::EntryType::kCommand) return;
  const absl::StatusOr<exchange::Batch> batch = exchange::DecodeBatch(entry.bytes());
  if (!batch.ok()) return context_.Fail("a committed entry is no batch");
  if (batch->time < last_time_) context_.Fail("cluster time went back");
  last_time_ = std::max(last_time_, batch->time);
  const std::optional<std::string> problem = model_.Execute(*batch, result);
  if (problem) {
    return context_.Fail(absl::StrCat("shard ", shard_.value(), " entry ", entry.index.value(),
                                      " against the model: ", *problem));
  }
  for (uint32_t i = 0; i < result.groups.size(); ++i) {
    const exchange::GroupResult& group = result.groups[i];
    for (uint32_t j = 0; j < group.command_count; ++j) {
      const exchange::CommandResult& command = result.commands[group.first_command + j];
      if (command.repeated) continue;
      const Command record{.hash = HashOf(command, result.events),
                           .position = {entry.index.value(), i}};
      const auto [place, is_new] =
          commands_.try_emplace({group.session.value(), command.sequence}, record);
      if (!is_new) context_.Fail("a command was executed twice");
    }
  }
}

void ShardChecks::Acknowledged(NodeId member, consensus::Index index,
                               const consensus::Configuration& configuration) {
  if (member == distrusted_) return;
  if (index > committed()) return Fail(member, "acknowledged what is not committed");
  std::vector<NodeId> holders;
  for (const auto& [id, log] : durable_) {
    const std::optional<consensus::SnapshotMeta> meta = log.Meta(index);
    const bool holds = meta ? meta->chain == at(index).chain : log.snapshot_index() >= index;
    if (holds) holders.push_back(id);
  }
  const bool safe = HasMajority(configuration.voters, holders) &&
                    (!configuration.joint() || HasMajority(configuration.voters_outgoing, holders));
  if (!safe) {
    Fail(member, absl::StrCat("acknowledged entry ", index.value(),
                              ", which is not durable on a majority"));
  }
}

const ShardChecks::Command* ShardChecks::Find(exchange::SessionId session,
                                              uint64_t sequence) const {
  const auto found = commands_.find({session.value(), sequence});
  return found == commands_.end() ? nullptr : &found->second;
}

}  // namespace quorumbook::sim
