#include "server/shard_replica.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <set>
#include <utility>

#include "server/clock_check.h"
#include "server/shard_sample.h"

namespace quorumbook::server {
namespace {

using consensus::Instant;
using consensus::Role;

const char* EvidenceName(consensus::Evidence::Kind kind) {
  using Kind = consensus::Evidence::Kind;
  switch (kind) {
    case Kind::kTwoLeadersInTerm:
      return "two leaders in one term";
    case Kind::kDoubleVote:
      return "a vote given twice";
    case Kind::kCorruptEntry:
      return "a corrupt log entry";
    case Kind::kDivergedLog:
      return "a diverged log";
    case Kind::kCommitRegressed:
      return "entries that conflict with committed ones";
    case Kind::kCorruptSnapshot:
      return "a corrupt snapshot chunk";
    case Kind::kDivergedState:
      return "another state than the majority's";
    case Kind::kForgedSender:
      return "a message in the name of another node";
    case Kind::kForgotAcknowledged:
      return "entries forgotten that were acknowledged as durable";
  }
  return "unknown evidence";
}

v1::ReplicaStatus::Role ToProto(Role role) {
  switch (role) {
    case Role::kFollower:
      return v1::ReplicaStatus::FOLLOWER;
    case Role::kPreCandidate:
      return v1::ReplicaStatus::PRE_CANDIDATE;
    case Role::kCandidate:
      return v1::ReplicaStatus::CANDIDATE;
    case Role::kLeader:
      return v1::ReplicaStatus::LEADER;
  }
  return v1::ReplicaStatus::ROLE_UNSPECIFIED;
}

uint32_t NumberOf(NodeId member) { return static_cast<uint32_t>(NodeOf(member).value()); }

}  // namespace

static v1::MemberStatus::Kind KindOf(const consensus::Configuration& configuration, NodeId id) {
  const auto in = [id](const std::vector<NodeId>& list) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  if (!configuration.IsVoter(id)) return v1::MemberStatus::LEARNER;
  if (!in(configuration.voters)) return v1::MemberStatus::OUTGOING_VOTER;
  const bool incoming = configuration.joint() && !in(configuration.voters_outgoing);
  return incoming ? v1::MemberStatus::INCOMING_VOTER : v1::MemberStatus::VOTER;
}

void AddMembers(const consensus::Configuration& configuration, Members* members) {
  for (const NodeId id : configuration.Members()) {
    v1::MemberStatus* const member = members->Add();
    member->set_node_id(NumberOf(id));
    member->set_incarnation(IncarnationOf(id));
    member->set_kind(KindOf(configuration, id));
  }
}

void AddNodes(const std::vector<NodeId>& members, Nodes* nodes) {
  std::set<uint32_t> numbers;
  for (const NodeId member : members) numbers.insert(NumberOf(member));
  nodes->Add(numbers.begin(), numbers.end());
}

absl::StatusOr<std::shared_ptr<ShardReplica>> ShardReplica::Open(
    const ReplicaOptions& options, const ReplicaEnvironment& environment) {
  absl::StatusOr<consensus::RestoredState> restored = environment.store->Load(options.shard);
  if (!restored.ok()) return restored.status();
  // make_shared can not reach the private constructor.
  return std::shared_ptr<ShardReplica>(
      new ShardReplica(options, environment, *std::move(restored)));
}

ShardReplica::ShardReplica(const ReplicaOptions& options, const ReplicaEnvironment& environment,
                           consensus::RestoredState restored)
    : options_(options),
      environment_(environment),
      strand_(std::make_shared<Strand>(environment.io)),
      timer_(*environment.io),
      replica_(options, std::move(restored), this),
      feed_(options.shard),
      counted_after_(replica_.raft().commit()) {}

template <typename Use>
Strand::Task ShardReplica::MakeTask(Use use) {
  return [self = shared_from_this(), use = std::move(use)]() mutable {
    use(self->replica_);
    self->unanswered_bytes_.store(self->replica_.unanswered_bytes(), std::memory_order_relaxed);
    self->ArmTimer();
  };
}

template <typename Use>
void ShardReplica::Run(Use use) {
  strand_->Run(MakeTask(std::move(use)));
}

template <typename Use>
void ShardReplica::Post(Use use) {
  strand_->Post(MakeTask(std::move(use)));
}

void ShardReplica::Start() {
  Post([](Replica& replica) { replica.Start(); });
}

void ShardReplica::Submit(std::string group, uint64_t term, GroupCallback callback) {
  const uint64_t bytes = group.size();
  if (inbox_bytes_.fetch_add(bytes) + bytes > kMaxInboxBytes) {
    inbox_bytes_.fetch_sub(bytes);
    inbox_refused_.fetch_add(1, std::memory_order_relaxed);
    const Refusal busy{RefusalCode::kBusy, "too many commands are waiting", NodeId(),
                       kRetryAfterMs};
    callback({&busy, nullptr, nullptr});
    return;
  }
  Run([this, bytes, group = std::move(group), term, since = Now(),
       callback = std::move(callback)](Replica& replica) mutable {
    inbox_bytes_.fetch_sub(bytes);
    replica.Submit(std::move(group), consensus::Term(term), std::move(callback), since);
  });
}

void ShardReplica::Receive(std::vector<consensus::Message> messages) {
  const bool snapshot = std::any_of(messages.begin(), messages.end(), [](const auto& message) {
    return std::holds_alternative<consensus::InstallSnapshot>(message.body);
  });
  auto receive = [this, messages = std::move(messages)](Replica& replica) mutable {
    counters_.messages_received += messages.size();
    replica.Receive(std::move(messages));
  };
  // To put a whole snapshot together takes long: not on a thread that brings messages, of all
  // shards.
  if (snapshot) {
    Post(std::move(receive));
  } else {
    Run(std::move(receive));
  }
}

void ShardReplica::Read(bool stale_ok, ReadCallback callback) {
  Post([stale_ok, callback = std::move(callback)](Replica& replica) mutable {
    replica.Read(stale_ok, std::move(callback));
  });
}

void ShardReplica::TransferLeadership(NodeId target, TransferCallback callback) {
  Post([target, callback = std::move(callback)](Replica& replica) mutable {
    replica.TransferLeadership(target, std::move(callback));
  });
}

void ShardReplica::SetConnected(std::vector<NodeId> members) {
  Post([members = std::move(members)](Replica& replica) mutable {
    replica.SetConnected(std::move(members));
  });
}

void ShardReplica::PeerLost(NodeId member) {
  Post([member](Replica& replica) { replica.PeerLost(member); });
}

void ShardReplica::ForgedSender(NodeId node) {
  Post([node](Replica& replica) { replica.ForgedSender(node); });
}

void ShardReplica::SetClockTrusted(bool trusted) {
  Post([trusted](Replica& replica) { replica.SetClockTrusted(trusted); });
}

void ShardReplica::ChangeMember(NodeId node, bool member, Membership::Callback callback) {
  Post([node, member, callback = std::move(callback)](Replica& replica) mutable {
    replica.ChangeMember(node, member, std::move(callback));
  });
}

void ShardReplica::Subscribe(v1::SubscribeRequest request,
                             std::shared_ptr<MarketDataSubscriber> subscriber) {
  Post([this, request = std::move(request),
        subscriber = std::move(subscriber)](Replica& replica) mutable {
    ++counters_.subscriptions;
    feed_.Add(replica.exchange(), std::move(request), std::move(subscriber));
  });
}

void ShardReplica::Refresh(std::shared_ptr<MarketDataSubscriber> subscriber) {
  Post([this, subscriber = std::move(subscriber)](Replica& replica) {
    ++counters_.conflated;
    feed_.Refresh(replica.exchange(), subscriber.get());
  });
}

void ShardReplica::Unsubscribe(std::shared_ptr<MarketDataSubscriber> subscriber) {
  Post([this, subscriber = std::move(subscriber)](Replica&) { feed_.Remove(subscriber.get()); });
}

void ShardReplica::Drain(std::function<void()> callback) {
  Post([this, callback = std::move(callback)](Replica& replica) mutable {
    feed_.End({RefusalCode::kShuttingDown, "this node is shutting down", NodeId()});
    replica.Drain(std::move(callback));
  });
}

void ShardReplica::GetStatus(bool digests, std::function<void(v1::ReplicaStatus)> callback) {
  Post(
      [this, digests, callback = std::move(callback)](Replica&) { callback(MakeStatus(digests)); });
}

void ShardReplica::Sample(std::function<void(v1::ReplicaSample)> callback) {
  Post([this, callback = std::move(callback)](Replica& replica) {
    v1::ReplicaSample sample;
    *sample.mutable_status() = MakeStatus(/*digests=*/false);
    FillSample(replica, inbox_refused_.load(std::memory_order_relaxed), &sample);
    FillSample(counters_, commit_timer_, &sample);
    sample.set_symbols(names_.symbols.size());
    sample.set_subscribers(feed_.subscribers());
    sample.set_most_behind(feed_.MostBehind());
    sample.set_updates(feed_.updates());
    sample.set_update_bytes(feed_.update_bytes());
    sample.set_dropped(feed_.dropped());
    sample.set_cut(cut_.load(std::memory_order_relaxed));
    callback(std::move(sample));
  });
}

void ShardReplica::ArmTimer() {
  const Instant deadline = replica_.deadline();
  // An earlier alarm that is set already does no harm: there is nothing to do then.
  if (deadline >= timer_deadline_) return;
  timer_deadline_ = deadline;
  timer_.expires_after(std::max(consensus::Duration::zero(), deadline - Now()));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;  // set anew
    self->Run([self](Replica& replica) {
      self->timer_deadline_ = Instant::max();
      replica.OnAlarm();
    });
  });
}

