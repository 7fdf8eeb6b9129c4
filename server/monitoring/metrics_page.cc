#include "server/monitoring/metrics_page.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

#include "server/monitoring/cluster_view.h"
#include "server/monitoring/metric_families.h"

namespace quorumbook::server {
namespace {

using Labels = MetricFamilies::Labels;

std::string Shard(const v1::ReplicaSample& replica) {
  return absl::StrCat(replica.status().shard());
}

// One sample a replica. `value` may say that there is none.
template <typename Value>
void EachReplica(const v1::NodeSample& sample, MetricFamilies* out, Value value) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    out->Add({{"shard", Shard(replica)}}, value(replica));
  }
}

template <typename Counts>
void EachCount(const v1::NodeSample& sample, MetricFamilies* out, const char* label,
               Counts counts) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    for (const v1::NamedCount& count : counts(replica)) {
      out->Add({{"shard", Shard(replica)}, {label, count.name()}},
               static_cast<double>(count.count()));
    }
  }
}

// Of two incarnations of one node, the one that runs is heard; when neither is, the one that has
// more is as good a guess as any. Their numbers are random and tell nothing.
bool RunsRather(const v1::FollowerSample& one, const v1::FollowerSample& other) {
  if (one.active() != other.active()) return one.active();
  return one.match_index() > other.match_index();
}

// One sample a node. While one that began anew takes the place of its former self, the group has
// both: what is told is of the one that runs.
template <typename Value>
void EachFollower(const v1::NodeSample& sample, MetricFamilies* out, Value value) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    std::map<uint32_t, const v1::FollowerSample*> running;
    for (const v1::FollowerSample& follower : replica.followers()) {
      const v1::FollowerSample*& one = running[follower.node_id()];
      if (one == nullptr || RunsRather(follower, *one)) one = &follower;
    }
    for (const auto& [node, follower] : running) {
      out->Add({{"shard", Shard(replica)}, {"peer", absl::StrCat(node)}},
               static_cast<double>(value(replica, *follower)));
    }
  }
}

template <typename Value>
void EachEvidence(const v1::NodeSample& sample, MetricFamilies* out, Value value) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    for (const v1::EvidenceCount& item : replica.evidence()) {
      out->Add({{"shard", Shard(replica)}, {"kind", item.kind()}, {"culprit", CulpritLabel(item)}},
               static_cast<double>(value(item)));
    }
  }
}

template <typename Value>
void EachPeer(const v1::NodeSample& sample, MetricFamilies* out, Value value) {
  for (const v1::PeerSample& peer : sample.peers()) {
    out->Add({{"peer", absl::StrCat(peer.node_id())}}, static_cast<double>(value(peer)));
  }
}

template <typename Value>
void EachSymbol(const v1::NodeSample& sample, MetricFamilies* out, Value value) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    for (const v1::SymbolSample& symbol : replica.symbol_samples()) {
      value(Labels{{"shard", Shard(replica)}, {"symbol", symbol.name()}}, symbol, out);
    }
  }
}

using R = const v1::ReplicaSample&;

uint32_t Voters(R replica, bool voting) {
  uint32_t count = 0;
  for (const v1::MemberStatus& member : replica.status().members()) {
    count += (member.kind() != v1::MemberStatus::LEARNER) == voting ? 1 : 0;
  }
  return count;
}

// Of a leader. It has no other incarnation in its group that votes: nobody replaces a leader.
bool SelfVotes(R replica, uint32_t node) {
  return std::ranges::any_of(replica.status().members(), [node](const v1::MemberStatus& member) {
    return member.node_id() == node && member.kind() != v1::MemberStatus::LEARNER;
  });
}

bool IsVoter(R replica, uint32_t node, uint64_t incarnation) {
  for (const v1::MemberStatus& member : replica.status().members()) {
    if (member.node_id() != node || member.incarnation() != incarnation) continue;
    return member.kind() != v1::MemberStatus::LEARNER;
  }
  return false;
}

