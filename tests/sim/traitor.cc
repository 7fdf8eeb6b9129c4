#include "tests/sim/traitor.h"

#include <memory>
#include <string>
#include <variant>

#include "exchange/command.h"
#include "server/replica/member.h"

namespace quorumbook::sim {

using consensus::AppendEntries;
using consensus::AppendEntriesResponse;
using consensus::InstallSnapshot;
using consensus::Message;
using consensus::RequestVote;
using consensus::RequestVoteResponse;

Traitor::Traitor(Byzantine kind, NodeId member, uint64_t seed)
    : kind_(kind), member_(member), random_(seed, "traitor"), entries_only_(random_.OneIn(2)) {}

std::vector<Message> Traitor::Lie(const std::vector<Message>& messages) {
  std::vector<Message> lies;
  for (const Message& message : messages) {
    switch (kind_) {
      case Byzantine::kEquivocatingLeader:
        if (!entries_only_) Equivocate(message, &lies);
        break;
      case Byzantine::kFalseLeader:
        if (random_.OneIn(10)) ClaimToLead(message, &lies);
        break;
      case Byzantine::kDoubleVoter:
        VoteTwice(message, &lies);
        break;
      case Byzantine::kForgedIdentity:
        if (random_.OneIn(20)) Forge(message, &lies);
        break;
      case Byzantine::kCorruptingSender:
        if (random_.OneIn(10)) {
          Message lie = message;
          if (FlipPayloadBit(&lie, &random_)) lies.push_back(std::move(lie));
        }
        break;
      default:
        break;
    }
  }
  return lies;
}

// Another history of what is committed.
void Traitor::Equivocate(const Message& message, std::vector<Message>* lies) {
  const auto* append = std::get_if<AppendEntries>(&message.body);
  if (append == nullptr || append->prev_index == consensus::Index() ||
      append->commit < append->prev_index || !random_.OneIn(5)) {
    return;
  }
  Message lie = message;
  auto& other = std::get<AppendEntries>(lie.body);
  other.entries.clear();
  if (random_.OneIn(2)) {
    other.prev_chain.low ^= 1 + random_.Below(255);
  } else {
    // An entry of another term where one is committed.
    other.prev_term = other.prev_term == message.term ? consensus::Term() : message.term;
  }
  lies->push_back(std::move(lie));
}

std::optional<Message> Traitor::OtherStory(const Message& message) {
  const auto* append = std::get_if<AppendEntries>(&message.body);
  if (append == nullptr || append->entries.empty()) return std::nullopt;
  const consensus::Entry& last = append->entries.back();
  if (last.term != message.term || last.type != consensus::EntryType::kCommand) return std::nullopt;
  Message lie = message;
  auto& other = std::get<AppendEntries>(lie.body);
  consensus::Entry& entry = other.entries.back();
  const size_t size = other.entries.size();
  const Digest before = size > 1 ? other.entries[size - 2].chain : other.prev_chain;
  entry.type = consensus::EntryType::kNoOp;
  entry.payload = std::make_shared<const std::string>();
  entry.chain = consensus::Chain(before, entry.term, entry.index, entry.type, entry.bytes());
  return lie;
}

// To the leader itself: who else hears it first would follow it, and nobody could tell.
void Traitor::ClaimToLead(const Message& message, std::vector<Message>* lies) {
  if (!std::holds_alternative<AppendEntriesResponse>(message.body)) return;
  Message lie = message;
  lie.body = AppendEntries{};
  lies->push_back(std::move(lie));
}

// It has voted for itself, and tells everybody else that they have its vote too.
void Traitor::VoteTwice(const Message& message, std::vector<Message>* lies) {
  const auto* request = std::get_if<RequestVote>(&message.body);
  if (request == nullptr || request->pre_vote) return;
  Message lie = message;
  lie.body = RequestVoteResponse{.pre_vote = false, .granted = true};
  lies->push_back(std::move(lie));
}

// In the name of the node that comes next.
void Traitor::Forge(const Message& message, std::vector<Message>* lies) {
  Message lie = message;
  lie.from = server::MakeMember(NodeId(server::NodeOf(member_).value() % 3 + 1),
                                server::IncarnationOf(message.to));
  lies->push_back(std::move(lie));
}

bool FlipPayloadBit(Message* message, Random* random) {
  if (auto* append = std::get_if<AppendEntries>(&message->body)) {
    if (append->entries.empty()) return false;
    consensus::Entry& entry = random->Pick(append->entries);
    if (entry.payload->empty()) return false;
    auto payload = std::make_shared<std::string>(*entry.payload);
    (*payload)[random->Below(payload->size())] ^= static_cast<char>(1 << random->Below(8));
    entry.payload = std::move(payload);
    return true;
  }
  auto* chunk = std::get_if<InstallSnapshot>(&message->body);
  if (chunk == nullptr || chunk->data.empty()) return false;
  chunk->data[random->Below(chunk->data.size())] ^= static_cast<char>(1 << random->Below(8));
  return true;
}

}  // namespace quorumbook::sim