v1::ReplicaStatus ShardReplica::MakeStatus(bool digests) const {
  const exchange::Exchange& exchange = replica_.exchange();
  const consensus::RaftStatus raft = replica_.raft().status();
  v1::ReplicaStatus status;
  status.set_shard(static_cast<uint32_t>(options_.shard.value()));
  status.set_role(ToProto(raft.role));
  status.set_term(raft.term.value());
  status.set_leader_id(NumberOf(raft.leader));
  status.set_commit_index(raft.commit.value());
  status.set_applied_index(replica_.applied().value());
  status.set_first_index(raft.first.value());
  status.set_last_index(raft.last.value());
  status.set_snapshot_index(raft.snapshot.index.value());
  status.set_log_bytes(raft.log_bytes);
  status.set_event_sequence(exchange.last_sequence());
  status.set_open_orders(exchange.open_orders());
  status.set_sessions(exchange.sessions());
  if (digests) {
    status.set_state_digest(exchange.StateDigest().ToHex());
    status.set_market_digest(exchange.MarketDigest().ToHex());
  }
  for (const consensus::PeerProgress& peer : raft.peers) {
    v1::PeerStatus* out = status.add_peers();
    out->set_node_id(NumberOf(peer.id));
    out->set_match_index(peer.match.value());
    out->set_active(peer.active);
  }
  AddMembers(raft.configuration, status.mutable_members());
  status.set_fenced(raft.quarantined);
  AddNodes(raft.fenced, status.mutable_fenced_nodes());
  return status;
}

