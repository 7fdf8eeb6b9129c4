#include "storage/verify.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace quorumbook::storage {
namespace {

using consensus::Chain;
using consensus::Entry;
using consensus::Index;
using consensus::RestoredState;
using consensus::Term;

constexpr char kAdvice[] =
    "; this replica must not vote with what is left of it: rebuild the node from its peers in an "
    "empty data directory, and keep the damaged one for inspection";

absl::Status VerifyBeginning(ShardId shard, Index first, const RestoredState& state) {
  const Index covered = state.snapshot ? state.snapshot->meta.index : Index();
  if (first.value() == 0 || first > covered.Next()) {
    return DamagedAt(shard, covered.Next(),
                     absl::StrCat("log begins at ", first.value(), ", snapshot ends at ",
                                  covered.value(), ": entries between them are missing"));
  }
  if (state.snapshot && state.snapshot->meta.term > state.hard_state.term) {
    return DamagedAt(
        shard, covered,
        absl::StrCat("snapshot has term ", state.snapshot->meta.term.value(),
                     ", later than the hard state's term ", state.hard_state.term.value()));
  }
  return absl::OkStatus();
}

// The chain value before the log's first entry, where it is known: of a compacted entry it is not.
bool ChainBefore(Index first, const RestoredState& state, Digest* chain) {
  *chain = Digest();
  if (first == Index(1)) return true;
  if (!state.snapshot || first != state.snapshot->meta.index.Next()) return false;
  *chain = state.snapshot->meta.chain;
  return true;
}

absl::Status VerifyEntries(ShardId shard, Index first, const RestoredState& state) {
  Digest previous;
  bool previous_known = ChainBefore(first, state, &previous);
  Term term;
  Index index = first;
  for (const Entry& entry : state.entries) {
    if (entry.index != index) {
      return DamagedAt(shard, index,
                       absl::StrCat("entry is missing, the next one is ", entry.index.value()));
    }
    if (previous_known &&
        entry.chain != Chain(previous, entry.term, entry.index, entry.type, entry.bytes())) {
      return DamagedAt(shard, index, "entry's chain does not follow from the entry before it");
    }
    if (entry.term < term || entry.term > state.hard_state.term) {
      return DamagedAt(
          shard, index,
          absl::StrCat("entry has term ", entry.term.value(), " after term ", term.value(),
                       ", with hard state term ", state.hard_state.term.value()));
    }
    if (state.snapshot && entry.index == state.snapshot->meta.index &&
        (entry.chain != state.snapshot->meta.chain || entry.term != state.snapshot->meta.term)) {
      return DamagedAt(shard, index, "log and snapshot are not of the same history");
    }
    previous = entry.chain;
    previous_known = true;
    term = entry.term;
    index = index.Next();
  }
  return absl::OkStatus();
}

Index LastIndex(Index first, const RestoredState& state) {
  return state.entries.empty() ? first.Previous() : state.entries.back().index;
}

// A commit index is written with its entries or after them.
absl::Status VerifyCommit(ShardId shard, Index first, const RestoredState& state) {
  const Index covered = state.snapshot ? state.snapshot->meta.index : Index();
  const Index last = std::max(covered, LastIndex(first, state));
  if (state.hard_state.commit <= last) return absl::OkStatus();
  return DamagedAt(
      shard, last.Next(),
      absl::StrCat("committed entries are missing: the hard state knows of them up to ",
                   state.hard_state.commit.value()));
}

}  // namespace

absl::Status DamagedAt(ShardId shard, Index index, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("shard ", shard.value(), ", index ", index.value(), ": ", what, kAdvice));
}

absl::Status Damaged(ShardId shard, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("shard ", shard.value(), ": ", what, kAdvice));
}

absl::Status VerifyShard(ShardId shard, Index first, const RestoredState& state) {
  if (absl::Status status = VerifyBeginning(shard, first, state); !status.ok()) return status;
  if (absl::Status status = VerifyEntries(shard, first, state); !status.ok()) return status;
  return VerifyCommit(shard, first, state);
}

bool LogEndsBeforeSnapshot(Index first, const RestoredState& state) {
  return state.snapshot && LastIndex(first, state) < state.snapshot->meta.index;
}

}  // namespace quorumbook::storage
