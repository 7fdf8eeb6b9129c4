#include "tests/unit/consensus/scenario.h"

#include <array>
#include <utility>

#include "tests/unit/consensus/describe.h"

namespace quorumbook::consensus {

std::string Scenario::Run(const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  out_.str("");
  uint64_t number = 0;
  if (command == "group") {
    Group(words);
  } else if (command == "deliver" || command == "drop") {
    const bool only = static_cast<bool>(words >> number);
    Arrive(only ? std::optional(NodeId(number)) : std::nullopt, command == "drop");
  } else if (command == "settle") {
    Settle();
  } else if (command == "status") {
    Status();
  } else if (command == "heal") {
    cut_.clear();
  } else if (command == "pass" && words >> number) {
    now_ += std::chrono::milliseconds(number);
  } else if (command == "join" && words >> number) {
    nodes_[NodeId(number)].joins = true;
    Start(NodeId(number));
  } else if (!(words >> number) || !nodes_.contains(NodeId(number)) ||
             !RunOnNode(command, NodeId(number), words)) {
    out_ << "not understood\n";
  }
  return out_.str().empty() ? "nothing\n" : out_.str();
}

bool Scenario::RunOnNode(const std::string& command, NodeId id, std::istringstream& words) {
  Node& node = nodes_[id];
  if (command == "restart") {
    Start(id);
    return true;
  }
  if (command == "crash") {
    node.raft.reset();
    node.disk.Crash(/*also_done=*/0);
    return true;
  }
  if (command == "cut") {
    cut_.insert(id);
    return true;
  }
  if (command == "stall") {
    stalled_.insert(id);
    return true;
  }
  if (command == "resume") {
    stalled_.erase(id);
    return true;
  }
  if (node.raft == nullptr) return false;
  if (command == "elect") {
    Elect(id);
    return true;
  }
  if (command == "timeout" || command == "tick") {
    if (command == "timeout") now_ = std::max(now_, node.raft->deadline());
    node.raft->Tick(now_);
  } else if (command == "sync") {
    std::string one;
    words >> one;
    Sync(id, !one.empty());
  } else if (command == "propose") {
    std::string text;
    words >> text;
    Propose(id, text);
  } else if (command == "members") {
    Members(id, words);
  } else if (command == "compact") {
    Compact(id);
  } else if (uint64_t number = 0; command == "read" && words >> number) {
    if (!node.raft->ReadIndex(number, now_)) out_ << id << " is not the leader\n";
  } else if (command == "transfer" && words >> number) {
    if (!node.raft->TransferLeadership(NodeId(number), now_)) out_ << id << " can not\n";
  } else {
    return false;
  }
  Handle(id);
  return true;
}

void Scenario::Group(std::istringstream& words) {
  nodes_.clear();
  network_.clear();
  cut_.clear();
  stalled_.clear();
  now_ = Instant{};
  options_ = Options{};
  options_.keep_log_bytes = 0;
  uint64_t size = 0;
  words >> size;
  for (uint64_t id = 1; id <= size; ++id) options_.configuration.voters.push_back(NodeId(id));
  for (std::string option; words >> option;) {
    const size_t equals = option.find('=');
    const uint64_t value = std::stoull(option.substr(equals + 1));
    const std::string name = option.substr(0, equals);
    if (name == "append") options_.max_append_bytes = value;
    if (name == "chunk") options_.snapshot_chunk_bytes = value;
    if (name == "keep") options_.keep_log_bytes = value;
    if (name == "inflight") options_.max_inflight_messages = value;
  }
  for (NodeId id : options_.configuration.voters) Start(id);
}

void Scenario::Start(NodeId id) {
  Options options = options_;
  options.id = id;
  options.seed = id.value();
  Node& node = nodes_[id];
  if (node.joins) options.configuration = Configuration{};
  node.applied = Index();
  node.raft = std::make_unique<Raft>(options, node.disk.Restore(), now_);
  Handle(id);
}

void Scenario::Handle(NodeId id) {
  Node& node = nodes_[id];
  Output output = node.raft->TakeOutput();
  if (output.persist) {
    out_ << id << " " << Describe(*output.persist) << "\n";
    node.disk.Submit(std::move(*output.persist));
  }
  for (Message& message : output.messages) {
    out_ << Describe(message) << (cut_.contains(id) ? " (cut)" : "") << "\n";
    if (!cut_.contains(id)) network_.push_back(std::move(message));
  }
  if (output.restore) {
    node.applied = output.restore->meta.index;
    out_ << id << " restores the state at " << node.applied << "\n";
  }
  for (const Entry& entry : output.committed) {
    node.applied = entry.index;
    out_ << id << " applies " << Describe(entry) << "\n";
  }
  for (const ReadReady& read : output.reads) {
    out_ << id << " may serve read " << read.id << " at " << read.index << "\n";
  }
  for (uint64_t read : output.reads_failed) out_ << id << " can not serve read " << read << "\n";
  for (const Evidence& evidence : output.evidence) out_ << id << " " << Describe(evidence) << "\n";
  if (!output.received) return;
  node.raft->OnSnapshotRead(output.received->data, /*readable=*/true, now_);
  Handle(id);
}

void Scenario::Arrive(std::optional<NodeId> only, bool lost) {
  std::vector<Message> arriving;
  std::vector<Message> staying;
  for (Message& message : network_) {
    (!only || message.to == *only ? arriving : staying).push_back(std::move(message));
  }
  network_ = std::move(staying);
  for (Message& message : arriving) {
    Node& node = nodes_[message.to];
    const NodeId to = message.to;
    if (lost || node.raft == nullptr || cut_.contains(to)) {
      out_ << "lost: " << Describe(message) << "\n";
      continue;
    }
    node.raft->Step(std::move(message), now_);
    Handle(to);
  }
}

void Scenario::Sync(NodeId id, bool one) {
  Node& node = nodes_[id];
  while (!node.disk.idle()) {
    const uint64_t sequence = node.disk.CompleteOne();
    out_ << id << " write " << sequence << " is durable\n";
    node.raft->OnPersisted(sequence, now_);
    Handle(id);
    if (one) return;
  }
}

void Scenario::Settle() {
  for (bool busy = true; busy;) {
    busy = !network_.empty();
    Arrive(std::nullopt, /*lost=*/false);
    for (auto& [id, node] : nodes_) {
      if (node.raft == nullptr || node.disk.idle() || stalled_.contains(id)) continue;
      busy = true;
      Sync(id, /*one=*/false);
    }
  }
}

void Scenario::Elect(NodeId id) {
  now_ = std::max(now_, nodes_[id].raft->deadline());
  nodes_[id].raft->Tick(now_);
  Handle(id);
  Settle();
  out_.str("");
  out_ << id << ": " << Describe(nodes_[id].raft->status()) << "\n";
}

void Scenario::Propose(NodeId id, const std::string& text) {
  Index index;
  Term term;
  const ProposeResult result =
      nodes_[id].raft->Propose(std::make_shared<const std::string>(text), now_, &index, &term);
  if (result != ProposeResult::kAccepted) return Refused(result);
  out_ << "accepted as " << term << "/" << index << "\n";
}

void Scenario::Members(NodeId id, std::istringstream& words) {
  std::vector<NodeId> voters;
  std::vector<NodeId> learners;
  std::vector<NodeId>* list = &voters;
  for (std::string word; words >> word;) {
    if (word == "learners") {
      list = &learners;
    } else {
      list->push_back(NodeId(std::stoull(word)));
    }
  }
  Index index;
  Term term;
  const ProposeResult result =
      nodes_[id].raft->ProposeConfiguration(voters, learners, now_, &index, &term);
  if (result != ProposeResult::kAccepted) return Refused(result);
  out_ << "accepted as " << term << "/" << index << "\n";
}

void Scenario::Refused(ProposeResult result) {
  constexpr std::array<const char*, 8> kReasons = {"",
                                                   "not the leader",
                                                   "busy",
                                                   "handing over",
                                                   "nothing of this term is committed yet",
                                                   "the last change is under way",
                                                   "not a valid change",
                                                   "a removed member"};
  out_ << "refused: " << kReasons[static_cast<size_t>(result)] << "\n";
}

void Scenario::Compact(NodeId id) {
  Node& node = nodes_[id];
  const Snapshot snapshot{.meta = *node.raft->EntryMeta(node.applied),
                          .configuration = node.raft->ConfigurationAt(node.applied),
                          .data = std::make_shared<const std::string>(
                              "state at " + std::to_string(node.applied.value()))};
  node.disk.StoreSnapshot(snapshot);
  node.raft->Compact(snapshot);
}

void Scenario::Status() {
  for (const auto& [id, node] : nodes_) {
    out_ << id << ": " << (node.raft ? Describe(node.raft->status()) : "down") << "\n";
  }
}

}  // namespace quorumbook::consensus