uint64_t Diverged(R replica) {
  uint64_t count = 0;
  for (const v1::EvidenceCount& item : replica.evidence()) {
    if (item.kind() == "diverged_state") count += item.count();
  }
  return count;
}

bool IsLeader(R replica) { return replica.status().role() == v1::ReplicaStatus::LEADER; }

void AddActiveVoters(const v1::NodeSample& sample, MetricFamilies* out) {
  for (R replica : sample.replicas()) {
    if (!IsLeader(replica)) continue;
    uint32_t active = SelfVotes(replica, sample.node_id()) ? 1 : 0;
    for (const v1::FollowerSample& follower : replica.followers()) {
      const bool voter = IsVoter(replica, follower.node_id(), follower.incarnation());
      active += follower.active() && voter ? 1 : 0;
    }
    out->Add({{"shard", Shard(replica)}}, active);
  }
}

void AddFencedPeers(const v1::NodeSample& sample, MetricFamilies* out) {
  for (R replica : sample.replicas()) {
    for (const uint32_t node : replica.status().fenced_nodes()) {
      out->Add({{"shard", Shard(replica)}, {"peer", absl::StrCat(node)}}, 1.0);
    }
  }
}

double LagOf(R replica, const v1::FollowerSample& follower) {
  const uint64_t last = replica.status().last_index();
  return follower.match_index() > last ? 0 : static_cast<double>(last - follower.match_index());
}

void RaftState(const v1::NodeSample& s, MetricFamilies* out) {
  out->Gauge("quorumbook_raft_has_leader", "1 while this replica knows its group's leader");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().leader_id() != 0); });
  out->Gauge("quorumbook_raft_is_leader", "1 while it leads");
  EachReplica(s, out, [](R r) { return static_cast<double>(IsLeader(r)); });
  out->Gauge("quorumbook_raft_term", "its term");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().term()); });
  out->Gauge("quorumbook_raft_commit_index", "the last entry that it knows to be committed");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().commit_index()); });
  out->Gauge("quorumbook_raft_applied_index", "the last entry that it executed");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().applied_index()); });
  out->Gauge("quorumbook_raft_durable_index", "the last entry that is on its disk");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.durable_index()); });
  out->Gauge("quorumbook_raft_first_index", "the first entry of its log");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().first_index()); });
  out->Gauge("quorumbook_raft_last_index", "the last entry of its log");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().last_index()); });
  out->Gauge("quorumbook_raft_snapshot_index", "the last entry that its snapshot covers");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().snapshot_index()); });
  out->Gauge("quorumbook_raft_log_bytes", "size of its log in memory");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().log_bytes()); });
  out->Gauge("quorumbook_raft_voters", "voters of its group");
  EachReplica(s, out, [](R r) { return static_cast<double>(Voters(r, true)); });
  out->Gauge("quorumbook_raft_learners", "members without a vote");
  EachReplica(s, out, [](R r) { return static_cast<double>(Voters(r, false)); });
  out->Gauge("quorumbook_raft_active_voters",
             "voters that the leader heard from within an election timeout, itself included; of "
             "the leader only");
  AddActiveVoters(s, out);
  out->Gauge("quorumbook_raft_fenced",
             "1 when evidence of a fault keeps it from voting and serving");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().fenced()); });
  out->Gauge("quorumbook_raft_fenced_peer",
             "1 for each peer that it has fenced off upon evidence of a fault");
  AddFencedPeers(s, out);
  out->Gauge("quorumbook_raft_waiting_bytes", "commands that wait to be packed into an entry");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.waiting_bytes()); });
  out->Gauge("quorumbook_raft_match_lag_entries", "entries that a peer lacks; of the leader only");
  EachFollower(s, out, LagOf);
  out->Gauge("quorumbook_raft_peer_inflight_bytes",
             "sent to a peer and not acknowledged; of the leader only");
  EachFollower(s, out, [](R, const v1::FollowerSample& f) { return f.inflight_bytes(); });
}

