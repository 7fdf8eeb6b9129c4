#include "tests/unit/consensus/cluster.h"

#include <algorithm>
#include <sstream>

#include "common/bytes.h"
#include "common/check.h"
#include "tests/unit/consensus/describe.h"

namespace quorumbook::consensus {

Cluster::Cluster(const ClusterOptions& options) : options_(options), random_(options.seed) {
  for (uint64_t id = 1; id <= options.nodes; ++id) nodes_.push_back(NodeId(id));
  replicas_.resize(options.nodes);
  options_.raft.configuration = MakeConfiguration(nodes_);
  for (NodeId node : nodes_) Restart(node);
}

void Cluster::Schedule(Event event) {
  event.order = ++order_;
  events_.push(std::move(event));
}

void Cluster::Step() {
  NodeId timer_node;
  Instant timer_at = Instant::max();
  for (NodeId id : nodes_) {
    if (up(id) && At(id).raft->deadline() < timer_at) {
      timer_at = At(id).raft->deadline();
      timer_node = id;
    }
  }
  if (events_.empty() && timer_node == NodeId()) {
    now_ += std::chrono::milliseconds(10);  // nobody is up
    return;
  }
  if (events_.empty() || timer_at <= events_.top().at) {
    now_ = std::max(now_, timer_at);
    raft(timer_node).Tick(now_);
    Handle(timer_node);
    return;
  }
  Event event = events_.top();
  events_.pop();
  now_ = std::max(now_, event.at);
  Node& node = At(event.node);
  if (node.raft == nullptr) return;
  if (event.message) {
    node.raft->Step(std::move(*event.message), now_);
  } else {
    if (event.incarnation != node.incarnation) return;
    if (now_ < node.disk_stalled_until) {
      event.at = node.disk_stalled_until;
      return Schedule(std::move(event));
    }
    node.raft->OnPersisted(node.disk.CompleteOne(), now_);
  }
  Handle(event.node);
}

void Cluster::RunFor(Duration duration) {
  const Instant end = now_ + duration;
  while (now_ < end && !failure()) Step();
}

// The host's routine: the fields of Output from top to bottom.
void Cluster::Handle(NodeId id) {
  Node& node = At(id);
  Output output = node.raft->TakeOutput();
  invariants_.Observe(id, *node.raft, output, node.disk);
  if (node.raft->role() == Role::kLeader) leaders_.insert(node.raft->term());
  if (output.persist) {
    node.disk.Submit(std::move(*output.persist));
    const Duration width = options_.disk.write_max - options_.disk.write_min;
    const auto spread = static_cast<uint64_t>(width.count());
    const Duration takes =
        options_.disk.write_min + Duration(static_cast<int64_t>(random_.Between(0, spread)));
    // Group commit: later writes are durable no earlier than earlier ones.
    node.disk_free_at = std::max(node.disk_free_at, now_ + takes);
    Schedule({.at = node.disk_free_at,
              .order = 0,
              .node = id,
              .incarnation = node.incarnation,
              .message = std::nullopt});
  }
  for (Message& message : output.messages) SendMessage(std::move(message));
  if (output.restore) Restore(id, *output.restore);
  for (const Entry& entry : output.committed) Apply(id, entry);
  for (const ReadReady& ready : output.reads) FinishRead(id, ready);
  for (uint64_t read : output.reads_failed) node.reads.erase(read);
  for (const Evidence& evidence : output.evidence) evidence_.push_back(evidence);
  if (!output.committed.empty()) MaybeCompact(id);
  if (!output.received) return;
  node.raft->OnSnapshotRead(output.received->data, /*readable=*/true, now_);
  Handle(id);
}

void Cluster::SendMessage(Message message) {
  ++messages_sent_;
  if (blocked_.contains({message.from, message.to}) ||
      random_.Chance(options_.network.loss_percent)) {
    return;
  }
  const int copies = random_.Chance(options_.network.duplicate_percent) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const Duration width = options_.network.delay_max - options_.network.delay_min;
    const Duration delay =
        options_.network.delay_min +
        Duration(static_cast<int64_t>(random_.Between(0, static_cast<uint64_t>(width.count()))));
    Message sent = message;
    if (auto* append = std::get_if<AppendEntries>(&sent.body);
        append != nullptr && !append->entries.empty() && random_.Chance(corrupt_percent_)) {
      Entry& entry = append->entries[random_.Below(append->entries.size())];
      entry.payload = std::make_shared<const std::string>(*entry.payload + "!");
    }
    Schedule({.at = now_ + delay,
              .order = 0,
              .node = message.to,
              .incarnation = 0,
              .message = std::move(sent)});
  }
}