// ReplicaHost.

Instant ShardReplica::Now() { return ClockNow(); }

exchange::Time ShardReplica::WallClock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void ShardReplica::Write(consensus::Persist persist) {
  const uint64_t sequence = persist.sequence;
  environment_.log_writer->Write(
      {options_.shard, std::move(persist)},
      [self = shared_from_this(), sequence](const WriteTimes& times) {
        self->Run([&timer = self->commit_timer_, sequence, times](Replica& replica) {
          timer.Persisted(sequence, times);
          replica.OnPersisted(sequence);
        });
      });
}

// Making it takes processor time, for which orders come first. Storing it takes RocksDB's locks,
// which the log writer wants too: not on a thread that may have to wait for its turn.
void ShardReplica::SaveSnapshot(SnapshotRecipe recipe) {
  boost::asio::post(*environment_.spare, [self = shared_from_this(), recipe = std::move(recipe)] {
    const std::atomic<bool>& stopping = *self->environment_.stopping;
    absl::StatusOr<MadeSnapshot> made = recipe.Make([&stopping] { return stopping.load(); });
    if (stopping) return;
    boost::asio::post(*self->environment_.background,
                      [self, made = std::move(made)] { self->StoreSnapshot(made); });
  });
}

void ShardReplica::StoreSnapshot(absl::StatusOr<MadeSnapshot> made) {
  if (*environment_.stopping) return;
  if (made.ok()) {
    const absl::Status status = environment_.store->SaveSnapshot(options_.shard, made->snapshot);
    if (!status.ok()) made = status;
  }
  Post([made = std::move(made)](Replica& replica) { replica.OnSnapshotSaved(made); });
}