void RaftCounters(const v1::NodeSample& s, MetricFamilies* out) {
  out->Counter("quorumbook_raft_proposals_total", "entries proposed");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.proposals()); });
  out->Counter("quorumbook_raft_proposals_refused_total",
               "groups of commands refused before they were proposed");
  EachCount(s, out, "reason", [](R r) { return r.refused(); });
  out->Counter("quorumbook_raft_proposals_failed_total",
               "groups proposed whose fate this replica can not tell: leadership was lost");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.failed()); });
  out->Counter("quorumbook_raft_campaigns_total", "elections that it stood in, pre-votes included");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.campaigns()); });
  out->Counter("quorumbook_raft_elections_won_total", "elections that it won");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.elections_won()); });
  out->Counter("quorumbook_raft_leader_changes_total", "new leaders that it saw");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.leader_changes()); });
  out->Counter("quorumbook_raft_read_index_total", "linearizable reads asked for");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.reads()); });
  out->Counter("quorumbook_raft_read_index_failed_total", "of them refused or failed");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.reads_failed()); });
  out->Counter("quorumbook_raft_snapshots_taken_total", "snapshots of its own state stored");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.snapshots_taken()); });
  out->Counter("quorumbook_raft_snapshots_failed_total", "snapshots for which there was no space");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.snapshots_failed()); });
  out->Counter("quorumbook_raft_snapshots_installed_total",
               "snapshots received from a leader and taken over");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.snapshots_installed()); });
  out->Gauge("quorumbook_raft_snapshot_bytes", "size of the snapshot that a start begins with");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.snapshot_bytes()); });
  out->Counter("quorumbook_raft_evidence_total", "faults of a node that this replica can prove");
  EachEvidence(s, out, [](const v1::EvidenceCount& e) { return e.count(); });
  out->Gauge("quorumbook_raft_evidence_age_seconds", "since the last of them");
  EachEvidence(s, out, [](const v1::EvidenceCount& e) { return e.age_seconds(); });
  out->Counter("quorumbook_raft_digest_mismatches_total",
               "of them, states that differ from the majority's");
  EachReplica(s, out, [](R r) { return static_cast<double>(Diverged(r)); });
  out->Counter("quorumbook_raft_messages_sent_total", "messages to peers");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.messages_sent()); });
  out->Counter("quorumbook_raft_messages_received_total", "messages from peers");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.messages_received()); });
}

void RaftDurations(const v1::NodeSample& s, MetricFamilies* out) {
  out->Histogram("quorumbook_raft_queue_duration_seconds",
                 "from the arrival of a group of commands to its proposal");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.queue(); });
  out->Histogram("quorumbook_raft_append_duration_seconds",
                 "from a proposal to the start of its write");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.append(); });
  out->Histogram(
      "quorumbook_raft_replicate_duration_seconds",
      "from durable at the leader to committed; 0 when a majority was faster than its own disk");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.replicate(); });
  out->Histogram("quorumbook_raft_commit_duration_seconds", "from proposal to commit");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.commit(); });
  out->Histogram("quorumbook_raft_apply_duration_seconds",
                 "to execute an entry, publish its market data and answer its clients");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.apply(); });
  out->Histogram("quorumbook_raft_read_index_duration_seconds", "from the request to the answer");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.read(); });
}