void Cluster::Apply(NodeId id, const Entry& entry) {
  Node& node = At(id);
  if (entry.index != node.applied.Next()) return Fail("applied out of order");
  node.applied = entry.index;
  node.state = Chain(node.state, Term(), entry.index, entry.type, entry.bytes());
  if (node.diverges) {
    node.state.low ^= 1;
  } else if (states_.try_emplace(entry.index, node.state).first->second != node.state) {
    Fail("state machines differ at " + std::to_string(entry.index.value()));
  }
  ReportState(id);
}

void Cluster::ReportState(NodeId id) {
  const uint64_t interval = options_.raft.digest_interval;
  const Node& node = At(id);
  if (interval == 0 || node.applied.value() % interval != 0) return;
  node.raft->OnStateDigest(node.applied, node.state, now_);
}

void Cluster::Restore(NodeId id, const Snapshot& snapshot) {
  Node& node = At(id);
  ByteReader reader(*snapshot.data);
  node.applied = Index(reader.Get<uint64_t>());
  node.state.high = reader.Get<uint64_t>();
  node.state.low = reader.Get<uint64_t>();
  if (node.applied != snapshot.meta.index || node.state != states_[node.applied]) {
    Fail("a snapshot does not contain the state at its index");
  }
  if (node.applied > Index()) ReportState(id);
  if (node.disk.snapshot_index() < snapshot.meta.index) Fail("restored before it was durable");
  ++snapshots_installed_;
}

void Cluster::MaybeCompact(NodeId id) {
  Node& node = At(id);
  if (options_.compact_bytes == 0 || node.raft->log_bytes() <= options_.compact_bytes) return;
  const RaftStatus status = node.raft->status();
  if (status.snapshot.index >= node.applied) return;
  std::string data;
  ByteWriter writer(&data);
  writer.Put(node.applied.value());
  writer.Put(node.state.high);
  writer.Put(node.state.low);
  data.append(options_.snapshot_padding_bytes, 'p');
  const Snapshot snapshot{.meta = *node.raft->EntryMeta(node.applied),
                          .configuration = node.raft->ConfigurationAt(node.applied),
                          .data = std::make_shared<const std::string>(std::move(data))};
  node.disk.StoreSnapshot(snapshot);
  node.raft->Compact(snapshot);
  Handle(id);
}

void Cluster::FinishRead(NodeId id, const ReadReady& ready) {
  Node& node = At(id);
  const auto read = node.reads.find(ready.id);
  if (read == node.reads.end()) return Fail("a read that nobody asked for was confirmed");
  if (ready.index < read->second) Fail("a read was served from the past");
  if (ready.index > node.raft->commit()) Fail("a read from the future");
  node.reads.erase(read);
  ++reads_confirmed_;
}

bool Cluster::Propose(NodeId id, std::string payload) {
  if (!up(id)) return false;
  Index index;
  Term term;
  const ProposeResult result = raft(id).Propose(
      std::make_shared<const std::string>(std::move(payload)), now_, &index, &term);
  Handle(id);
  return result == ProposeResult::kAccepted;
}

bool Cluster::Read(NodeId id) {
  if (!up(id)) return false;
  const uint64_t read = next_read_++;
  At(id).reads[read] = committed();
  const bool accepted = raft(id).ReadIndex(read, now_);
  if (!accepted) At(id).reads.erase(read);
  Handle(id);
  return accepted;
}

bool Cluster::Transfer(NodeId from, NodeId target) {
  if (!up(from)) return false;
  const bool accepted = raft(from).TransferLeadership(target, now_);
  Handle(from);
  return accepted;
}

