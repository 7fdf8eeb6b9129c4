// What the replicas of one group say to each other. Sender and receiver are identities that the
// host has verified (the peer stream's handshake), not claims of the body.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "consensus/types.h"

namespace quorumbook::consensus {

// Asks for a vote (thesis 3.4), or with `pre_vote` whether one would be given (thesis 9.6). In a
// pre-vote Message::term is the term the candidate would campaign in, its own stays one lower.
struct RequestVote {
  Index last_log_index;
  Term last_log_term;
  bool pre_vote = false;
  // Set when the old leader asked for this election (thesis 3.10): stickiness does not apply.
  bool leadership_transfer = false;
};

struct RequestVoteResponse {
  bool pre_vote = false;
  bool granted = false;
};

// Replicates entries (thesis 3.5); without entries it is a heartbeat. `prev_*` describe the entry
// right before the first one sent.
struct AppendEntries {
  Index prev_index;
  Term prev_term;
  Digest prev_chain;
  Index commit;
  // Leader's round of leadership confirmation, echoed in the response (thesis 6.4, ReadIndex).
  uint64_t round = 0;
  // Nothing more will come until something happens: a follower that has everything stops its
  // election timer, and does not answer.
  bool quiesce = false;
  std::vector<Entry> entries{};
};

struct AppendEntriesResponse {
  bool accepted = false;
  // Accepted: everything up to here equals the leader's log and is durable on the follower.
  // Refused: echo of prev_index, so that a late refusal can be told from a current one.
  Index index{};
  // Refused: where the leader should look next. The follower's last entry at or before prev_index
  // whose term is at most prev_term (one round trip a term: thesis 3.5, etcd "find conflict by
  // term").
  Index hint_index{};
  Term hint_term{};
  uint64_t round = 0;
  // Whether the promise behind a lease can be relied on: not to help another leader for
  // election_timeout_min by a clock that is right (6.4.1).
  bool clock_trusted = true;
  uint32_t priority = 0;  // Options::priority of the sender
  // Accepted: of the entry at `index`, so that the leader sees what it is that was acknowledged;
  // zero where the follower has compacted it away.
  Digest chain{};
  // Refused because the entries that came are not sound: sending them again need not help.
  bool corrupt = false;
};

// A piece of a snapshot (thesis 5, figure 5.3). The follower answers each with what it has. Meta,
// total_bytes and data_digest together say which snapshot it is, whoever sends it.
struct InstallSnapshot {
  SnapshotMeta meta;
  Configuration configuration{};
  Digest data_digest{};  // Digest128 of all the data
  uint64_t total_bytes = 0;
  uint64_t offset = 0;
  uint64_t checksum = 0;  // Checksum64 of data
  std::string data;
  uint64_t round = 0;
};

struct InstallSnapshotResponse {
  SnapshotMeta meta;
  // How much of it has arrived in order: the offset wanted next, which makes the transfer
  // resumable. When it is total_bytes the snapshot is durable and installed (or was not needed).
  uint64_t next_offset = 0;
  bool installed = false;
  uint64_t round = 0;
};

// "Campaign now" (thesis 3.10).
struct TimeoutNow {};

// What the sender's state machine looks like after it applied everything up to `index`. Sent to all
// members; needs no answer, belongs to no term, and wakes nobody.
struct StateDigest {
  Index index;
  Digest digest;
  Digest chain{};  // of the log at `index`; zero: not known any more
  // 0: of how the state came about. Else of all of it, written in this form
  // (Options::state_format).
  uint32_t format = 0;
};

struct Message {
  NodeId from;
  NodeId to;
  Term term;
  std::variant<RequestVote, RequestVoteResponse, AppendEntries, AppendEntriesResponse,
               InstallSnapshot, InstallSnapshotResponse, TimeoutNow, StateDigest>
      body;
};

}  // namespace quorumbook::consensus