void ShardReplica::DecodeSnapshot(std::shared_ptr<const std::string> bytes) {
  boost::asio::post(*environment_.background, [self = shared_from_this(),
                                               bytes = std::move(bytes)] {
    if (*self->environment_.stopping) return;
    self->Post([decoded = exchange::Exchange::RestoreReceived(*bytes)](Replica& replica) mutable {
      replica.OnSnapshotDecoded(std::move(decoded));
    });
  });
}

void ShardReplica::Discard(std::shared_ptr<const void> spent) {
  boost::asio::post(*environment_.background, [spent = std::move(spent)] {});
}

void ShardReplica::Send(std::vector<consensus::Message> messages) {
  counters_.messages_sent += messages.size();
  environment_.send(options_.shard, std::move(messages));
}

// Posted, so that everything that is queued on the strand by now comes first.
void ShardReplica::PumpSoon() {
  Post([](Replica& replica) { replica.Pump(); });
}

void ShardReplica::SymbolKnown(const exchange::SymbolInfo& symbol) {
  names_.symbols.Add(symbol.name, symbol.id);
}

void ShardReplica::Restored(const exchange::Exchange& exchange) {
  for (const exchange::AssetInfo& asset : exchange.Assets())
    names_.assets.Add(asset.name, asset.id);
  counters_.last_event = exchange.last_sequence();
  feed_.Restored(exchange);
}

void ShardReplica::Observe(const consensus::Output& output) {
  const consensus::Role role = replica_.raft().role();
  commit_timer_.Observe(role, output);
  if (role == counted_role_) return;
  const bool campaigned = counted_role_ != Role::kFollower;
  if (role == Role::kLeader) ++counters_.elections_won;
  if (!campaigned && role != Role::kFollower) ++counters_.campaigns;
  counted_role_ = role;
}

void ShardReplica::Applied(const consensus::Entry& entry, const exchange::ApplyResult& result) {
  const exchange::Exchange& exchange = replica_.exchange();
  if (entry.index > counted_after_) {
    counters_.Count(result);
  } else {
    counters_.last_event = exchange.last_sequence();
  }
  for (const exchange::Event& event : result.events) {
    if (event.type != exchange::EventType::kAssetAdded) continue;
    const exchange::AssetInfo* asset = exchange.FindAsset(event.asset());
    if (asset != nullptr) names_.assets.Add(asset->name, asset->id);
  }
  feed_.Applied(exchange, result);
}

void ShardReplica::LeadershipChanged(const Leadership& leadership) {
  leader_.store(leadership.leader.value(), std::memory_order_relaxed);
  term_.store(leadership.term.value(), std::memory_order_relaxed);
  serving_term_.store(leadership.serving_term.value(), std::memory_order_release);
  // To find the same leader again in the same term is no change.
  if (leadership.leader == NodeId() || led_term_ == leadership.term) return;
  led_term_ = leadership.term;
  ++counters_.leader_changes;
  spdlog::info("shard {}: node {} leads in term {}", options_.shard.value(),
               NodeOf(leadership.leader).value(), leadership.term.value());
}

void ShardReplica::Report(const consensus::Evidence& item) {
  counters_.Count(item, std::chrono::steady_clock::now());
  spdlog::error("shard {}: evidence of {} by node {} in term {} at index {}",
                options_.shard.value(), EvidenceName(item.kind), NodeOf(item.culprit).value(),
                item.term.value(), item.index.value());
}

void ShardReplica::Log(LogLevel level, std::string_view line) {
  spdlog::log(level == LogLevel::kInfo ? spdlog::level::info : spdlog::level::err, "shard {}: {}",
              options_.shard.value(), line);
}

}  // namespace quorumbook::server