void Peers(const v1::NodeSample& s, MetricFamilies* out) {
  out->Gauge("quorumbook_peer_reachable", "1 when the last status call to it was answered");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.reachable(); });
  out->Gauge("quorumbook_peer_round_trip_seconds", "of the last status call that was answered");
  for (const v1::PeerSample& p : s.peers()) {
    if (p.reachable()) out->Add({{"peer", absl::StrCat(p.node_id())}}, p.round_trip_seconds());
  }
  out->Gauge("quorumbook_peer_clock_offset_seconds",
             "its wall clock less this one's, give or take half the round trip");
  for (const v1::PeerSample& p : s.peers()) {
    if (p.reachable()) out->Add({{"peer", absl::StrCat(p.node_id())}}, p.clock_offset_seconds());
  }
  out->Gauge("quorumbook_peer_connected", "1 while the Raft stream is up");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.connected(); });
  out->Counter("quorumbook_peer_connects_total", "Raft streams that came up");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.connects(); });
  out->Gauge("quorumbook_peer_queue_bytes", "messages that wait for the stream");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.queue_bytes(); });
  out->Counter("quorumbook_peer_messages_sent_total", "messages handed to the stream");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.messages_sent(); });
  out->Counter("quorumbook_peer_messages_dropped_total",
               "messages dropped: no stream, or its queue was full");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.messages_dropped(); });
  out->Counter("quorumbook_peer_sent_bytes_total", "of the messages sent");
  EachPeer(s, out, [](const v1::PeerSample& p) { return p.sent_bytes(); });
}

void Storage(const v1::NodeSample& s, MetricFamilies* out) {
  out->Histogram("quorumbook_storage_write_duration_seconds",
                 "to write and sync what all shards had waiting");
  out->Add({}, s.storage().write());
  out->Histogram("quorumbook_storage_sync_duration_seconds",
                 "syncs of the write-ahead log, those of writes and of snapshots");
  out->Add({}, s.storage().sync());
  out->Counter("quorumbook_storage_writes_total",
               "shards' writes, of which one sync may make many durable");
  out->Add({}, static_cast<double>(s.storage().writes()));
  out->Counter("quorumbook_storage_written_entries_total", "log entries made durable");
  out->Add({}, static_cast<double>(s.storage().written_entries()));
  out->Counter("quorumbook_storage_written_bytes_total", "their bytes");
  out->Add({}, static_cast<double>(s.storage().written_bytes()));
  out->Gauge("quorumbook_storage_write_queue_length", "shards' writes that wait for the disk");
  out->Add({}, static_cast<double>(s.storage().queue_length()));
  out->Gauge("quorumbook_storage_disk_full", "1 while writes wait for space");
  out->Add({}, static_cast<double>(s.storage().disk_full()));
  // The disk is asked by another thread: an empty one is not what was found, but not known yet.
  const bool measured = s.storage().disk_capacity_bytes() > 0;
  out->Gauge("quorumbook_storage_disk_bytes", "files of the store");
  if (measured) out->Add({}, static_cast<double>(s.storage().disk_bytes()));
  out->Gauge("quorumbook_storage_disk_free_bytes", "free in its file system");
  if (measured) out->Add({}, static_cast<double>(s.storage().disk_free_bytes()));
  out->Gauge("quorumbook_storage_disk_capacity_bytes", "size of its file system");
  if (measured) out->Add({}, static_cast<double>(s.storage().disk_capacity_bytes()));
  out->Counter("quorumbook_storage_write_stalls_total",
               "times that RocksDB slowed down or stopped writes");
  out->Add({}, static_cast<double>(s.storage().write_stalls()));
  out->Gauge("quorumbook_storage_write_stopped", "1 while it stops them");
  out->Add({}, static_cast<double>(s.storage().write_stopped()));
  out->Gauge("quorumbook_storage_pending_compaction_bytes", "that RocksDB has to rewrite");
  out->Add({}, static_cast<double>(s.storage().pending_compaction_bytes()));
  out->Gauge("quorumbook_storage_memtable_bytes", "of RocksDB's tables in memory");
  out->Add({}, static_cast<double>(s.storage().memtable_bytes()));
  out->Counter("quorumbook_storage_background_errors_total", "errors of RocksDB's background work");
  out->Add({}, static_cast<double>(s.storage().background_errors()));
  out->Counter("quorumbook_storage_corruptions_total",
               "times that the store was damaged: it was set aside, and the node began anew; "
               "without those that were taken away since");
  out->Add({}, static_cast<double>(s.storage().corruptions()));
}

