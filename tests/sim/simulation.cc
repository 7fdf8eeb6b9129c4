#include "tests/sim/simulation.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "tests/sim/cluster.h"
#include "tests/sim/describe.h"
#include "tests/sim/nemesis.h"

namespace quorumbook::sim {
namespace {

// How long a healed quorum may take until it serves every client, and then until all its replicas
// are equal.
constexpr int kServiceElections = 40;
// How long it is then watched, and how many new terms there may be: until one of them leads in the
// place of one outside that they hear late. Half as many as timeouts when leaders hand over to
// others that are preferred, now and then also to one that can not lead.
constexpr int kStableElections = 20;
constexpr uint64_t kStableTerms = 3;

class Simulation {
 public:
  Simulation(const Scenario& scenario, bool verbose)
      : cluster_(scenario, verbose), context_(cluster_.context()), nemesis_(&cluster_) {}

  SimulationResult Run() {
    cluster_.Start();
    nemesis_.Start();
    RunUntil(context_.scenario.faulty_time, [] { return false; });
    if (!context_.failure) Heal();
    const Traitor& traitor = cluster_.traitor();
    if (traitor.MustBeKnown() && !traitor.found_out()) {
      context_.Fail("a Byzantine node was not found out");
    }
    SimulationResult result;
    result.failure = context_.failure;
    result.failed_at = context_.queue.now();
    result.trace = context_.trace.hash();
    result.time = context_.queue.now();
    result.events = context_.queue.events();
    result.messages = cluster_.messages();
    for (int i = 1; i <= cluster_.shards(); ++i) {
      const ShardChecks& checks = cluster_.checks(ShardId(static_cast<uint64_t>(i)));
      result.committed += checks.committed().value();
      result.commands += checks.commands();
    }
    for (const auto& client : cluster_.clients()) result.requests += client->completed();
    result.fired = context_.fired;
    if (traitor.found_out()) result.byzantine = traitor.kind();
    result.elections = cluster_.elections();
    result.silent_elections = cluster_.silent_elections();
    return result;
  }

 private:
  // Until `done`, a failure, or the time is over. Returns whether it was done.
  template <typename Done>
  bool RunUntil(SimTime time, Done done) {
    for (uint64_t steps = 0; !context_.failure; ++steps) {
      if (steps % 64 == 0 && done()) return true;
      if (!context_.queue.Step(time)) return done();
    }
    return false;
  }

  void Heal() {
    nemesis_.Freeze();
    quorum_ = nemesis_.HealQuorum();
    const SimTime healed_at = context_.queue.now();
    if (context_.trace.verbose()) {
      std::string nodes;
      for (const int number : quorum_) absl::StrAppend(&nodes, " ", number);
      cluster_.Line("healed: nodes" + nodes);
    }
    const SimTime bound =
        10 * kSecond + kServiceElections * context_.scenario.election_timeout_max.count();
    const auto served = [&] {
      return std::all_of(
          cluster_.clients().begin(), cluster_.clients().end(),
          [&](const auto& client) { return client->completed_asked_at() > healed_at; });
    };
    if (!RunUntil(healed_at + bound, served)) {
      return context_.Fail("a client is not served though a quorum was healed" + Describe());
    }
    for (const auto& client : cluster_.clients()) client->Stop();
    if (!RunUntil(context_.queue.now() + bound, [this] { return IsQuietAndEqual(); })) {
      return context_.Fail("the healed quorum does not converge" + Describe());
    }
    CheckStable();
  }

  // Who reaches only some of them, and whoever failed for long, does not depose their leaders.
  void CheckStable() {
    const std::vector<uint64_t> before = Terms();
    const SimTime elections = kStableElections * context_.scenario.election_timeout_max.count();
    RunUntil(context_.queue.now() + elections, [] { return false; });
    const std::vector<uint64_t> after = Terms();
    const uint64_t most = context_.scenario.priorities ? kStableElections / 2 : kStableTerms;
    for (size_t i = 0; i < before.size(); ++i) {
      if (after[i] > before[i] + most) {
        return context_.Fail(absl::StrCat("leaders replace each other though nothing breaks: ",
                                          after[i] - before[i], " terms", Describe()));
      }
    }
  }

  // The highest of each shard in the quorum.
  std::vector<uint64_t> Terms() {
    std::vector<uint64_t> terms;
    for (int i = 1; i <= cluster_.shards(); ++i) {
      uint64_t highest = 0;
      for (const int number : quorum_) {
        HostedReplica* const replica =
            cluster_.node(number).replica(ShardId(static_cast<uint64_t>(i)));
        if (replica == nullptr) continue;
        highest = std::max(highest, replica->replica().raft().term().value());
      }
      terms.push_back(highest);
    }
    return terms;
  }

  bool IsQuietAndEqual() {
    for (const auto& client : cluster_.clients()) {
      if (!client->idle()) return false;
    }
    for (int i = 1; i <= cluster_.shards(); ++i) {
      const ShardId shard(static_cast<uint64_t>(i));
      if (cluster_.LeaderOf(shard) == 0) return false;
      for (const int number : quorum_) {
        HostedReplica* const replica = cluster_.node(number).replica(shard);
        if (replica == nullptr) return false;
        if (!IsMember(number, shard)) continue;
        if (IsDeafTo(number, cluster_.LeaderOf(shard), shard)) continue;
        if (replica->replica().applied() != cluster_.checks(shard).applied()) return false;
      }
    }
    return true;
  }

  bool IsMember(int number, ShardId shard) {
    const int leader = cluster_.LeaderOf(shard);
    return leader != 0 && cluster_.node(leader).replica(shard)->configuration().Contains(
                              cluster_.node(number).member());
  }

  // A leader outside of the healed quorum may serve by others; who hears it and is not heard by it,
  // or the other way round, or hears only what is small or slow, lags behind. So does the node of a
  // forger that began anew, if that leader has not been restarted since.
  bool IsDeafTo(int number, int leader, ShardId shard) {
    const Network& network = cluster_.network();
    const NodeId node(static_cast<uint64_t>(number));
    return leader != 0 && leader != number &&
           (cluster_.node(leader).replica(shard)->replica().IsDeafTo(node) ||
            network.IsCut(number, leader) || network.IsCut(leader, number) ||
            network.LosesLarge(leader, number) || network.IsSlow(leader, number));
  }

  std::string Describe() {
    std::string text;
    for (int i = 1; i <= cluster_.nodes(); ++i) {
      absl::StrAppend(&text, "\n  node ", i, cluster_.node(i).up() ? "" : " is down");
      for (int j = 1; j <= cluster_.shards() && cluster_.node(i).up(); ++j) {
        const server::Replica& replica =
            cluster_.node(i).replica(ShardId(static_cast<uint64_t>(j)))->replica();
        const consensus::RaftStatus status = replica.raft().status();
        absl::StrAppend(&text, "; shard ", j, ": members ", sim::Describe(status.configuration),
                        "; role ", static_cast<int>(status.role), " term ", status.term.value(),
                        " leader ", status.leader.value() & 0xffff, " last ", status.last.value(),
                        " commit ", status.commit.value(), " applied ", replica.applied().value());
      }
    }
    for (const auto& client : cluster_.clients()) {
      const std::string waits = client->Describe();
      if (!waits.empty()) absl::StrAppend(&text, "\n  ", waits);
    }
    return text;
  }

  Cluster cluster_;
  Context& context_;
  Nemesis nemesis_;
  std::vector<int> quorum_;
};

}  // namespace

SimulationResult Simulate(const Scenario& scenario, bool verbose) {
  return Simulation(scenario, verbose).Run();
}

}  // namespace quorumbook::sim
