#include "tests/sim/cluster.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/check.h"
#include "server/peer_codec.h"
#include "server/replica/member.h"

namespace quorumbook::sim {
namespace {

// How often nodes look at their streams, and leaders are looked at.
constexpr SimTime kBeat = 250 * kMillisecond;
// After that keepalives notice a peer that is gone (server/peer_link.h).
constexpr SimTime kKeepalive = 4 * kSecond;
// How much more often than others the rare packets with snapshots are repeated late.
constexpr uint32_t kSnapshotWeight = 8;

int NumberOf(NodeId member) { return static_cast<int>(server::NodeOf(member).value()); }

uint64_t PayloadBytes(const std::vector<consensus::Message>& messages) {
  uint64_t bytes = 0;
  for (const consensus::Message& message : messages) {
    if (const auto* append = std::get_if<consensus::AppendEntries>(&message.body)) {
      for (const consensus::Entry& entry : append->entries) bytes += entry.payload->size();
    } else if (const auto* chunk = std::get_if<consensus::InstallSnapshot>(&message.body)) {
      bytes += chunk->data.size();
    }
  }
  return bytes;
}

Reply Refused(const server::Refusal& refusal) {
  Reply reply;
  reply.connected = true;
  reply.refusal = refusal.code;
  reply.leader = NumberOf(refusal.leader);
  return reply;
}

Reply Executed(const server::GroupReply& result, consensus::Index index) {
  Reply reply;
  reply.connected = true;
  reply.index = index;
  reply.group = *result.group;
  for (uint32_t i = 0; i < result.group->command_count; ++i) {
    const exchange::CommandResult& command =
        result.result->commands[result.group->first_command + i];
    reply.commands.emplace_back(command.sequence, HashOf(command, result.result->events));
  }
  return reply;
}

}  // namespace

Cluster::Cluster(const Scenario& scenario, bool verbose)
    : context_(scenario, verbose),
      network_(context_.scenario, &context_.fired),
      random_(scenario.seed, "cluster"),
      traitor_(Byzantine::kNone, NodeId(), scenario.seed) {
  for (int i = 1; i <= scenario.nodes + scenario.spares; ++i) {
    nodes_.push_back(std::make_unique<Node>(i, &context_, static_cast<NodeWorld*>(this)));
  }
  for (int i = 1; i <= scenario.shards; ++i) {
    const ShardId shard(static_cast<uint64_t>(i));
    checks_.push_back(std::make_unique<ShardChecks>(shard, &context_));
    for (int j = 0; j < scenario.clients; ++j) {
      clients_.push_back(std::make_unique<Client>(
          j, shard, &context_, static_cast<ClientNetwork*>(this), checks_.back().get()));
    }
  }
}

Cluster::~Cluster() = default;

void Cluster::Start() {
  std::vector<NodeId> founders;
  for (int i = 1; i <= context_.scenario.nodes; ++i) founders.push_back(node(i).member());
  if (context_.scenario.byzantine != Byzantine::kNone) {
    Node& one = node(1 + static_cast<int>(random_.Below(founders.size())));
    traitor_ = Traitor(context_.scenario.byzantine, one.member(), context_.scenario.seed);
    treason_.SetTraitor(one.member());
    if (traitor_.kind() == Byzantine::kDivergedState) {
      one.Plant(ReplicaMutant::kEntrySkipped);
      for (const auto& checks : checks_) checks->Distrust(one.member());
    }
  }
  for (int i = 1; i <= nodes(); ++i) {
    if (i <= context_.scenario.nodes) node(i).SetFounders(founders);
    QB_CHECK(node(i).Start().ok());
  }
  for (const auto& client : clients_) client->Start();
  Beat();
}

void Cluster::Beat() {
  for (int i = 1; i <= nodes(); ++i) {
    for (int j = 1; j <= shards(); ++j) {
      const ShardId shard(static_cast<uint64_t>(j));
      if (!node(i).Leads(shard) || node(i).paused()) continue;
      checks(shard).WatchLeader(node(i).member(),
                                node(i).replica(shard)->replica().raft().status());
    }
  }
  Reconnect();
  context_.queue.After(kBeat, [this] { Beat(); });
}

void Cluster::Reconnect() {
  std::erase_if(gone_silently_, [this](const auto& gone) {
    return node(gone.first).up() || context_.queue.now() - gone.second >= kKeepalive;
  });
  for (int i = 1; i <= nodes(); ++i) {
    std::vector<NodeId> members;
    for (int j = 1; j <= nodes(); ++j) {
      const bool connected = i != j && (node(j).up() || gone_silently_.contains(j)) &&
                             !network_.IsCut(i, j) && !network_.IsCut(j, i);
      if (connected) members.push_back(node(j).member());
    }
    node(i).SetConnected(members);
  }
}

int Cluster::LeaderOf(ShardId shard) {
  int leader = 0;
  consensus::Term term;
  for (int i = 1; i <= nodes(); ++i) {
    if (!node(i).Leads(shard)) continue;
    const consensus::Term its = node(i).replica(shard)->replica().raft().term();
    if (its > term) {
      term = its;
      leader = i;
    }
  }
  return leader;
}

void Cluster::Crash(int number, Node::Loss loss) {
  if (!node(number).up()) return;
  for (int i = 1; i <= shards(); ++i) {
    const ShardId shard(static_cast<uint64_t>(i));
    if (LeaderOf(shard) != number) continue;
    leader_died_[shard] = {.at = context_.queue.now(), .noticed = loss == Node::Loss::kNothing};
  }
  Line(absl::StrCat("node ", number, " crashes"));
  if (loss != Node::Loss::kNothing) gone_silently_[number] = context_.queue.now();
  treason_.Forget(node(number).member());
  node(number).Crash(loss);
}

void Cluster::Restart(int number) {
  if (node(number).up()) return;
  Line(absl::StrCat("node ", number, " starts"));
  const absl::Status status = node(number).Start();
  if (status.ok()) return;
  if (absl::IsResourceExhausted(status)) return Died(node(number));
  if (on_damage_) on_damage_(number);
}

void Cluster::Died(Node& node) {
  const int number = node.number();
  context_.queue.After(random_.Between(1, 2'000) * kMillisecond, [this, number] {
    if (!restarted_ || std::ranges::find(*restarted_, number) != restarted_->end()) {
      Restart(number);
    }
  });
}

void Cluster::Send(Node& from, ShardId shard, std::vector<consensus::Message> messages) {
  // One stream a peer: what goes to the same node goes together.
  while (!messages.empty()) {
    const NodeId to = messages.front().to;
    const auto others =
        std::stable_partition(messages.begin(), messages.end(),
                              [to](const consensus::Message& message) { return message.to == to; });
    std::vector<consensus::Message> packet(std::make_move_iterator(messages.begin()),
                                           std::make_move_iterator(others));
    messages.erase(messages.begin(), others);
    const int number = NumberOf(to);
    if (number < 1 || number > nodes()) continue;
    // Until it is found out nobody can tell that its snapshots are wrong.
    if (from.member() == traitor_.member() && traitor_.kind() == Byzantine::kDivergedState) {
      std::erase_if(packet, [](const consensus::Message& message) {
        return std::holds_alternative<consensus::InstallSnapshot>(message.body);
      });
      if (packet.empty()) continue;
    }
    if (traitor_.member() != NodeId()) {
      if (from.member() == traitor_.member()) {
        treason_.KeepQuiet(shard, &packet);
        if (packet.empty()) continue;
        Equivocate(from, number, shard, &packet);
      }
      treason_.Sent(shard, packet);
      if (traitor_.kind() == Byzantine::kDivergedState) {
        WatchDigests(from, shard, packet, /*arrived=*/false);
      }
    }
    if (network_.Repeats(from.number(), number)) {
      Transmit(from.number(), number, shard, packet);
    }
    RepeatLate(from.number(), number, shard, packet);
    std::vector<consensus::Message> said;
    if (from.member() == traitor_.member()) said = packet;
    Transmit(from.number(), number, shard, std::move(packet));
    if (said.empty()) continue;
    SendLies(from.number(), number, shard, said);
    SendHollowPromise(from.number(), number, shard);
  }
}

void Cluster::SendLies(int number, int to, ShardId shard,
                       const std::vector<consensus::Message>& messages) {
  for (consensus::Message& lie : traitor_.Lie(messages)) {
    const std::optional<SimTime> arrival = network_.Arrival(context_.queue.now(), number, to);
    if (!arrival) continue;
    context_.queue.At(*arrival, [this, number, to, shard, lie = std::move(lie)]() mutable {
      HostedReplica* const replica = node(to).replica(shard);
      if (replica == nullptr || node(to).paused() || network_.IsCut(number, to)) return;
      if (!IsFit(lie, *replica)) return;
      traitor_.Told();
      Arrive(number, to, shard, {std::move(lie)});
    });
  }
}

void Cluster::SendHollowPromise(int number, int to, ShardId shard) {
  const std::optional<SimTime> arrival = network_.Arrival(context_.queue.now(), number, to);
  if (!arrival) return;
  context_.queue.At(*arrival, [this, number, to, shard] {
    HostedReplica* const replica = node(to).replica(shard);
    if (replica == nullptr || node(to).paused() || network_.IsCut(number, to)) return;
    const consensus::RaftStatus status = replica->replica().raft().status();
    const bool fenced = std::ranges::find(status.fenced, traitor_.member()) != status.fenced.end();
    if (status.role != consensus::Role::kLeader || !fenced) return;
    Arrive(number, to, shard,
           {{.from = traitor_.member(),
             .to = replica->member(),
             .term = status.term,
             .body =
                 consensus::AppendEntriesResponse{.accepted = true,
                                                  .index = status.last,
                                                  .round = std::numeric_limits<uint64_t>::max()}}});
  });
}

bool Cluster::IsFit(const consensus::Message& lie, const HostedReplica& replica) const {
  if (replica.member() == traitor_.member()) return false;
  const consensus::Raft& raft = replica.replica().raft();
  switch (traitor_.kind()) {
    case Byzantine::kEquivocatingLeader: {
      const auto& append = std::get<consensus::AppendEntries>(lie.body);
      return raft.term() == lie.term && raft.commit() >= append.prev_index &&
             raft.EntryMeta(append.prev_index).has_value() && lie.to == replica.member();
    }
    case Byzantine::kFalseLeader:
      // Who voted for the leader can not lead; of others it is not known who lies.
      return treason_.GaveVote(lie.to, lie.term) && raft.term() == lie.term &&
             raft.role() == consensus::Role::kLeader && lie.to == replica.member();
    case Byzantine::kDoubleVoter:
      return raft.term() == lie.term && raft.role() == consensus::Role::kFollower &&
             lie.to == replica.member();
    case Byzantine::kCorruptingSender:
      return raft.term() == lie.term && lie.to == replica.member() &&
             raft.role() == consensus::Role::kFollower;
    default:
      return true;
  }
}

void Cluster::RepeatLate(int from, int to, ShardId shard,
                         const std::vector<consensus::Message>& messages) {
  std::vector<consensus::Message>& chunks = chunks_[{from, to, shard}];
  bool snapshot = false;
  for (const consensus::Message& message : messages) {
    const auto* chunk = std::get_if<consensus::InstallSnapshot>(&message.body);
    if (chunk == nullptr) continue;
    snapshot = true;
    const bool follows =
        !chunks.empty() && chunk->offset != 0 &&
        std::get<consensus::InstallSnapshot>(chunks.back().body).meta == chunk->meta;
    if (!follows) chunks.clear();
    chunks.push_back(message);
  }
  const std::optional<SimTime> later =
      network_.LateRepetition(from, to, snapshot ? kSnapshotWeight : 1);
  if (!later) return;
  // Of a snapshot all that has been sent by then, so that it is whole again.
  context_.queue.After(*later, [this, from, to, shard, snapshot, late = messages]() mutable {
    if (snapshot) late = chunks_[{from, to, shard}];
    if (!network_.IsCut(from, to)) Arrive(from, to, shard, std::move(late));
  });
}

void Cluster::Transmit(int from, int to, ShardId shard, std::vector<consensus::Message> messages) {
  const std::optional<SimTime> arrival =
      network_.Arrival(context_.queue.now(), from, to, PayloadBytes(messages));
  if (!arrival) return;
  messages_ += messages.size();
  if (context_.scenario.peer_codec) messages = ThroughCodec(shard, std::move(messages));
  if (network_.Corrupts(from, to) && FlipPayloadBit(&random_.Pick(messages), &random_)) {
    context_.fired.Add(Fault::kWireCorruption);
    corrupted_.emplace(from, to);
  }
  context_.queue.At(*arrival, [this, from, to, shard, messages = std::move(messages)]() mutable {
    if (!network_.IsCut(from, to)) Arrive(from, to, shard, std::move(messages));
  });
}

// As the daemon sends and receives them; who they are from and for, the streams say there.
std::vector<consensus::Message> Cluster::ThroughCodec(ShardId shard,
                                                      std::vector<consensus::Message> messages) {
  v1::PeerFrame frame;
  for (const consensus::Message& message : messages) {
    server::ToProto(shard, message, frame.add_messages());
  }
  QB_CHECK(frame.ParseFromString(frame.SerializeAsString()));
  QB_CHECK(static_cast<size_t>(frame.messages_size()) == messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    absl::StatusOr<consensus::Message> decoded = server::FromProto(
        messages[i].from, messages[i].to, frame.mutable_messages(static_cast<int>(i)));
    if (!decoded.ok()) {
      context_.Fail(absl::StrCat("a message that the peer codec refuses: ",
                                 std::string(decoded.status().message())));
      return {};
    }
    messages[i] = *std::move(decoded);
  }
  return messages;
}

void Cluster::Arrive(int from, int to, ShardId shard, std::vector<consensus::Message> messages) {
  HostedReplica* const replica = node(to).replica(shard);
  if (replica == nullptr) return;
  // Who sent it is known from the stream, not from the message. The stream ends.
  for (const consensus::Message& message : messages) {
    if (NumberOf(message.from) == from) continue;
    return replica->Call([from](server::Replica& receiver) {
      receiver.ForgedSender(NodeId(static_cast<uint64_t>(from)));
    });
  }
  if (traitor_.member() == NodeId()) {
    return replica->Call([messages = std::move(messages)](server::Replica& receiver) mutable {
      receiver.Receive(std::move(messages));
    });
  }
  ArriveWithTraitor(from, to, shard, std::move(messages));
}

void Cluster::LeadershipChanged(Node& node, ShardId shard, const server::Leadership& leadership) {
  if (leadership.leader != node.member()) return;
  AskOldLeaders(node, shard);
  const auto died = leader_died_.find(shard);
  if (died == leader_died_.end()) return;
  const auto& [at, noticed] = died->second;
  (noticed ? elections_ : silent_elections_).push_back(context_.queue.now() - at);
  leader_died_.erase(died);
}

// A read that is answered at once rests on a lease: its promise is that nobody else was elected.
void Cluster::AskOldLeaders(Node& next, ShardId shard) {
  if (traitor_.member() != NodeId()) return;
  const consensus::Term term = next.replica(shard)->replica().raft().term();
  for (int i = 1; i <= nodes(); ++i) {
    if (i == next.number() || !node(i).Leads(shard)) continue;
    context_.queue.After(0, [this, i, shard, term] {
      HostedReplica* const replica = node(i).replica(shard);
      if (replica == nullptr) return;
      replica->Call([this, i, shard, term, replica](server::Replica& old) {
        if (!replica->leads() || old.raft().term() >= term) return;
        const auto asked = std::make_shared<bool>(true);
        old.Read(false, [this, i, shard, asked](const server::Refusal* refusal,
                                                const exchange::Exchange&) {
          if (!*asked || refusal != nullptr) return;
          context_.Fail(absl::StrCat("shard ", shard.value(), " node ", i,
                                     " answers a read at once though another was elected"));
        });
        *asked = false;
      });
    });
  }
}

bool Cluster::IsAccident(const Node& witness, const consensus::Evidence& evidence) const {
  using Kind = consensus::Evidence::Kind;
  const bool corrupt =
      evidence.kind == Kind::kCorruptEntry || evidence.kind == Kind::kCorruptSnapshot;
  return corrupt && corrupted_.contains({NumberOf(evidence.culprit), witness.number()});
}

void Cluster::Evidence(Node& node, ShardId shard, const consensus::Evidence& evidence) {
  // Who forges is known by its number: which member that is a replica may not have heard yet.
  const bool forged = evidence.kind == consensus::Evidence::Kind::kForgedSender &&
                      NumberOf(evidence.culprit) == NumberOf(traitor_.member());
  if ((evidence.culprit == traitor_.member() || forged) && evidence.culprit != NodeId()) {
    traitor_.FoundOut({node.member(), shard, node.life()});
    CheckFenced(node, shard, evidence);
    Line(absl::StrCat("node ", node.number(), " has evidence against the traitor, node ",
                      NumberOf(evidence.culprit)));
    return;
  }
  const bool forgot = evidence.kind == consensus::Evidence::Kind::kForgotAcknowledged;
  if (forgot && on_forgotten_ && on_forgotten_(evidence.culprit)) return;
  const bool of_nobody = evidence.culprit == NodeId() && traitor_.member() != NodeId();
  if (of_nobody || IsAccident(node, evidence)) return;
  context_.Fail(absl::StrCat("shard ", shard.value(), " node ", node.number(),
                             ": evidence of kind ", static_cast<int>(evidence.kind),
                             " against node ", NumberOf(evidence.culprit), ", which is correct"));
}

// Clients.

std::optional<SimTime> Cluster::ClientDelay() {
  const Scenario& scenario = context_.scenario;
  if (random_.Chance(scenario.ppm(Fault::kLoss) / 4)) return std::nullopt;
  return scenario.network_delay +
         static_cast<SimTime>(random_.Below(static_cast<uint64_t>(scenario.network_jitter) + 1));
}

void Cluster::Answer(const Callback& callback, Reply reply) {
  const std::optional<SimTime> delay = ClientDelay();
  if (!delay) return;
  context_.queue.After(*delay, [callback, reply = std::move(reply)] { callback(reply); });
}

void Cluster::OnNode(int number, ShardId shard, const Callback& callback,
                     std::function<void(HostedReplica&, server::Replica&)> use) {
  const std::optional<SimTime> delay = ClientDelay();
  if (!delay) return;
  context_.queue.After(*delay, [this, number, shard, callback, use = std::move(use)] {
    HostedReplica* const replica = node(number).replica(shard);
    if (replica == nullptr) return Answer(callback, {});
    replica->Call([replica, use](server::Replica& called) { use(*replica, called); });
  });
}

void Cluster::Submit(int number, ShardId shard, std::string group, Callback callback) {
  OnNode(number, shard, callback,
         [this, group = std::move(group), callback](HostedReplica& host, server::Replica& replica) {
           replica.Submit(group, host.leadership().serving_term,
                          [this, &host, callback](const server::GroupReply& result) {
                            if (result.refusal != nullptr)
                              return Answer(callback, Refused(*result.refusal));
                            host.checks().Acknowledged(host.member(), host.answering(),
                                                       host.configuration());
                            Reply reply = Executed(result, host.answering());
                            reply.trusted = host.checks().trusts(host.member());
                            Answer(callback, std::move(reply));
                          });
         });
}

void Cluster::Read(int number, ShardId shard, bool stale_ok, Callback callback) {
  OnNode(number, shard, callback,
         [this, shard, stale_ok, callback](HostedReplica& host, server::Replica& replica) {
           replica.Read(
               stale_ok, [this, shard, &host, callback](const server::Refusal* refusal,
                                                        const exchange::Exchange& exchange) {
                 if (refusal != nullptr) return Answer(callback, Refused(*refusal));
                 Reply reply;
                 reply.connected = true;
                 reply.trusted = host.checks().trusts(host.member());
                 if (!reply.trusted && traitor_.KnowsItself(shard)) {
                   context_.Fail("a replica that knows that its state has diverged serves a read");
                 }
                 reply.index = host.replica().applied();
                 reply.last_sequence = exchange.last_sequence();
                 Answer(callback, std::move(reply));
               });
         });
}

}  // namespace quorumbook::sim
