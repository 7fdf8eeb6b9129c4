#include "tests/unit/consensus/describe.h"

#include <array>
#include <sstream>

namespace quorumbook::consensus {
namespace {

std::string Describe(const std::vector<Entry>& entries) {
  std::ostringstream out;
  for (const Entry& entry : entries) out << " " << Describe(entry);
  return out.str();
}

struct BodyWriter {
  std::ostringstream& out;

  void operator()(const RequestVote& body) const {
    out << (body.pre_vote ? "RequestPreVote" : "RequestVote") << " log " << body.last_log_term
        << "/" << body.last_log_index << (body.leadership_transfer ? " sent by the leader" : "");
  }
  void operator()(const RequestVoteResponse& body) const {
    out << (body.pre_vote ? "PreVote " : "Vote ") << (body.granted ? "granted" : "refused");
  }
  void operator()(const AppendEntries& body) const {
    out << "Append after " << body.prev_term << "/" << body.prev_index << " commit " << body.commit
        << " round " << body.round << (body.entries.empty() ? "" : ":") << Describe(body.entries);
  }
  void operator()(const AppendEntriesResponse& body) const {
    if (body.accepted) {
      out << "Append accepted, durable to " << body.index;
    } else {
      out << "Append refused after " << body.index << ", hint " << body.hint_term << "/"
          << body.hint_index;
    }
    out << " round " << body.round;
  }
  void operator()(const InstallSnapshot& body) const {
    out << "Snapshot " << body.meta.term << "/" << body.meta.index << " bytes " << body.offset
        << ".." << body.offset + body.data.size() << " of " << body.total_bytes << " round "
        << body.round;
  }
  void operator()(const InstallSnapshotResponse& body) const {
    out << "Snapshot " << body.meta.term << "/" << body.meta.index
        << (body.installed ? " installed" : " has ")
        << (body.installed ? "" : std::to_string(body.next_offset)) << " round " << body.round;
  }
  void operator()(const TimeoutNow&) const { out << "TimeoutNow"; }
  void operator()(const StateDigest& body) const {
    out << "State at " << body.index << " is " << body.digest;
  }
};

}  // namespace

std::string Describe(const Configuration& members) {
  std::ostringstream out;
  const auto list = [&out](const char* name, const std::vector<NodeId>& ids) {
    if (ids.empty()) return;
    out << name;
    for (NodeId id : ids) out << " " << id;
  };
  list("members", members.voters);
  list(" instead of", members.voters_outgoing);
  list(" learners", members.learners);
  return out.str();
}

std::string Describe(const Entry& entry) {
  std::ostringstream out;
  out << entry.term << "/" << entry.index << " ";
  if (entry.type == EntryType::kNoOp) {
    out << "no-op";
  } else if (entry.type == EntryType::kConfiguration) {
    out << Describe(DecodeConfiguration(entry.bytes()).value_or(Configuration{}));
  } else {
    out << "'" << *entry.payload << "'";
  }
  return out.str();
}

std::string Describe(const Message& message) {
  std::ostringstream out;
  out << message.from << " -> " << message.to << " term " << message.term << ": ";
  std::visit(BodyWriter{out}, message.body);
  return out.str();
}

std::string Describe(const Persist& write) {
  std::ostringstream out;
  out << "write " << write.sequence << ":";
  if (write.hard_state) {
    out << " term " << write.hard_state->term << " vote " << write.hard_state->vote << " commit "
        << write.hard_state->commit;
  }
  if (write.snapshot)
    out << " snapshot " << write.snapshot->meta.term << "/" << write.snapshot->meta.index;
  if (write.truncate_from) out << " truncate from " << *write.truncate_from;
  out << Describe(write.entries);
  if (write.compact_through) out << " compact through " << *write.compact_through;
  return out.str();
}

std::string Describe(const Evidence& evidence) {
  constexpr std::array<const char*, 8> kNames = {
      "two leaders in a term", "double vote",      "corrupt entry",  "diverged log",
      "commit regressed",      "corrupt snapshot", "diverged state", "forged sender"};
  std::ostringstream out;
  out << "evidence: " << kNames[static_cast<size_t>(evidence.kind)] << " by " << evidence.culprit
      << " in term " << evidence.term << " at " << evidence.index;
  return out.str();
}

std::string Describe(const RaftStatus& status) {
  constexpr std::array<const char*, 4> kRoles = {"follower", "pre-candidate", "candidate",
                                                 "leader"};
  std::ostringstream out;
  out << kRoles[static_cast<size_t>(status.role)] << " term " << status.term << " leader "
      << status.leader << " log " << status.first << ".." << status.last << " durable "
      << status.durable << " commit " << status.commit;
  for (const PeerProgress& peer : status.peers) {
    out << "\n    " << peer.id << ": match " << peer.match << " next " << peer.next
        << (peer.snapshotting ? " snapshot"
            : peer.probing    ? " probe"
                              : " replicate")
        << (peer.learner ? " learner" : "") << (peer.leaving ? " leaving" : "");
  }
  return out.str();
}

}  // namespace quorumbook::consensus
