// A whole simulated cluster with its clients.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/context.h"
#include "tests/sim/digest_watch.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/shard_checks.h"
#include "tests/sim/traitor.h"
#include "tests/sim/treason.h"

namespace quorumbook::sim {

class Cluster : private NodeWorld, private ClientNetwork {
 public:
  Cluster(const Scenario& scenario, bool verbose);
  ~Cluster() override;

  // Founds the group and starts nodes and clients.
  void Start();

  Context& context() { return context_; }
  Network& network() { return network_; }
  int nodes() const override { return static_cast<int>(nodes_.size()); }
  int shards() const { return context_.scenario.shards; }
  Node& node(int number) { return *nodes_[static_cast<size_t>(number) - 1]; }
  ShardChecks& checks(ShardId shard) override { return *checks_[shard.value() - 1]; }
  std::vector<std::unique_ptr<Client>>& clients() { return clients_; }

  // The node that leads in the highest term; 0: none does.
  int LeaderOf(ShardId shard);
  // Ends the process of a node, if it runs.
  void Crash(int number, Node::Loss loss);
  // Starts it, if it does not run. On a full disk it is tried again, as a supervisor does.
  void Restart(int number);
  void Line(const std::string& line) { context_.trace.Line(context_.queue.now(), line); }

  // A process that ends by itself is started again after a while; from now on only those of
  // `nodes`.
  void RestartOnly(std::vector<int> nodes) { restarted_ = std::move(nodes); }
  // Called when a node's data turned out to be damaged at start.
  void SetOnDamage(std::function<void(int)> on_damage) { on_damage_ = std::move(on_damage); }

  // Called when a member is said to have forgotten what it acknowledged; whether that is true. Must
  // not call any replica.
  void SetOnForgotten(std::function<bool(NodeId)> on_forgotten) {
    on_forgotten_ = std::move(on_forgotten);
  }

  // Called after each step of a replica, before its messages are sent; must not call any.
  void SetOnStep(std::function<void()> on_step) { on_step_ = std::move(on_step); }

  // Called when a node begins to write a snapshot that it received; likewise.
  void SetOnSnapshot(std::function<void(int)> on_snapshot) {
    on_snapshot_ = std::move(on_snapshot);
  }

  // How long shards were without a leader after one had died, in true time: when its streams broke
  // with it, and when the machine was gone with its streams, which nobody noticed by that.
  const std::vector<SimTime>& elections() const { return elections_; }
  const std::vector<SimTime>& silent_elections() const { return silent_elections_; }
  uint64_t messages() const { return messages_; }
  const Traitor& traitor() const { return traitor_; }
  // A traitor that spoke in the name of others was, and its node is another member now.
  bool ForgerBeganAnew() const;

 private:
  // NodeWorld.
  void Send(Node& from, ShardId shard, std::vector<consensus::Message> messages) override;
  void LeadershipChanged(Node& node, ShardId shard, const server::Leadership& leadership) override;
  void Stepped() override {
    if (on_step_) on_step_();
  }
  void WritesSnapshot(Node& node) override {
    if (on_snapshot_) on_snapshot_(node.number());
  }
  void Evidence(Node& node, ShardId shard, const consensus::Evidence& evidence) override;
  void Died(Node& node) override;

  // ClientNetwork.
  void Submit(int node, ShardId shard, std::string group, Callback callback) override;
  void Read(int node, ShardId shard, bool stale_ok, Callback callback) override;

  // Now and then: what does not show in the steps of replicas.
  void Beat();
  // Streams between nodes break and are set up again.
  void Reconnect();
  void Transmit(int from, int to, ShardId shard, std::vector<consensus::Message> messages);
  std::vector<consensus::Message> ThroughCodec(ShardId shard,
                                               std::vector<consensus::Message> messages);
  void RepeatLate(int from, int to, ShardId shard, const std::vector<consensus::Message>& messages);
  // Who still leads a shard in an older term than `next` must not answer by its lease.
  void AskOldLeaders(Node& next, ShardId shard);
  // What the traitor says besides.
  void SendLies(int number, int to, ShardId shard, const std::vector<consensus::Message>& messages);
  // Two entries for one index and term: the other one instead of the true one, or behind it.
  void Equivocate(Node& from, int to, ShardId shard, std::vector<consensus::Message>* packet);
  void SendContradiction(int number, int to, ShardId shard, consensus::Message lie);
  // Keeps a candidate of three from the third, who may then campaign in the same term.
  void PlanTwoVotes(ShardId shard, const consensus::Message& message);
  void LetRivalsMeet();
  // Gives a second vote of a term to the rival of a candidate that has the first one.
  void VoteForRival(ShardId shard, const consensus::Message& message);
  void ArriveWithTraitor(int from, int to, ShardId shard, std::vector<consensus::Message> messages);
  // Whoever has evidence that is certain has fenced the traitor off when it has handled it.
  void CheckFenced(Node& witness, ShardId shard, const consensus::Evidence& evidence);
  // What a node says of its own state, or hears of those of others.
  void WatchDigests(Node& witness, ShardId shard, const std::vector<consensus::Message>& messages,
                    bool arrived);
  // Whether it is near enough to be compared, and said by a member who is heard.
  bool IsCompared(Node& witness, ShardId shard, NodeId member,
                  const consensus::StateDigest& digest);
  void EndSoon(int number);
  // Who is fenced off goes on talking: tells whoever leads that it has everything.
  void SendHollowPromise(int number, int to, ShardId shard);
  // Whether a lie of the traitor could be seen, and do no harm, where it arrives.
  bool IsFit(const consensus::Message& lie, const HostedReplica& replica) const;
  // Whether what `witness` complains of happened on the link from the one that it names.
  bool IsAccident(const Node& witness, const consensus::Evidence& evidence) const;
  void Arrive(int from, int to, ShardId shard, std::vector<consensus::Message> messages);
  // Of a message between a client and a node; empty: lost.
  std::optional<SimTime> ClientDelay();
  void Answer(const Callback& callback, Reply reply);
  // Calls `use` on the replica when a request arrives there, if it does.
  void OnNode(int number, ShardId shard, const Callback& callback,
              std::function<void(HostedReplica&, server::Replica&)> use);

  Context context_;
  Network network_;
  Random random_;
  std::vector<std::unique_ptr<ShardChecks>> checks_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::optional<std::vector<int>> restarted_;  // empty: all
  std::function<void(int)> on_damage_;
  std::function<bool(NodeId)> on_forgotten_;
  std::function<void()> on_step_;
  std::function<void(int)> on_snapshot_;
  struct Death {
    SimTime at = 0;
    bool noticed = true;
  };
  std::map<ShardId, Death> leader_died_;
  std::vector<SimTime> elections_;
  std::vector<SimTime> silent_elections_;
  // Machines that lost power, and since when: nobody closes their streams.
  std::map<int, SimTime> gone_silently_;
  // Of a link and a shard: the pieces of the snapshot that was sent last.
  std::map<std::tuple<int, int, ShardId>, std::vector<consensus::Message>> chunks_;
  std::set<std::pair<int, int>> corrupted_;  // links on which a payload was changed
  Traitor traitor_;
  Treason treason_;
  DigestWatch digest_watch_;
  std::vector<std::pair<int, int>> kept_apart_;  // a candidate and those who must not hear of it
  uint64_t messages_ = 0;
};

}  // namespace quorumbook::sim
