// The part of the nemesis that plots: faults at the moments at which they hurt most. What chance
// alone would bring about once in a million seeds, and rests on one line of the protocol.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "tests/sim/nemesis.h"

namespace quorumbook::sim {
namespace {

using consensus::Index;
using consensus::Role;
using consensus::Term;

constexpr SimTime kBeat = 10 * kMillisecond;
// A plot that has not come to its end by then is given up.
constexpr int kPatienceElections = 12;
// In ppm: clocks may differ by 10 percent in their rate (consensus::Options::clock_drift_percent).
constexpr int64_t kDriftMax = 48'000;

}  // namespace

// A plot ends there too, but what it has cut stays so.
void Nemesis::Freeze() {
  frozen_ = true;
  cluster_.network().SetQuiet(false);
  if (plot_) HushClients(plot_->shard, false);
}

void Nemesis::StartPlot(ShardId shard, std::deque<PlotStep> steps) {
  const SimTime patience = kPatienceElections * context_.scenario.election_timeout_max.count();
  plot_->shard = shard;
  plot_->steps = std::move(steps);
  plot_->give_up_at = context_.queue.now() + patience;
  BeatPlot();
}

void Nemesis::ContinuePlot() {
  while (plot_ && !frozen_ && !plot_->steps.empty() && plot_->steps.front().when()) {
    const PlotStep step = std::move(plot_->steps.front());
    plot_->steps.pop_front();
    step.act();
  }
}

void Nemesis::BeatPlot() {
  ContinuePlot();
  if (plot_->steps.empty() || context_.queue.now() >= plot_->give_up_at) return EndPlot();
  if (plot_->watched != 0) {
    for (const auto& client : cluster_.clients()) {
      if (client->shard() == plot_->shard) client->Peek(plot_->watched);
    }
  }
  Later(kBeat, [this] { BeatPlot(); });
}

void Nemesis::EndPlot() {
  CutInstead({});
  HushClients(plot_->shard, false);
  cluster_.network().SetQuiet(false);
  sieging_ = false;
  plot_.reset();
}

void Nemesis::CutInstead(std::vector<std::pair<int, int>> cuts) {
  for (const auto& [from, to] : cuts) cluster_.network().Cut(from, to, true);
  for (const auto& [from, to] : plot_->cuts) cluster_.network().Cut(from, to, false);
  plot_->cuts = std::move(cuts);
}

void Nemesis::Separate(const std::vector<std::vector<int>>& groups) {
  const auto group_of = [&](int node) {
    for (size_t i = 0; i < groups.size(); ++i) {
      if (std::ranges::find(groups[i], node) != groups[i].end()) return static_cast<int>(i);
    }
    return -node;
  };
  std::vector<std::pair<int, int>> cuts;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    for (int j = 1; j <= cluster_.nodes(); ++j) {
      if (i != j && group_of(i) != group_of(j)) cuts.emplace_back(i, j);
    }
  }
  CutInstead(std::move(cuts));
}

std::vector<int> Nemesis::AllBut(std::vector<int> nodes) {
  std::vector<int> others;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (std::ranges::find(nodes, i) == nodes.end()) others.push_back(i);
  }
  return others;
}

// Those of them that run, and are who the leader takes them for.
std::vector<int> Nemesis::Voters(ShardId shard, int leader) {
  std::vector<int> voters;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const bool runs = cluster_.node(i).up() && !cluster_.node(i).paused();
    const consensus::Configuration& members = cluster_.node(leader).replica(shard)->configuration();
    if (runs && members.IsVoter(cluster_.node(i).member())) voters.push_back(i);
  }
  return voters;
}

// Null: it does not run.
const consensus::Raft* Nemesis::RaftOf(ShardId shard, int node) {
  HostedReplica* const replica = cluster_.node(node).replica(shard);
  return replica == nullptr ? nullptr : &replica->replica().raft();
}

bool Nemesis::Leads(ShardId shard, int node) {
  const consensus::Raft* const raft = RaftOf(shard, node);
  return raft != nullptr && raft->role() == Role::kLeader;
}

void Nemesis::HushClients(ShardId shard, bool quiet) {
  for (const auto& client : cluster_.clients()) {
    if (client->shard() == shard) client->SetQuiet(quiet);
  }
}

void Nemesis::ReconnectClients(ShardId shard, int node) {
  HushClients(shard, false);
  for (const auto& client : cluster_.clients()) {
    if (client->shard() == shard) client->Reconnect(node);
  }
}