// What was accepted and what was rejected, of a v1::CommandCount or v1::OrderCount.
template <typename Count>
void AddResults(const Labels& labels, const Count& count, MetricFamilies* out) {
  Labels accepted = labels;
  accepted.push_back({"result", "accepted"});
  out->Add(std::move(accepted), static_cast<double>(count.accepted()));
  Labels rejected = labels;
  rejected.push_back({"result", "rejected"});
  out->Add(std::move(rejected), static_cast<double>(count.rejected()));
}

void Exchange(const v1::NodeSample& s, MetricFamilies* out) {
  out->Counter("quorumbook_exchange_commands_total", "commands executed: accepted or rejected");
  for (R r : s.replicas()) {
    for (const v1::CommandCount& c : r.commands()) {
      AddResults({{"shard", Shard(r)}, {"command", c.command()}}, c, out);
    }
  }
  out->Counter("quorumbook_exchange_orders_total", "of them, new orders by their type");
  for (R r : s.replicas()) {
    for (const v1::OrderCount& c : r.orders()) {
      AddResults({{"shard", Shard(r)}, {"type", c.type()}}, c, out);
    }
  }
  out->Counter("quorumbook_exchange_rejects_total", "commands rejected");
  EachCount(s, out, "reason", [](R r) { return r.rejects(); });
  out->Counter("quorumbook_exchange_cancels_total", "orders taken out of the book");
  EachCount(s, out, "reason", [](R r) { return r.cancels(); });
  out->Counter("quorumbook_exchange_events_total", "events of any type");
  EachCount(s, out, "type", [](R r) { return r.events(); });
  out->Counter("quorumbook_exchange_trades_total", "trades");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.trades()); });
  out->Counter("quorumbook_exchange_traded_lots_total", "lots traded, of all symbols");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.traded_lots()); });
  out->Counter("quorumbook_exchange_duplicates_total",
               "commands that were executed before: answered again, not executed again");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.duplicates()); });
  out->Counter("quorumbook_exchange_batches_total", "log entries that held commands");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.batches()); });
  out->Gauge("quorumbook_exchange_open_orders", "open orders");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().open_orders()); });
  out->Gauge("quorumbook_exchange_sessions", "client sessions");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.status().sessions()); });
  out->Gauge("quorumbook_exchange_symbols", "symbols");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.symbols()); });
  out->Histogram("quorumbook_exchange_match_duration_seconds",
                 "to execute the commands of one log entry");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.match(); });
  out->Histogram("quorumbook_exchange_acknowledge_duration_seconds",
                 "from the arrival of a group of commands at its leader to the answer");
  EachReplica(s, out, [](R r) -> const v1::Durations& { return r.acknowledge(); });
}

void Symbols(const v1::NodeSample& s, MetricFamilies* out) {
  out->Counter("quorumbook_exchange_symbol_trades_total", "trades of a symbol");
  EachSymbol(s, out, [](Labels labels, const v1::SymbolSample& symbol, MetricFamilies* families) {
    families->Add(std::move(labels), static_cast<double>(symbol.trades()));
  });
  out->Counter("quorumbook_exchange_symbol_volume_lots_total", "its lots traded");
  EachSymbol(s, out, [](Labels labels, const v1::SymbolSample& symbol, MetricFamilies* families) {
    families->Add(std::move(labels), symbol.volume_lots());
  });
  out->Gauge("quorumbook_exchange_symbol_spread_ratio",
             "best ask less best bid, of their mean; absent when a side is empty");
  EachSymbol(s, out, [](Labels labels, const v1::SymbolSample& symbol, MetricFamilies* families) {
    const bool both = symbol.bid_levels() != 0 && symbol.ask_levels() != 0;
    if (both) families->Add(std::move(labels), symbol.spread_ratio());
  });
  out->Gauge("quorumbook_exchange_symbol_levels",
             "price levels of its book, at most 100 are counted");
  EachSymbol(s, out,
             [](const Labels& labels, const v1::SymbolSample& symbol, MetricFamilies* families) {
               Labels bid = labels;
               bid.push_back({"side", "bid"});
               families->Add(std::move(bid), symbol.bid_levels());
               Labels ask = labels;
               ask.push_back({"side", "ask"});
               families->Add(std::move(ask), symbol.ask_levels());
             });
}

