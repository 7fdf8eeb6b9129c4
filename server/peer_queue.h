// What waits to be sent to one peer: what is small goes before what is large.
//
// Elections, leases and reads depend on small messages (votes, heartbeats, answers) that arrive in
// time. Entries and chunks of snapshots, of whatever shard, must not hold them up. Each of the two
// kinds keeps its order.
//
// A heartbeat that overtakes entries of its own shard would stand behind what the follower has not
// got yet, be refused, and make the leader send everything again. So it is put right before the
// first entries that wait: what stands there was sent, and a leader's log of one term only grows,
// so it is a heartbeat that this leader could have sent. What it tells of the commit index goes
// with the last of these entries, which is where it holds.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "common/ids.h"
#include "consensus/message.h"
#include "server/peer_codec.h"

namespace quorumbook::server {

// Of messages that wait, of either kind; beyond it new ones are dropped, which Raft tolerates and
// repeats.
inline constexpr uint64_t kMaxPeerQueueBytes = uint64_t{64} << 20;
// Of one frame on the stream, of which the peer reads nothing before all of it is there. One
// message that is larger goes all the same, last.
inline constexpr uint64_t kMaxFrameBytes = uint64_t{256} << 10;

class PeerQueue {
 public:
  struct Waiting {
    ShardId shard;
    consensus::Message message;
  };

  // False: there is no space, and the message is lost. REQUIRES: messages of one shard have the
  // same sender and receiver, and their terms do not fall.
  bool Add(ShardId shard, consensus::Message message);

  // Takes out what makes the next frame, and hands it to `take` one by one: what is small, and at
  // least one message of what is large.
  template <typename Take>
  void TakeFrame(const Take& take) {
    uint64_t bytes = 0;
    while (!small_.empty() && (bytes == 0 || bytes + small_.next() <= kMaxFrameBytes)) {
      bytes += small_.next();
      take(small_.front());
      Pop(&small_);
    }
    for (bool first = true; !large_.empty() && (first || bytes + large_.next() <= kMaxFrameBytes);
         first = false) {
      bytes += large_.next();
      take(large_.front());
      PopLarge();
    }
  }

  bool empty() const { return small_.empty() && large_.empty(); }
  uint64_t bytes() const { return small_.bytes + large_.bytes; }
  void Clear();

 private:
  struct Kind {
    std::deque<Waiting> waiting;
    uint64_t bytes = 0;

    bool empty() const { return waiting.empty(); }
    const Waiting& front() const { return waiting.front(); }
    uint64_t next() const { return ApproximateBytes(front().message); }
  };
  // The entries of one shard that wait, all of one term; they live in large_.
  struct Entries {
    consensus::Term term;
    std::deque<consensus::AppendEntries*> waiting;
  };

  static bool Push(ShardId shard, consensus::Message message, Kind* kind);
  static void Pop(Kind* kind);
  void PopLarge();
  bool AddLarge(ShardId shard, consensus::Message message);
  bool AddHeartbeat(ShardId shard, consensus::Message message);

  Kind small_;
  Kind large_;
  std::map<ShardId, Entries> entries_;
};

}  // namespace quorumbook::server