// A replica must not be called from within another's step.
void Nemesis::CallSoon(ShardId shard, int node, std::function<void(server::Replica&)> use) {
  Later(0, [this, shard, node, use = std::move(use)] {
    HostedReplica* const replica = cluster_.node(node).replica(shard);
    if (replica != nullptr) replica->Call(use);
  });
}

// A node that reaches nobody can not win an election, so it must not enter terms: with the next one
// it would depose the leader when it comes back (9.6).
void Nemesis::LonelyNode() {
  const int number = AnyUp();
  if (plot_ || number == 0 || cluster_.node(number).paused()) return;
  plot_.emplace();
  Separate({AllBut({number})});
  Fired(Fault::kLonelyNode, number);
  const SimTime begin = context_.queue.now();
  const SimTime end = begin + Draw(2, 5) * context_.scenario.election_timeout_max.count();
  const uint64_t life = cluster_.node(number).life();
  const auto terms = std::make_shared<std::vector<Term>>();
  StartPlot(AnyShard(),
            {{.when = [this, begin] { return context_.queue.now() >= begin + kBeat; },
              .act =
                  [this, number, terms] {
                    for (int i = 1; i <= cluster_.shards(); ++i) {
                      const auto* raft = RaftOf(ShardId(static_cast<uint64_t>(i)), number);
                      if (raft != nullptr) terms->push_back(raft->term());
                    }
                  }},
             {.when = [this, end] { return context_.queue.now() >= end; },
              .act = [this, number, life, terms] { CheckLonely(number, life, *terms); }}});
}

void Nemesis::CheckLonely(int number, uint64_t life, const std::vector<Term>& terms) {
  if (cluster_.node(number).life() != life) return;
  const NodeId member = cluster_.node(number).member();
  for (size_t i = 0; i < terms.size(); ++i) {
    const consensus::Raft& raft = *RaftOf(ShardId(i + 1), number);
    if (HasMajority(raft.configuration().voters, {member})) continue;  // needs nobody else
    if (raft.term() == terms[i]) continue;
    context_.Fail(absl::StrCat("shard ", i + 1, " node ", number,
                               " reached nobody, and entered term ", raft.term().value(), " after ",
                               terms[i].value(), ": it will depose the leader"));
  }
}

// A leader is cut off and others elect another one before it knows: by its own offer, because
// somebody lost patience (and others have just restarted), or because clocks jump. Who asks it then
// must not be told old news.
void Nemesis::StaleLeader() {
  const ShardId shard = AnyShard();
  const int old = cluster_.LeaderOf(shard);
  if (plot_ || old == 0 || cluster_.nodes() < 3 || cluster_.node(old).paused()) return;
  std::vector<int> voters = Voters(shard, old);
  std::erase(voters, old);
  if (voters.empty()) return;
  const int next = random_.Pick(voters);
  const std::vector<int> others = AllBut({old});
  const Term term = RaftOf(shard, old)->term();
  const auto cut_off = [this, others] { Separate({others}); };

  plot_.emplace();
  std::deque<PlotStep> steps;
  const uint64_t way = random_.Below(5);
  if (way == 0) {
    CallSoon(shard, old, [next](server::Replica& replica) {
      replica.TransferLeadership(NodeId(static_cast<uint64_t>(next)),
                                 [](const server::Refusal*, NodeId) {});
    });
    steps.push_back({.when =
                         [this, shard, next, term] {
                           const consensus::Raft* const raft = RaftOf(shard, next);
                           return raft != nullptr && raft->term() > term;
                         },
                     .act = cut_off});
  } else if (way <= 2) {
    // Its log must not fall behind the others'.
    HushClients(shard, true);
    CutInstead({{old, next}, {next, old}});
    steps.push_back(
        {.when =
             [this, shard, next] {
               const consensus::Raft* const raft = RaftOf(shard, next);
               return raft != nullptr && raft->role() != Role::kFollower;
             },
         .act =
             [this, way, next, voters, cut_off] {
               cut_off();
               if (way == 1) return;
               // What the others promised, they did before a restart.
               for (const int other : voters) {
                 if (other == next) continue;
                 Later(0, [this, other] { CrashAndRestart(other, Node::Loss::kNothing, 0); });
               }
             }});
  } else if (way == 3) {
    // Its lease lasts as long as it may by a clock that is slow, and their promises end early.
    const SimTime then = context_.queue.now() + 2 * context_.scenario.election_timeout_max.count();
    steps.push_back(
        {.when = [this, then] { return context_.queue.now() >= then; }, .act = cut_off});
    for (int i = 1; i <= cluster_.nodes(); ++i) {
      cluster_.node(i).clock().SetDrift(context_.queue.now(), i == old ? -kDriftMax : kDriftMax);
      cluster_.node(i).ClockFault(Fault::kClockDrift);
    }
  } else {
    cut_off();
    for (const int other : voters) {
      cluster_.node(other).JumpSteadyClock(
          Draw(context_.scenario.election_timeout_max.count(), 3 * kSecond));
    }
    context_.fired.Add(Fault::kClockJump);
  }
  steps.push_back({.when =
                       [this, shard, old] {
                         const int leader = cluster_.LeaderOf(shard);
                         return leader != 0 && leader != old;
                       },
                   .act =
                       [this, shard, old] {
                         if (Leads(shard, old)) Fired(Fault::kStaleLeader, old);
                         ReconnectClients(shard, cluster_.LeaderOf(shard));
                       }});
  steps.push_back({.when = [this, shard, old] { return !Leads(shard, old); }, .act = [] {}});
  plot_->watched = old;
  StartPlot(shard, std::move(steps));
}

