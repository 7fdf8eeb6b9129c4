// The nouns of Raft (Ongaro, "Consensus: Bridging Theory and Practice", 2014: "the thesis").
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "consensus/configuration.h"

namespace quorumbook::consensus {

// A term of office; at most one leader each (thesis 3.3). 0 is before the first election.
using Term = StrongId<struct TermTag>;
// A position in the log; the first entry has index 1, 0 is before it (thesis 3.5).
using Index = StrongId<struct IndexTag>;

// Time as the host tells it: nanoseconds since an arbitrary origin, never going back. The core
// only compares and subtracts it.
using Instant = std::chrono::nanoseconds;
using Duration = std::chrono::nanoseconds;

enum class EntryType : uint8_t {
  kNoOp = 1,     // the first entry of a leader's term (thesis 6.4); empty payload
  kCommand = 2,  // bytes for the state machine, opaque here
  // Who belongs to the group from here on (thesis 4); consensus/configuration.h.
  kConfiguration = 3,
};

constexpr bool IsKnown(EntryType type) {
  return type >= EntryType::kNoOp && type <= EntryType::kConfiguration;
}

// Bytes that are encoded once and then shared by log, network and state machine.
using Payload = std::shared_ptr<const std::string>;

// One log entry. `chain` = Chain(previous entry's chain, term, index, type, payload), so that two
// logs with equal chains at an index are equal up to it, contents included.
struct Entry {
  Term term;
  Index index;
  EntryType type = EntryType::kCommand;
  Digest chain;
  Payload payload;  // never null

  std::string_view bytes() const { return *payload; }
};

// The chain value of the entry that follows one whose chain is `previous` (all zero before the
// first entry): Digest128 of the seven little-endian u64 previous.high, previous.low, term, index,
// type, contents.high, contents.low, where contents = Digest128(payload).
Digest Chain(const Digest& previous, Term term, Index index, EntryType type,
             std::string_view payload);

// What must survive a crash beside the log (thesis figure 3.1).
struct HardState {
  Term term;
  NodeId vote;   // none: has not voted in `term`
  Index commit;  // a hint that spares work at start; need not be current

  bool operator==(const HardState&) const = default;
};

// The state machine after applying everything up to and including `index`.
struct SnapshotMeta {
  Index index;
  Term term;
  Digest chain;

  bool operator==(const SnapshotMeta&) const = default;
};

struct Snapshot {
  SnapshotMeta meta;
  Configuration configuration{};  // in force at meta.index
  Payload data;                   // opaque here; never null
};

}  // namespace quorumbook::consensus
