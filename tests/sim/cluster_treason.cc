// The part of the cluster in which a traitor's lies are told, and what they lead to is watched.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "server/replica/member.h"
#include "tests/sim/cluster.h"

namespace quorumbook::sim {
namespace {

// At so many indexes a process may hear of a diverged state until it must have named it.
constexpr size_t kProofsUntilNamed = 2;

// A leader that lacks what the traitor helped to commit overwrites it, which no Raft can prevent.
bool IsUpToDate(const consensus::RequestVote& request, const consensus::Raft& traitor) {
  const consensus::Index last = traitor.status().last;
  const auto own = traitor.EntryMeta(last);
  return own &&
         std::pair(request.last_log_term, request.last_log_index) >= std::pair(own->term, last);
}

int NumberOf(NodeId member) { return static_cast<int>(server::NodeOf(member).value()); }

}  // namespace

// Which of the two a follower gets differs: the others have the true one, and it has another; or it
// has the true one, and hears of another.
void Cluster::Equivocate(Node& from, int to, ShardId shard,
                         std::vector<consensus::Message>* packet) {
  if (traitor_.kind() != Byzantine::kEquivocatingLeader || packet->size() != 1) return;
  std::optional<consensus::Message> lie = Traitor::OtherStory(packet->front());
  if (!lie || !random_.OneIn(4)) return;
  const consensus::RaftStatus status = from.replica(shard)->replica().raft().status();
  const consensus::Index index = std::get<consensus::AppendEntries>(lie->body).entries.back().index;
  if (random_.OneIn(2)) return SendContradiction(from.number(), to, shard, *std::move(lie));
  // What others have acknowledged already may be committed by them.
  const bool open = std::ranges::all_of(
      status.peers, [index](const consensus::PeerProgress& peer) { return peer.match < index; });
  if (!open || index <= status.commit || status.term != lie->term || status.peers.size() < 2 ||
      status.configuration.joint() || status.configuration.voters.size() < 3) {
    return;
  }
  Line(absl::StrCat("the traitor, node ", from.number(), ", tells node ", to, " another entry ",
                    index.value()));
  treason_.ToldTwice(shard, lie->term, index);
  checks(shard).Betrayed(lie->term);
  *packet = {*std::move(lie)};
  if (random_.OneIn(2)) EndSoon(from.number());
}

void Cluster::EndSoon(int number) {
  context_.queue.After(random_.Between(0, 200) * kMillisecond,
                       [this, number, life = node(number).life()] {
                         if (node(number).life() != life || restarted_) return;
                         Crash(number, Node::Loss::kNothing);
                         Died(node(number));
                       });
}

// Behind what is true, and only if that has arrived: so it can be proved, and does no harm.
void Cluster::SendContradiction(int number, int to, ShardId shard, consensus::Message lie) {
  // Soon, or when the true one is likely to be committed.
  const SimTime delay = random_.Between(5, random_.OneIn(2) ? 10 : 500) * kMillisecond;
  context_.queue.After(delay, [this, number, to, shard, lie = std::move(lie)]() mutable {
    HostedReplica* const replica = node(to).replica(shard);
    if (replica == nullptr || node(to).paused() || network_.IsCut(number, to)) return;
    const consensus::Raft& raft = replica->replica().raft();
    const auto& append = std::get<consensus::AppendEntries>(lie.body);
    const consensus::Index index = append.entries.back().index;
    if (lie.to != replica->member() || raft.term() != lie.term ||
        raft.leader() != traitor_.member() ||
        !treason_.HasTaken(replica->member(), shard, lie.term, index) ||
        treason_.HasToldTwice(shard, lie.term)) {
      return;
    }
    const Process witness{replica->member(), shard, node(to).life()};
    const bool provable = index <= raft.commit() && raft.EntryMeta(index).has_value() &&
                          raft.EntryMeta(append.prev_index).has_value();
    if (provable) traitor_.Told();
    Arrive(number, to, shard, {std::move(lie)});
    if (!provable || traitor_.FoundOutBy(witness)) return;
    context_.Fail(absl::StrCat("shard ", shard.value(), " node ", to, " has entry ", index.value(),
                               " from node ", number,
                               ", is told another one by it, and does not name it"));
  });
}

// Of three voters it alone hears of a candidacy, and tells the third that there is none: so both
// campaign in one term, and it can vote for both.
void Cluster::PlanTwoVotes(ShardId shard, const consensus::Message& message) {
  const auto* request = std::get_if<consensus::RequestVote>(&message.body);
  if (request == nullptr || !request->pre_vote || restarted_) return;
  const int number = NumberOf(traitor_.member());
  const int to = NumberOf(message.from);
  HostedReplica* const traitor = node(number).replica(shard);
  if (traitor == nullptr || node(number).paused() || traitor->member() != traitor_.member()) return;
  const NodeId first = treason_.Planned(shard, message.term);
  if (first == message.from) return;
  if (first != NodeId()) {
    return Transmit(number, to, shard,
                    {{.from = traitor_.member(),
                      .to = message.from,
                      .term = message.term,
                      .body = consensus::RequestVoteResponse{.pre_vote = true, .granted = true}}});
  }
  const consensus::Configuration& members = traitor->configuration();
  if (members.voters.size() != 3 || members.joint() || !members.IsVoter(traitor_.member()) ||
      !members.IsVoter(message.from) || !random_.OneIn(3)) {
    return;
  }
  treason_.Plan(shard, message.term, message.from);
  for (int i = 1; i <= nodes(); ++i) {
    if (i == to || i == number) continue;
    network_.CutBoth(i, to, true);
    kept_apart_.emplace_back(i, to);
  }
  context_.queue.After(2 * context_.scenario.election_timeout_max.count(),
                       [this] { LetRivalsMeet(); });
}

void Cluster::LetRivalsMeet() {
  if (restarted_) return;  // all is frozen
  for (const auto& [one, other] : std::exchange(kept_apart_, {})) {
    network_.CutBoth(one, other, false);
  }
}

void Cluster::VoteForRival(ShardId shard, const consensus::Message& message) {
  const auto* request = std::get_if<consensus::RequestVote>(&message.body);
  if (request == nullptr || request->pre_vote) return;
  const int number = NumberOf(traitor_.member());
  const int to = NumberOf(message.from);
  HostedReplica* const traitor = node(number).replica(shard);
  if (traitor == nullptr || node(number).paused() || traitor->member() != traitor_.member() ||
      traitor->replica().raft().term() != message.term ||
      !IsUpToDate(*request, traitor->replica().raft()) ||
      !treason_.MayVoteFor(shard, message.term, message.from, traitor->configuration())) {
    return;
  }
  Line(absl::StrCat("the traitor, node ", number, ", votes for node ", to, " too in term ",
                    message.term.value()));
  treason_.VotedTwice(shard, message.term);
  checks(shard).Betrayed(message.term);
  Transmit(number, to, shard,
           {{.from = traitor_.member(),
             .to = message.from,
             .term = message.term,
             .body = consensus::RequestVoteResponse{.pre_vote = false, .granted = true}}});
  // While both still believe that they lead.
  context_.queue.After(random_.Between(10, 200) * kMillisecond, [this] { LetRivalsMeet(); });
}

void Cluster::ArriveWithTraitor(int from, int to, ShardId shard,
                                std::vector<consensus::Message> messages) {
  HostedReplica* const replica = node(to).replica(shard);
  const NodeId member = replica->member();
  const bool runs = !node(to).paused();
  if (member == traitor_.member()) {
    treason_.Withhold(shard, &messages);
    for (const consensus::Message& message : messages) {
      if (traitor_.kind() != Byzantine::kDoubleVoter) continue;
      PlanTwoVotes(shard, message);
      VoteForRival(shard, message);
    }
  }
  if (runs && traitor_.kind() == Byzantine::kDivergedState) {
    WatchDigests(node(to), shard, messages, /*arrived=*/true);
  }
  const std::vector<consensus::Message> said = messages;
  replica->Call([messages = std::move(messages)](server::Replica& receiver) mutable {
    receiver.Receive(std::move(messages));
  });
  if (!runs || node(to).replica(shard) != replica) return;
  const consensus::Raft& raft = replica->replica().raft();
  for (const consensus::Message& message : said) {
    if (message.from != traitor_.member() || from == to) continue;
    if (const auto* vote = std::get_if<consensus::RequestVoteResponse>(&message.body)) {
      const bool counts = vote->granted && !vote->pre_vote && raft.term() == message.term;
      if (counts) treason_.VoteArrived(member, message.term);
    }
    const auto* append = std::get_if<consensus::AppendEntries>(&message.body);
    if (append == nullptr || append->entries.empty() || raft.leader() != message.from ||
        raft.term() != message.term) {
      continue;
    }
    const consensus::Entry& last = append->entries.back();
    const std::optional<consensus::SnapshotMeta> own = raft.EntryMeta(last.index);
    if (own && own->chain == last.chain) {
      treason_.Took(member, shard, message.term, last.index);
    }
  }
}

bool Cluster::ForgerBeganAnew() const {
  if (traitor_.kind() != Byzantine::kForgedIdentity) return false;
  const auto number = static_cast<size_t>(NumberOf(traitor_.member()));
  return nodes_[number - 1]->member() != traitor_.member();
}

// What a link may have done counts from the third time on (server/replica/replica.cc).
void Cluster::CheckFenced(Node& witness, ShardId shard, const consensus::Evidence& evidence) {
  using Kind = consensus::Evidence::Kind;
  if (witness.member() == traitor_.member() || evidence.kind == Kind::kCorruptEntry ||
      evidence.kind == Kind::kCorruptSnapshot || evidence.kind == Kind::kForgotAcknowledged) {
    return;
  }
  context_.queue.After(0, [this, number = witness.number(), shard, life = witness.life(),
                           culprit = evidence.culprit] {
    HostedReplica* const replica = node(number).replica(shard);
    if (replica == nullptr || node(number).life() != life) return;
    const consensus::RaftStatus status = replica->replica().raft().status();
    if (!status.configuration.Contains(culprit) ||
        std::ranges::find(status.fenced, culprit) != status.fenced.end()) {
      return;
    }
    context_.Fail(absl::StrCat("shard ", shard.value(), " node ", number,
                               " has evidence against node ", NumberOf(culprit),
                               ", and goes on to listen to it"));
  });
}

void Cluster::WatchDigests(Node& witness, ShardId shard,
                           const std::vector<consensus::Message>& messages, bool arrived) {
  bool check = arrived;  // once: of what comes together it has judged nothing yet
  for (const consensus::Message& message : messages) {
    const auto* digest = std::get_if<consensus::StateDigest>(&message.body);
    if (digest == nullptr || !IsCompared(witness, shard, message.from, *digest)) continue;
    const NodeId member = witness.replica(shard)->member();
    const Process process{member, shard, witness.life()};
    if (std::exchange(check, false) && digest_watch_.Proofs(process) >= kProofsUntilNamed &&
        !traitor_.FoundOutBy(process)) {
      context_.Fail(absl::StrCat("shard ", shard.value(), " node ", witness.number(),
                                 " has heard at two indexes that the state of node ",
                                 server::NodeOf(traitor_.member()).value(),
                                 " is another than that of a majority, and does not say so"));
    }
    digest_watch_.Heard(process, message.from, digest->index, digest->digest, traitor_.member(),
                        witness.replica(shard)->replica().raft().status().configuration);
  }
}

// Only what is near enough to be compared, and said by members who are heard.
bool Cluster::IsCompared(Node& witness, ShardId shard, NodeId member,
                         const consensus::StateDigest& digest) {
  HostedReplica* const replica = witness.replica(shard);
  if (replica == nullptr || replica->member() == traitor_.member()) return false;
  if (digest.format != 0) return false;  // of a whole state
  const consensus::RaftStatus status = replica->replica().raft().status();
  const uint64_t near = 4 * context_.scenario.digest_interval;
  const uint64_t applied = replica->replica().applied().value();
  return digest.index.value() <= applied + near && digest.index.value() + near > applied &&
         status.configuration.Contains(member) &&
         status.configuration.Contains(replica->member()) &&
         std::ranges::find(status.fenced, member) == status.fenced.end();
}

}  // namespace quorumbook::sim