// A node enters a term that nobody hears of, and the leader goes on. Nobody who hears the leader
// will listen to its elections, and it does not listen to the leader of an old term: who tells
// whom?
void Nemesis::StrandedCandidate() {
  const ShardId shard = AnyShard();
  const int leader = cluster_.LeaderOf(shard);
  if (plot_ || leader == 0 || cluster_.nodes() < 3 || cluster_.node(leader).paused()) return;
  std::vector<int> voters = Voters(shard, leader);
  std::erase(voters, leader);
  if (voters.empty()) return;
  const int candidate = random_.Pick(voters);
  const Term term = RaftOf(shard, leader)->term();
  const auto until = std::make_shared<SimTime>(0);
  const SimTime wait = 2 * context_.scenario.election_timeout_max.count();

  plot_.emplace();
  CallSoon(shard, leader, [candidate](server::Replica& replica) {
    replica.TransferLeadership(NodeId(static_cast<uint64_t>(candidate)),
                               [](const server::Refusal*, NodeId) {});
  });
  std::deque<PlotStep> steps;
  steps.push_back({.when =
                       [this, shard, candidate, term] {
                         const consensus::Raft* const raft = RaftOf(shard, candidate);
                         return raft != nullptr && raft->term() > term;
                       },
                   .act =
                       [this, candidate, until, wait] {
                         Separate({AllBut({candidate})});
                         *until = context_.queue.now() + wait;
                       }});
  // By then the leader has given up the transfer.
  steps.push_back({.when = [this, until] { return context_.queue.now() >= *until; },
                   .act =
                       [this, shard, leader, candidate, term] {
                         if (!Leads(shard, leader) || RaftOf(shard, leader)->term() != term) return;
                         Fired(Fault::kStrandedCandidate, candidate);
                       }});
  StartPlot(shard, std::move(steps));
}

