// The roles of a replica. What only a leader knows exists only in a Leader, and so on: a change of
// role drops it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "consensus/lease.h"
#include "consensus/progress.h"
#include "consensus/quorum.h"
#include "consensus/read_index.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

struct Follower {
  NodeId leader;                // none: not known
  Index matched{};              // the log equals the leader's up to here
  Index acknowledged{};         // the leader was told so, and that it is durable
  uint64_t round_seen = 0;      // highest round of leadership confirmation received
  uint64_t round_answered = 0;  // ... and answered
  // A snapshot whose installation the leader is to be told of when it is durable.
  struct InstallReply {
    SnapshotMeta meta;
    uint64_t total_bytes = 0;
  };
  std::optional<InstallReply> install_reply{};
  bool quiesced = false;  // the leader is silent on purpose: the election timer stands still
};

// Asks whether an election could be won, without disturbing anyone's term (9.6).
struct PreCandidate {
  VoteTally votes;
};

struct Candidate {
  VoteTally votes;
};

struct Leader {
  // The handing over of leadership that is under way (3.10).
  struct Handover {
    NodeId target;
    Instant deadline{};
  };

  std::vector<Progress> peers;
  ReadQueue reads;
  Lease lease;
  Index term_start;           // the no-op: entries from here on are of the own term
  uint64_t round = 0;         // of leadership confirmation, counts up with each question
  Instant heartbeat_at{};     // when the next heartbeats are due
  Index quorum_durable;       // durable on a majority, whatever the term
  Instant progress_at{};      // when the quorum last got further, or came closer to it
  Instant further_at{};       // when it last got further (or had nothing to do)
  Instant disk_checked_at{};  // when the own disk was last given another chance
  std::optional<Handover> handover;
  bool offered = false;     // TimeoutNow was sent: the target may campaign at any time
  Instant preference_at{};  // when to look next for a follower of a higher priority
  Instant busy_at{};        // when something was last asked of this leader
  bool quiesced = false;    // silent until something happens
  Instant chunk_at{};       // when the rate allows the next chunk of a snapshot

  void GotFurther(Instant now) { progress_at = further_at = now; }

  // Null: not one of the peers.
  Progress* Find(NodeId id) { return FindIn(peers, id); }
  const Progress* Find(NodeId id) const { return FindIn(peers, id); }

 private:
  template <typename Peers>
  static auto FindIn(Peers& peers, NodeId id) -> decltype(peers.data()) {
    const auto found = std::find_if(peers.begin(), peers.end(),
                                    [id](const Progress& peer) { return peer.id == id; });
    return found == peers.end() ? nullptr : &*found;
  }
};

}  // namespace quorumbook::consensus