void MarketData(const v1::NodeSample& s, MetricFamilies* out) {
  out->Gauge("quorumbook_market_data_subscribers", "subscriptions, over gRPC and WebSocket");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.subscribers()); });
  out->Gauge("quorumbook_market_data_lag_updates", "updates that wait for the slowest subscriber");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.most_behind()); });
  out->Counter("quorumbook_market_data_subscriptions_total", "subscriptions begun");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.subscriptions()); });
  out->Counter("quorumbook_market_data_updates_total", "updates handed to subscribers");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.updates()); });
  out->Counter("quorumbook_market_data_update_bytes_total", "their bytes");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.update_bytes()); });
  out->Counter("quorumbook_market_data_conflated_total",
               "times that a slow subscriber got a snapshot in place of updates");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.conflated()); });
  out->Counter(
      "quorumbook_market_data_dropped_total",
      "updates not sent to slow subscribers: a snapshot took their place, or they were cut");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.dropped()); });
  out->Counter("quorumbook_market_data_cut_total", "subscribers that were cut for being slow");
  EachReplica(s, out, [](R r) { return static_cast<double>(r.cut()); });
}

void Process(const v1::NodeSample& s, MetricFamilies* out) {
  out->Gauge("quorumbook_build_info", "1");
  out->Add({{"version", s.version()}, {"compiler", s.compiler()}}, 1);
  out->Gauge("quorumbook_tls_certificate_expiry_timestamp_seconds",
             "when the certificate of this node expires, since 1970-01-01 UTC; absent without TLS");
  if (s.certificate_expires() != 0) out->Add({}, static_cast<double>(s.certificate_expires()));
  out->Counter("process_cpu_seconds_total", "user and system time");
  out->Add({}, static_cast<double>(s.process().cpu_seconds()));
  out->Gauge("process_resident_memory_bytes", "memory in use");
  out->Add({}, static_cast<double>(s.process().resident_bytes()));
  out->Gauge("process_virtual_memory_bytes", "address space");
  out->Add({}, static_cast<double>(s.process().virtual_bytes()));
  out->Gauge("process_open_fds", "open files");
  out->Add({}, static_cast<double>(s.process().open_files()));
  out->Gauge("process_max_fds", "bound of that");
  out->Add({}, static_cast<double>(s.process().max_open_files()));
  out->Gauge("process_threads", "threads");
  out->Add({}, static_cast<double>(s.process().threads()));
  out->Gauge("process_start_time_seconds", "since 1970-01-01 UTC");
  out->Add({}, static_cast<double>(s.started_ms()) / 1e3);
}

Labels LabelsOf(const GrpcMethodCounts& method) {
  return {
      {"grpc_type", method.type}, {"grpc_service", method.service}, {"grpc_method", method.method}};
}

void Grpc(const std::vector<GrpcMethodCounts>& methods, MetricFamilies* out) {
  out->Counter("grpc_server_started_total", "calls begun");
  for (const GrpcMethodCounts& method : methods) {
    out->Add(LabelsOf(method), static_cast<double>(method.started));
  }
  out->Counter("grpc_server_handled_total", "calls ended");
  for (const GrpcMethodCounts& method : methods) {
    for (size_t i = 0; i < kGrpcCodes; ++i) {
      if (method.handled[i] == 0) continue;
      Labels labels = LabelsOf(method);
      labels.push_back({"grpc_code", GrpcCodeName(i)});
      out->Add(std::move(labels), static_cast<double>(method.handled[i]));
    }
  }
  out->Counter("grpc_server_msg_received_total", "messages received");
  for (const GrpcMethodCounts& method : methods) {
    out->Add(LabelsOf(method), static_cast<double>(method.received));
  }
  out->Counter("grpc_server_msg_sent_total", "messages sent");
  for (const GrpcMethodCounts& method : methods) {
    out->Add(LabelsOf(method), static_cast<double>(method.sent));
  }
  out->Histogram("grpc_server_handling_seconds", "duration of calls, streams included");
  for (const GrpcMethodCounts& method : methods) {
    out->Add(LabelsOf(method), method.durations);
  }
}