ProposeResult Cluster::ChangeMembers(NodeId id, std::vector<NodeId> voters,
                                     std::vector<NodeId> learners) {
  if (!up(id)) return ProposeResult::kNotLeader;
  Index index;
  Term term;
  const ProposeResult result =
      raft(id).ProposeConfiguration(std::move(voters), std::move(learners), now_, &index, &term);
  Handle(id);
  return result;
}

NodeId Cluster::Join() {
  const NodeId id(nodes_.size() + 1);
  nodes_.push_back(id);
  replicas_.emplace_back().founder = false;
  Restart(id);
  return id;
}

void Cluster::Retire(NodeId id) {
  Crash(id);
  At(id).retired = true;
}

void Cluster::Crash(NodeId id) {
  Node& node = At(id);
  if (node.raft == nullptr) return;
  node.raft.reset();
  node.reads.clear();
  node.disk.Crash(random_.Between(0, node.disk.pending()));
  invariants_.Forget(id);
  for (NodeId other : nodes_) {
    if (!up(other)) continue;
    raft(other).PeerLost(id, now_);
    Handle(other);
  }
}

void Cluster::Restart(NodeId id) {
  Node& node = At(id);
  if (node.raft != nullptr || node.retired) return;
  ++node.incarnation;
  node.disk_free_at = now_;
  node.disk_stalled_until = now_;
  node.applied = Index();
  node.state = Digest();
  Options raft = options_.raft;
  raft.id = id;
  raft.seed = random_.Next();
  if (!node.founder) raft.configuration = Configuration{};
  if (options_.random_priorities) raft.priority = id.value() % (kPriorityMax + 1);
  node.raft = std::make_unique<Raft>(raft, node.disk.Restore(), now_);
  node.raft->SetClockTrusted(true, now_);
  Handle(id);
}

void Cluster::Partition(const std::set<NodeId>& side) {
  blocked_.clear();
  for (NodeId from : nodes_) {
    for (NodeId to : nodes_) {
      if (side.contains(from) != side.contains(to)) Block(from, to);
    }
  }
}

void Cluster::StallDisk(NodeId id, Instant until) { At(id).disk_stalled_until = until; }

std::optional<NodeId> Cluster::Leader() const {
  std::optional<NodeId> leader;
  for (NodeId id : nodes_) {
    if (!up(id) || At(id).raft->role() != Role::kLeader) continue;
    if (!leader || At(id).raft->term() > At(*leader).raft->term()) leader = id;
  }
  return leader;
}

bool Cluster::AllAppliedEqually() const {
  const std::optional<NodeId> leader = Leader();
  const std::vector<NodeId> members = leader ? At(*leader).raft->configuration().Members() : nodes_;
  return std::all_of(members.begin(), members.end(),
                     [&](NodeId id) { return up(id) && At(id).applied == committed(); });
}

void Cluster::Fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

std::optional<std::string> Cluster::failure() const {
  return invariants_.violation() ? invariants_.violation() : failure_;
}

std::string Cluster::Describe() const {
  std::ostringstream out;
  out << "at " << std::chrono::duration_cast<std::chrono::milliseconds>(now_).count() << " ms\n";
  for (NodeId id : nodes_) {
    out << "node " << id << ": ";
    if (!up(id)) {
      out << "down\n";
      continue;
    }
    const RaftStatus status = At(id).raft->status();
    out << "role " << static_cast<int>(status.role) << " term " << status.term << " leader "
        << status.leader << " first " << status.first << " last " << status.last << " durable "
        << status.durable << " commit " << status.commit << " applied " << At(id).applied
        << (status.quiesced ? " quiesced" : "") << " " << consensus::Describe(status.configuration)
        << "\n";
    for (const PeerProgress& peer : status.peers) {
      out << "  peer " << peer.id << ": match " << peer.match << " next " << peer.next
          << (peer.probing ? " probing" : "") << (peer.snapshotting ? " snapshotting" : "")
          << (peer.active ? "" : " silent") << " in flight " << peer.inflight_bytes << "\n";
    }
  }
  return out.str();
}

}  // namespace quorumbook::consensus
