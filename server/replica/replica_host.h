// What a Replica needs of the world. The daemon gives it strands, disks and sockets
// (server/shard_replica.h), the simulator virtual ones.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "consensus/output.h"
#include "exchange/exchange.h"
#include "exchange/state_history.h"

namespace quorumbook::server {

// What a replica believes of its group's leadership.
struct Leadership {
  NodeId leader;  // none: not known
  consensus::Term term;
  // The term in which this replica leads and has applied an entry of its own, so that it knows
  // every symbol whose addition was acknowledged; 0 while it does not.
  consensus::Term serving_term;

  bool operator==(const Leadership&) const = default;
};

// A snapshot of the own state, and digests of the whole state at some indexes on the way to it.
struct MadeSnapshot {
  consensus::Snapshot snapshot;
  std::map<consensus::Index, Digest> whole_states;
};

// How to make a snapshot of the own state.
struct SnapshotRecipe {
  consensus::SnapshotMeta meta;
  consensus::Configuration configuration;  // in force at meta.index
  exchange::StateHistory::Recipe state;

  // On any thread; takes long. `give_up` is asked now and then. Errors: kCancelled when it said
  // yes, kInternal when what is in memory does not lead to the state.
  absl::StatusOr<MadeSnapshot> Make(const std::function<bool()>& give_up = [] {
    return false;
  }) const;
};

enum class LogLevel : uint8_t { kInfo, kError };

// Called by one replica, on its only thread. No method may call the replica; completions are calls
// of their own, later.
class ReplicaHost {
 public:
  virtual ~ReplicaHost() = default;

  // Steady: never goes back. Its origin means nothing.
  virtual consensus::Instant Now() = 0;
  // Nanoseconds since 1970-01-01 UTC as far as this node knows; may jump.
  virtual exchange::Time WallClock() = 0;

  // Makes `persist` durable and then calls Replica::OnPersisted with its sequence. In the order of
  // the calls; may group.
  virtual void Write(consensus::Persist persist) = 0;
  // Makes a snapshot of the own state, apart from the replica, which goes on meanwhile, stores it
  // beside writes under way, and then calls Replica::OnSnapshotSaved. One at a time.
  virtual void SaveSnapshot(SnapshotRecipe recipe) = 0;
  // Reads a snapshot that another replica sent (exchange::Exchange::RestoreReceived), apart from
  // the replica, which goes on meanwhile, and then calls Replica::OnSnapshotDecoded. One at a time.
  virtual void DecodeSnapshot(std::shared_ptr<const std::string> bytes) = 0;
  // Destroys what the replica is done with, and which takes long: apart from it, if there is time.
  virtual void Discard(std::shared_ptr<const void> spent) { spent.reset(); }
  // True while writes wait for space.
  virtual bool DiskFull() = 0;

  virtual void Send(std::vector<consensus::Message> messages) = 0;

  // Calls Replica::Pump soon, after what is queued for the replica by now, so that it is packed
  // too. Not asked for again before it happened.
  virtual void PumpSoon() = 0;

  // A symbol was added or restored; told before anybody is answered who could name it. May be
  // repeated.
  virtual void SymbolKnown(const exchange::SymbolInfo& symbol) = 0;
  // The state is now that of a snapshot; told after its symbols.
  virtual void Restored(const exchange::Exchange&) {}
  // Told before anybody is answered who could rely on it.
  virtual void LeadershipChanged(const Leadership& leadership) = 0;

  // What the core asks for, before it is done; for those who check it.
  virtual void Observe(const consensus::Output&) {}
  // An entry has taken effect; told before anybody is answered who waits for it. `result` is empty
  // for entries that are no commands.
  virtual void Applied(const consensus::Entry&, const exchange::ApplyResult&) {}

  virtual void Report(const consensus::Evidence& evidence) = 0;
  virtual void Log(LogLevel level, std::string_view line) = 0;
  // The replica can not go on, and the process must stop: the replica is not called again.
  virtual void Fatal(const absl::Status& status) = 0;
};

}  // namespace quorumbook::server
