#include "tests/sim/cluster.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "server/replica/member.h"

namespace quorumbook::sim {
namespace {

int NumberOf(NodeId member) { return static_cast<int>(server::NodeOf(member).value()); }

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
      random_(scenario.seed, "cluster") {
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
  for (int i = 1; i <= nodes(); ++i) {
    if (i <= context_.scenario.nodes) node(i).SetFounders(founders);
    node(i).Start();
  }
  for (const auto& client : clients_) client->Start();
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
    if (LeaderOf(shard) == number) leader_died_at_[shard] = context_.queue.now();
  }
  Line(absl::StrCat("node ", number, " crashes"));
  node(number).Crash(loss);
}

bool Cluster::Restart(int number) {
  if (node(number).up()) return true;
  Line(absl::StrCat("node ", number, " starts"));
  if (node(number).Start()) return true;
  if (on_damage_) on_damage_(number);
  return false;
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
    if (network_.Repeats(from.number(), number)) {
      Transmit(from.number(), number, shard, packet);
    }
    Transmit(from.number(), number, shard, std::move(packet));
  }
}

void Cluster::Transmit(int from, int to, ShardId shard, std::vector<consensus::Message> messages) {
  const std::optional<SimTime> arrival = network_.Arrival(context_.queue.now(), from, to);
  if (!arrival) return;
  messages_ += messages.size();
  context_.queue.At(*arrival, [this, from, to, shard, messages = std::move(messages)]() mutable {
    if (!network_.IsCut(from, to)) Arrive(from, to, shard, std::move(messages));
  });
}

void Cluster::Arrive(int, int to, ShardId shard, std::vector<consensus::Message> messages) {
  HostedReplica* const replica = node(to).replica(shard);
  if (replica == nullptr) return;
  replica->Call([messages = std::move(messages)](server::Replica& receiver) mutable {
    receiver.Receive(std::move(messages));
  });
}

void Cluster::LeadershipChanged(Node& node, ShardId shard, const server::Leadership& leadership) {
  if (leadership.leader != node.member()) return;
  const auto died = leader_died_at_.find(shard);
  if (died == leader_died_at_.end()) return;
  elections_.push_back(context_.queue.now() - died->second);
  leader_died_at_.erase(died);
}

void Cluster::Evidence(Node& node, ShardId shard, const consensus::Evidence& evidence) {
  ++evidence_[evidence.kind];
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
                            Answer(callback, Executed(result, host.answering()));
                          });
         });
}

void Cluster::Read(int number, ShardId shard, bool stale_ok, Callback callback) {
  OnNode(number, shard, callback,
         [this, stale_ok, callback](HostedReplica& host, server::Replica& replica) {
           replica.Read(stale_ok, [this, &host, callback](const server::Refusal* refusal,
                                                          const exchange::Exchange& exchange) {
             if (refusal != nullptr) return Answer(callback, Refused(*refusal));
             Reply reply;
             reply.connected = true;
             reply.index = host.replica().applied();
             reply.last_sequence = exchange.last_sequence();
             Answer(callback, std::move(reply));
           });
         });
}

}  // namespace quorumbook::sim