// Figure 3.7 of the thesis: an entry gets to a majority under a later leader, and yet another one,
// which never saw it, replaces it. So it must not have been committed by counting (3.6.2).
void Nemesis::DisputedEntry() {
  const ShardId shard = AnyShard();
  const int old = cluster_.LeaderOf(shard);
  if (plot_ || old == 0 || cluster_.nodes() < 3 || cluster_.node(old).paused()) return;
  const auto rival = std::make_shared<int>(0);
  const Index before = RaftOf(shard, old)->status().last;
  const Term term = RaftOf(shard, old)->term();
  const std::vector<int> others = AllBut({old});

  plot_.emplace();
  std::deque<PlotStep> steps;
  // An entry that nobody else hears of ...
  steps.push_back(
      {.when = [this, shard, old,
                before] { return Leads(shard, old) && RaftOf(shard, old)->status().last > before; },
       .act = [this, others] { Separate({others}); }});
  // ... then a leader whose first entry nobody else hears of ...
  steps.push_back({.when =
                       [this, shard, old] {
                         const int leader = cluster_.LeaderOf(shard);
                         return leader != 0 && leader != old;
                       },
                   .act =
                       [this, shard, rival] {
                         *rival = cluster_.LeaderOf(shard);
                         Separate({AllBut({*rival})});
                       }});
  // ... then the old one again, until a majority has its old entry, but not the first of its term.
  steps.push_back({.when =
                       [this, shard, old, before, term] {
                         if (!Leads(shard, old) || RaftOf(shard, old)->term() == term) return false;
                         const consensus::RaftStatus status = RaftOf(shard, old)->status();
                         std::vector<NodeId> holders;
                         if (status.durable > before) holders.push_back(status.leader);
                         for (const consensus::PeerProgress& peer : status.peers) {
                           if (peer.match > before) holders.push_back(peer.id);
                         }
                         return HasMajority(status.configuration.voters, holders);
                       },
                   .act =
                       [this, old] {
                         Separate({AllBut({old})});
                         Fired(Fault::kDisputedEntry, old);
                       }});
  steps.push_back({.when =
                       [this, shard, rival, before] {
                         const consensus::Raft* const raft = RaftOf(shard, *rival);
                         return raft != nullptr && raft->role() == Role::kLeader &&
                                raft->commit() > before;
                       },
                   .act = [] {}});
  StartPlot(shard, std::move(steps));
}

void Nemesis::ChangeMembersSoon(ShardId shard, int leader, int leaving) {
  CallSoon(shard, leader, [leaving](server::Replica& replica) {
    replica.ChangeMember(NodeId(static_cast<uint64_t>(leaving)), false,
                         [](const server::Refusal*, const consensus::Configuration&) {});
  });
}

// The bug of 2015 in changes of a single server (raft-dev, "bug in single-server membership
// changes"): two leaders each take out one of four, and their majorities do not overlap.
void Nemesis::DisputedMembers() {
  const ShardId shard = AnyShard();
  const int old = cluster_.LeaderOf(shard);
  if (plot_ || old == 0 || cluster_.node(old).paused()) return;
  const std::vector<int> four = Voters(shard, old);
  const consensus::Configuration& members = cluster_.node(old).replica(shard)->configuration();
  if (four.size() != 4 || members.voters.size() != 4 || members.joint()) return;
  const std::vector<NodeId> whole = Whole();
  for (const int number : four) {
    if (std::ranges::find(whole, cluster_.node(number).member()) == whole.end()) return;
  }
  std::vector<int> others = four;
  std::erase(others, old);
  const int leaving = random_.Pick(others);
  const Index before = RaftOf(shard, old)->status().configuration_index;
  const auto friends = std::make_shared<std::vector<int>>();  // of the second leader, and itself
  const auto until = std::make_shared<SimTime>(0);

  plot_.emplace();
  std::deque<PlotStep> steps;
  ChangeMembersSoon(shard, old, leaving);
  // A change that nobody else hears of ...
  steps.push_back({.when =
                       [this, shard, old, before] {
                         return Leads(shard, old) &&
                                RaftOf(shard, old)->status().configuration_index > before;
                       },
                   .act = [this, others] { Separate({others}); }});
  // ... then a leader that reaches half, and is told to take out the first one ...
  steps.push_back({.when =
                       [this, shard, old] {
                         const int leader = cluster_.LeaderOf(shard);
                         return leader != 0 && leader != old;
                       },
                   .act =
                       [this, shard, old, others, leaving, friends, until] {
                         const int second = cluster_.LeaderOf(shard);
                         std::vector<int> rest = others;
                         std::erase(rest, second);
                         // The first one needs one of those that it did not take out.
                         const int stays = rest.front() == leaving ? rest.back() : rest.front();
                         *friends = AllBut({old, stays});
                         Separate({*friends});
                         ChangeMembersSoon(shard, second, old);
                         *until =
                             context_.queue.now() + context_.scenario.election_timeout_min.count();
                       }});
  // ... and then the first one again, with the other half.
  steps.push_back({.when = [this, until] { return context_.queue.now() >= *until; },
                   .act =
                       [this, old, friends] {
                         Separate({*friends, AllBut(*friends)});
                         Fired(Fault::kDisputedMembers, old);
                       }});
  steps.push_back({.when =
                       [this, until] {
                         return context_.queue.now() >=
                                *until + 4 * context_.scenario.election_timeout_max.count();
                       },
                   .act = [] {}});
  StartPlot(shard, std::move(steps));
}

}  // namespace quorumbook::sim
