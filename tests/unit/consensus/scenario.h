// A small language for interactions of a group, in the manner of etcd's rafttest: commands in,
// a transcript of everything that happens out. Nothing happens by itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "consensus/raft.h"
#include "tests/unit/consensus/sim_disk.h"

namespace quorumbook::consensus {

// Commands (N, M: nodes):
//   group 3 [append=BYTES] [chunk=BYTES] [keep=BYTES] [inflight=MESSAGES]   starts all over
//   elect N             timeout and settle, without the transcript
//   timeout N           time goes on to N's next deadline; only N notices
//   pass MS             time goes on; nobody notices
//   tick N              N looks at the clock
//   sync N [1]          N's writes become durable (or the oldest)
//   deliver [N]         what is on the network now (or of it for N) arrives
//   drop [N]            ... is lost
//   stall N,  resume N  its writes take until they are synced by name
//   settle              sync, unless stalled, and deliver until nothing is left
//   propose N TEXT,  read N ID,  transfer N M (0: any),  compact N
//   members N A B ... [learners C ...]    N proposes these voters and learners
//   join N              a node that belongs to nothing starts
//   cut N,  heal        N neither sends nor receives
//   crash N,  restart N
//   status              of all
class Scenario {
 public:
  // Runs one line, returns what happened, each line ended; an unknown command is said so.
  std::string Run(const std::string& line);

 private:
  struct Node {
    std::unique_ptr<Raft> raft;
    SimDisk disk;
    Index applied;
    bool joins = false;
  };

  void Group(std::istringstream& words);
  void Handle(NodeId id);
  void Arrive(std::optional<NodeId> only, bool lost);
  void Sync(NodeId id, bool one);
  void Settle();
  void Elect(NodeId id);
  void Propose(NodeId id, const std::string& text);
  void Compact(NodeId id);
  void Members(NodeId id, std::istringstream& words);
  void Refused(ProposeResult result);
  void Start(NodeId id);
  void Status();
  bool RunOnNode(const std::string& command, NodeId id, std::istringstream& words);

  Options options_;
  Instant now_{};
  std::map<NodeId, Node> nodes_;
  std::vector<Message> network_;
  std::set<NodeId> cut_;
  std::set<NodeId> stalled_;
  std::ostringstream out_;
};

}  // namespace quorumbook::consensus
