#include "tests/sim/shard_checks.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace quorumbook::sim {
namespace {

// The whole state is compared at indexes that are multiples of this; results at every index.
constexpr uint64_t kStateInterval = 64;

// A leader gives way after two election timeouts without progress. Not held against it: a while in
// which its process stood still, or in which its clock ran slower.
constexpr int kStallElections = 6;
constexpr SimTime kWatchGap = kSecond;

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

// Of each part of it.
bool IsMajority(const consensus::Configuration& configuration, const std::vector<NodeId>& holders) {
  return HasMajority(configuration.voters, holders) &&
         (!configuration.joint() || HasMajority(configuration.voters_outgoing, holders));
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
  if (member == distrusted_ && raft.role() == consensus::Role::kLeader) {
    led_by_distrusted_.insert(raft.term());
  }
  invariants_.Observe(member, raft, output, durable_[member]);
  CheckCommit(member, raft);
  CheckTransfers(member, raft, output);
  CheckSilence(member, raft, output);
  if (invariants_.violation() && !violation_told_) {
    violation_told_ = true;
    context_.Fail(absl::StrCat("shard ", shard_.value(), ": ", *invariants_.violation()));
  }
}

// 3.6.2 and 4.3: what a leader commits is durable on a majority of each part of the configuration
// in force: the one before this step, as the step may have brought the next.
void ShardChecks::CheckCommit(NodeId member, const consensus::Raft& raft) {
  if (raft.role() != consensus::Role::kLeader) return;
  Leading& leading = leading_[member];
  const consensus::Index before = std::exchange(leading.commit, raft.commit());
  if (std::exchange(leading.term, raft.term()) != raft.term() || raft.commit() == before) return;
  const std::optional<consensus::SnapshotMeta> meta = raft.EntryMeta(raft.commit());
  if (!meta) return;
  const std::vector<NodeId> holders = Holders(raft.commit(), meta->chain);
  if (IsMajority(members_[member].configuration, holders) ||
      IsMajority(raft.configuration(), holders)) {
    return;
  }
  Fail(member, absl::StrCat("committed entry ", raft.commit().value(),
                            ", which is not durable on a majority"));
}

// The entries behind a snapshot that is on its way are kept, up to transfer_log_bytes: else its
// receiver needs another one at once, for ever when there is enough load.
void ShardChecks::CheckTransfers(NodeId member, const consensus::Raft& raft,
                                 const consensus::Output& output) {
  for (const consensus::Message& message : output.messages) {
    const auto* chunk = std::get_if<consensus::InstallSnapshot>(&message.body);
    if (chunk == nullptr) continue;
    transfers_[member][message.to] = {.index = chunk->meta.index, .bytes = chunk->total_bytes};
  }
  const auto transfers = transfers_.find(member);
  if (transfers == transfers_.end() || raft.role() != consensus::Role::kLeader || !output.persist ||
      !output.persist->compact_through) {
    return;
  }
  const consensus::RaftStatus status = raft.status();
  if (status.log_bytes > context_.scenario.transfer_log_bytes / 2) return;  // one may be large
  for (const consensus::PeerProgress& peer : status.peers) {
    const auto transfer = transfers->second.find(peer.id);
    if (!peer.snapshotting || !peer.active || transfer == transfers->second.end() ||
        peer.snapshot_total_bytes != transfer->second.bytes ||
        *output.persist->compact_through <= transfer->second.index) {
      continue;
    }
    Fail(member, absl::StrCat("drops entries behind snapshot ", transfer->second.index.value(),
                              ", which is on its way to node ", peer.id.value() & 0xffff));
  }
}

// A group falls silent when everybody has everything. Who is fenced off has no say.
void ShardChecks::CheckSilence(NodeId member, const consensus::Raft& raft,
                               const consensus::Output& output) {
  for (const consensus::Message& message : output.messages) {
    const auto* append = std::get_if<consensus::AppendEntries>(&message.body);
    if (append == nullptr || !append->quiesce) continue;
    const consensus::RaftStatus status = raft.status();
    if (!status.quiesced) return;  // something came up in the same step
    if (std::ranges::find(status.fenced, message.to) != status.fenced.end()) continue;
    const std::vector<NodeId> holders = Holders(status.last, raft.EntryMeta(status.last)->chain);
    if (std::ranges::find(holders, message.to) != holders.end()) {
      rolled_back_.erase(message.to);  // it has everything again
      continue;
    }
    if (rolled_back_.contains(message.to)) continue;
    Fail(member, absl::StrCat("falls silent though node ", message.to.value() & 0xffff,
                              " lacks entry ", status.last.value()));
  }
}

void ShardChecks::WatchLeader(NodeId member, const consensus::RaftStatus& status) {
  Leading& leading = leading_[member];
  uint64_t progress = status.commit.value() + status.durable.value();
  for (const consensus::PeerProgress& peer : status.peers) {
    progress += peer.match.value() + peer.snapshot_acknowledged_bytes;
  }
  const SimTime now = context_.queue.now();
  const bool waits = status.commit < status.last && !status.peers.empty();
  const bool goes_on = waits && leading.term == status.term && leading.progress == progress &&
                       now - leading.watched_at < kWatchGap;
  leading.term = status.term;
  leading.commit = status.commit;
  leading.progress = progress;
  leading.watched_at = now;
  if (!goes_on) leading.since = now;
  if (now - leading.since <= kStallElections * context_.scenario.election_timeout_max.count())
    return;
  Fail(member,
       absl::StrCat("leads, though entry ", status.commit.Next().value(),
                    " has not been committed for ", (now - leading.since) / kMillisecond, " ms"));
}

void ShardChecks::Applied(NodeId member, const consensus::Entry& entry,
                          const exchange::ApplyResult& result, const exchange::Exchange& exchange) {
  const uint64_t hash = HashOf(result);
  context_.trace.Note(hash, exchange.last_sequence());
  if (member == distrusted_) return;
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
  if (batch->time < last_time_ && !led_by_distrusted_.contains(entry.term)) {
    context_.Fail("cluster time went back");
  }
  last_time_ = std::max(last_time_, batch->time);
  const std::optional<std::string> problem =
      context_.scenario.any_orders ? std::nullopt : model_.Execute(*batch, result);
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
  if (!IsMajority(configuration, Holders(index, at(index).chain))) {
    Fail(member, absl::StrCat("acknowledged entry ", index.value(),
                              ", which is not durable on a majority"));
  }
}

std::vector<NodeId> ShardChecks::Holders(consensus::Index index, const Digest& chain) const {
  std::vector<NodeId> holders;
  for (const auto& [id, log] : durable_) {
    const std::optional<consensus::SnapshotMeta> meta = log.Meta(index);
    const bool holds = meta ? meta->chain == chain : log.snapshot_index() >= index;
    if (holds) holders.push_back(id);
  }
  return holders;
}

std::vector<NodeId> ShardChecks::HoldersOfAllOf(NodeId member) const {
  const auto found = durable_.find(member);
  if (found == durable_.end()) return {};
  const consensus::Index last = std::max(found->second.last(), found->second.snapshot_index());
  const std::optional<consensus::SnapshotMeta> meta = found->second.Meta(last);
  return meta ? Holders(last, meta->chain) : std::vector<NodeId>();
}

const ShardChecks::Command* ShardChecks::Find(exchange::SessionId session,
                                              uint64_t sequence) const {
  const auto found = commands_.find({session.value(), sequence});
  return found == commands_.end() ? nullptr : &found->second;
}

}  // namespace quorumbook::sim
