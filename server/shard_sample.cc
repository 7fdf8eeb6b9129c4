#include "server/shard_sample.h"

#include <absl/strings/ascii.h>

#include <array>
#include <chrono>
#include <string_view>

#include "quorumbook/v1/exchange.pb.h"
#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

constexpr std::array<std::string_view, kCommandKinds> kCommandNames = {"none",
                                                                       "add_symbol",
                                                                       "new_order",
                                                                       "cancel_order",
                                                                       "reduce_order",
                                                                       "replace_order",
                                                                       "new_order",
                                                                       "mass_cancel",
                                                                       "set_symbol_rules",
                                                                       "set_phase",
                                                                       "delist_symbol",
                                                                       "add_asset",
                                                                       "deposit",
                                                                       "withdraw",
                                                                       "set_account_limits",
                                                                       "set_position_limit",
                                                                       "set_kill_switch"};
constexpr std::array<std::string_view, kEventTypes> kEventNames = {
    "none",           "symbol_added",    "order_accepted",  "trade",
    "order_canceled", "order_reduced",   "order_replaced",  "command_rejected",
    "order_parked",   "order_triggered", "order_displayed", "mass_canceled",
    "phase_changed",  "uncrossed",       "rules_changed",   "symbol_delisted",
    "asset_added",    "balance_changed", "account_changed"};
constexpr std::array<std::string_view, 9> kEvidenceNames = {
    "two_leaders_in_term", "double_vote",      "corrupt_entry",
    "diverged_log",        "commit_regressed", "corrupt_snapshot",
    "diverged_state",      "forged_sender",    "forgot_acknowledged"};
constexpr std::array<std::string_view, kRefusalCodes> kRefusalNames = {"none",
                                                                       "not_leader",
                                                                       "leadership_lost",
                                                                       "wrong_shard",
                                                                       "busy",
                                                                       "shutting_down",
                                                                       "batch_too_large",
                                                                       "malformed",
                                                                       "session_unknown",
                                                                       "session_gap",
                                                                       "session_forgotten",
                                                                       "session_window_full",
                                                                       "disk_full",
                                                                       "slow_consumer",
                                                                       "too_many_subscriptions",
                                                                       "book_too_large",
                                                                       "not_found",
                                                                       "not_founded"};

using NamedCounts = google::protobuf::RepeatedPtrField<v1::NamedCount>;

template <typename Counts, typename Name>
void AddCounts(const Counts& counts, Name name, NamedCounts* out) {
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    v1::NamedCount* const count = out->Add();
    count->set_name(std::string(name(i)));
    count->set_count(counts[i]);
  }
}

std::string ReasonName(size_t reason) {
  return absl::AsciiStrToLower(v1::Reason_Name(static_cast<v1::Reason>(reason)));
}

// As of the book alone: shares of the price need no tick size.
double SpreadRatio(const exchange::MarketSummary& summary) {
  if (summary.best_bid == 0 || summary.best_ask == 0) return 0;
  const auto bid = static_cast<double>(summary.best_bid);
  const auto ask = static_cast<double>(summary.best_ask);
  return (ask - bid) / ((ask + bid) / 2);
}

void FillSymbols(const exchange::Exchange& exchange, v1::ReplicaSample* sample) {
  for (uint32_t i = 1; i <= kSampledSymbols; ++i) {
    const exchange::SymbolInfo* const symbol = exchange.FindSymbol(exchange::SymbolId(i));
    if (symbol == nullptr) break;  // ids have no gaps
    const auto summary = exchange.Summary(symbol->id);
    if (!summary) continue;
    v1::SymbolSample* const out = sample->add_symbol_samples();
    out->set_name(symbol->name);
    out->set_trades(summary->trades);
    out->set_volume_lots(static_cast<double>(summary->volume));
    out->set_spread_ratio(SpreadRatio(*summary));
    const exchange::Depth depth = exchange.GetDepth(symbol->id, kSampledLevels);
    out->set_bid_levels(static_cast<uint32_t>(depth.bids.size()));
    out->set_ask_levels(static_cast<uint32_t>(depth.asks.size()));
  }
}

}  // namespace

std::string EvidenceLabel(size_t kind) { return std::string(kEvidenceNames.at(kind)); }

void ToProto(const DurationHistogram& histogram, v1::Durations* out) {
  out->mutable_counts()->Assign(histogram.counts().begin(), histogram.counts().end());
  out->set_sum_ns(static_cast<uint64_t>(histogram.sum().count()));
}