void Http(const HttpMetrics& http, MetricFamilies* out) {
  out->Counter("quorumbook_http_requests_total",
               "requests answered; path is the route, not what was asked for");
  for (const auto& [key, count] : http.requests) {
    const auto& [route, method, status] = key;
    out->Add({{"path", route}, {"method", method}, {"status", absl::StrCat(status)}},
             static_cast<double>(count));
  }
  out->Histogram("quorumbook_http_request_duration_seconds",
                 "from the whole request to the answer");
  for (const auto& [route, durations] : http.durations) out->Add({{"path", route}}, durations);
  out->Gauge("quorumbook_http_connections", "open connections: http, events, websocket");
  const uint64_t streams = http.event_streams + http.web_sockets;
  out->Add({{"kind", "http"}}, static_cast<double>(http.connections - streams));
  out->Add({{"kind", "events"}}, static_cast<double>(http.event_streams));
  out->Add({{"kind", "websocket"}}, static_cast<double>(http.web_sockets));
  out->Counter("quorumbook_http_connections_refused_total", "connections above the bound");
  out->Add({}, static_cast<double>(http.refused));
  out->Counter("quorumbook_http_accept_errors_total",
               "times that connections had to wait for files or memory to be free");
  out->Add({}, static_cast<double>(http.accept_errors));
  out->Counter("quorumbook_http_stream_conflated_total", "seconds that a slow event stream lost");
  out->Add({}, static_cast<double>(http.conflated));
  out->Counter("quorumbook_http_stream_cut_total", "streams cut for being slow");
  out->Add({}, static_cast<double>(http.cut));
}

void Cluster(const MetricsInputs& inputs, MetricFamilies* out) {
  out->Gauge("quorumbook_cluster_nodes", "nodes of the configuration");
  out->Add({}, inputs.nodes);
  out->Gauge("quorumbook_cluster_nodes_reachable", "of them, those that answer, this one included");
  out->Add({}, inputs.nodes_reachable);
  out->Gauge("quorumbook_node_ready", "1 when /readyz says 200");
  out->Add({}, inputs.ready ? 1 : 0);
  out->Gauge("quorumbook_node_sample_age_seconds",
             "since this node last took its figures; more than some seconds: it is stuck");
  if (inputs.sample != nullptr) out->Add({}, inputs.sample_age_seconds);
  out->Gauge("quorumbook_alerts", "alerts that this node sees pending or firing");
  out->Add({{"state", "pending"}}, inputs.alerts_pending);
  out->Add({{"state", "firing"}}, inputs.alerts_firing);
}

}  // namespace

std::string RenderMetrics(const MetricsInputs& inputs) {
  MetricFamilies families;
  static const v1::NodeSample& none = *new v1::NodeSample();
  const v1::NodeSample& sample = inputs.sample == nullptr ? none : *inputs.sample;
  RaftState(sample, &families);
  RaftCounters(sample, &families);
  RaftDurations(sample, &families);
  Peers(sample, &families);
  Storage(sample, &families);
  Exchange(sample, &families);
  Symbols(sample, &families);
  MarketData(sample, &families);
  Grpc(inputs.grpc, &families);
  Http(*inputs.http, &families);
  Cluster(inputs, &families);
  if (inputs.sample != nullptr) Process(sample, &families);
  return families.Render();
}

}  // namespace quorumbook::server
