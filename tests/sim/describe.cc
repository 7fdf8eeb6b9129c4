#include "tests/sim/describe.h"

#include <absl/strings/str_cat.h>

#include <variant>

#include "server/replica/member.h"

namespace quorumbook::sim {
namespace {

using consensus::AppendEntries;
using consensus::AppendEntriesResponse;
using consensus::InstallSnapshot;
using consensus::InstallSnapshotResponse;
using consensus::RequestVote;
using consensus::RequestVoteResponse;
using consensus::StateDigest;
using consensus::TimeoutNow;

struct InWords {
  std::string operator()(const RequestVote& request) const {
    return absl::StrCat(request.pre_vote ? "pre-vote?" : "vote?",
                        request.leadership_transfer ? " (transfer)" : "");
  }
  std::string operator()(const RequestVoteResponse& response) const {
    return absl::StrCat(response.pre_vote ? "pre-vote " : "vote ",
                        response.granted ? "granted" : "refused");
  }
  std::string operator()(const AppendEntries& append) const {
    if (append.entries.empty()) {
      return absl::StrCat(append.quiesce ? "quiesce at " : "heartbeat at ",
                          append.prev_index.value(), ", commit ", append.commit.value());
    }
    return absl::StrCat("append ", append.prev_index.value(), "+", append.entries.size());
  }
  std::string operator()(const AppendEntriesResponse& response) const {
    return absl::StrCat(response.accepted ? "has " : "refuses ", response.index.value());
  }
  std::string operator()(const InstallSnapshot& chunk) const {
    return absl::StrCat("snapshot ", chunk.meta.index.value(), " from byte ", chunk.offset);
  }
  std::string operator()(const InstallSnapshotResponse& response) const {
    return response.installed
               ? "snapshot installed"
               : absl::StrCat("snapshot from byte ", response.next_offset, " please");
  }
  std::string operator()(const TimeoutNow&) const { return "campaign now"; }
  std::string operator()(const StateDigest& digest) const {
    return absl::StrCat("state at ", digest.index.value());
  }
};

}  // namespace

std::string Describe(const std::vector<consensus::Message>& messages) {
  std::string text;
  for (const consensus::Message& message : messages) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", std::visit(InWords(), message.body), " to ",
                    server::NodeOf(message.to).value());
  }
  return text;
}

std::string Describe(const consensus::Configuration& configuration) {
  std::string text;
  const auto list = [&text](const char* title, const std::vector<NodeId>& members) {
    if (members.empty()) return;
    absl::StrAppend(&text, title);
    for (const NodeId member : members) {
      absl::StrAppend(&text, " ", server::NodeOf(member).value());
    }
  };
  list("", configuration.voters);
  list(", instead of", configuration.voters_outgoing);
  list(", learning", configuration.learners);
  return text;
}

}  // namespace quorumbook::sim