void FillSample(const Replica& replica, uint64_t inbox_refused, v1::ReplicaSample* sample) {
  const consensus::RaftStatus raft = replica.raft().status();
  sample->set_durable_index(raft.durable.value());
  sample->set_waiting_bytes(replica.waiting_bytes());
  for (const consensus::PeerProgress& peer : raft.peers) {
    v1::FollowerSample* const follower = sample->add_followers();
    follower->set_node_id(static_cast<uint32_t>(NodeOf(peer.id).value()));
    follower->set_incarnation(IncarnationOf(peer.id));
    follower->set_match_index(peer.match.value());
    follower->set_inflight_bytes(peer.inflight_bytes);
    follower->set_active(peer.active);
  }
  const ReplicaCounters& counters = replica.counters();
  sample->set_proposals(counters.proposals);
  auto refused = counters.refused;
  refused[static_cast<size_t>(RefusalCode::kBusy)] += inbox_refused;
  AddCounts(refused, [](size_t i) { return kRefusalNames.at(i); }, sample->mutable_refused());
  sample->set_failed(counters.failed);
  ToProto(counters.queue, sample->mutable_queue());
  ToProto(counters.apply, sample->mutable_apply());
  ToProto(counters.match, sample->mutable_match());
  ToProto(counters.acknowledge, sample->mutable_acknowledge());
  ToProto(counters.read, sample->mutable_read());
  sample->set_reads(counters.reads);
  sample->set_reads_failed(counters.reads_failed);
  sample->set_snapshots_taken(counters.snapshots_taken);
  sample->set_snapshots_failed(counters.snapshots_failed);
  sample->set_snapshots_installed(counters.snapshots_installed);
  sample->set_snapshot_bytes(counters.snapshot_bytes);
  FillSymbols(replica.exchange(), sample);
}

void FillSample(const ShardCounters& counters, const CommitTimer& timer,
                v1::ReplicaSample* sample) {
  ToProto(timer.append(), sample->mutable_append());
  ToProto(timer.replicate(), sample->mutable_replicate());
  ToProto(timer.commit(), sample->mutable_commit());
  sample->set_campaigns(counters.campaigns);
  sample->set_elections_won(counters.elections_won);
  sample->set_leader_changes(counters.leader_changes);
  const auto now = std::chrono::steady_clock::now();
  for (const ShardCounters::EvidenceOf& evidence : counters.evidence) {
    v1::EvidenceCount* const out = sample->add_evidence();
    out->set_kind(EvidenceLabel(static_cast<size_t>(evidence.kind)));
    out->set_culprit(evidence.culprit);
    out->set_count(evidence.count);
    out->set_age_seconds(std::chrono::duration<double>(now - evidence.last).count());
  }
  sample->set_messages_sent(counters.messages_sent);
  sample->set_messages_received(counters.messages_received);
  for (size_t i = 0; i < kCommandKinds; ++i) {
    if (counters.accepted[i] + counters.rejected[i] == 0) continue;
    v1::CommandCount* const command = sample->add_commands();
    command->set_command(std::string(kCommandNames[i]));
    command->set_accepted(counters.accepted[i]);
    command->set_rejected(counters.rejected[i]);
  }
  for (size_t i = 1; i < kOrderTypes; ++i) {
    if (counters.orders_accepted[i] + counters.orders_rejected[i] == 0) continue;
    v1::OrderCount* const orders = sample->add_orders();
    orders->set_type(absl::AsciiStrToLower(v1::OrderType_Name(static_cast<v1::OrderType>(i))));
    orders->set_accepted(counters.orders_accepted[i]);
    orders->set_rejected(counters.orders_rejected[i]);
  }
  AddCounts(counters.rejects, ReasonName, sample->mutable_rejects());
  AddCounts(counters.cancels, ReasonName, sample->mutable_cancels());
  AddCounts(counters.events, [](size_t i) { return kEventNames.at(i); }, sample->mutable_events());
  sample->set_trades(counters.events[static_cast<size_t>(exchange::EventType::kTrade)]);
  sample->set_traded_lots(counters.traded_lots);
  sample->set_duplicates(counters.duplicates);
  sample->set_batches(counters.batches);
  sample->set_subscriptions(counters.subscriptions);
  sample->set_conflated(counters.conflated);
}

}  // namespace quorumbook::server
