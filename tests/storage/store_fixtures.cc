#include "tests/storage/store_fixtures.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <sstream>

#include "common/check.h"

namespace quorumbook::storage {

using consensus::Chain;
using consensus::Entry;
using consensus::EntryType;
using consensus::Index;
using consensus::Persist;
using consensus::RestoredState;
using consensus::Snapshot;
using consensus::SnapshotMeta;
using consensus::Term;

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = testing::TempDir() + "quorumbook-storage-XXXXXX";
  QB_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Index ShardModel::last() const {
  if (!state_.entries.empty()) return state_.entries.back().index;
  return state_.snapshot ? state_.snapshot->meta.index : Index();
}

SnapshotMeta ShardModel::MetaAt(Index index) const {
  for (const Entry& entry : state_.entries) {
    if (entry.index == index) return {.index = index, .term = entry.term, .chain = entry.chain};
  }
  if (state_.snapshot && state_.snapshot->meta.index == index) return state_.snapshot->meta;
  return {.index = index, .term = state_.hard_state.term, .chain = {}};
}

void ShardModel::RaiseTerm(Term term, Persist* persist) {
  if (term <= state_.hard_state.term) return;
  state_.hard_state = {.term = term, .vote = NodeId(), .commit = state_.hard_state.commit};
  persist->hard_state = state_.hard_state;
}

std::vector<Entry> ShardModel::MakeEntries(Term term, const std::vector<std::string>& payloads) {
  std::vector<Entry> entries;
  Index index = last();
  Digest chain = MetaAt(index).chain;
  for (const std::string& payload : payloads) {
    index = index.Next();
    const EntryType type = payload.empty() ? EntryType::kNoOp : EntryType::kCommand;
    chain = Chain(chain, term, index, type, payload);
    entries.push_back({.term = term,
                       .index = index,
                       .type = type,
                       .chain = chain,
                       .payload = std::make_shared<const std::string>(payload)});
  }
  state_.entries.insert(state_.entries.end(), entries.begin(), entries.end());
  return entries;
}

ShardWrite ShardModel::Append(Term term, const std::vector<std::string>& payloads) {
  ShardWrite write{.shard = shard_, .persist = {}};
  RaiseTerm(term, &write.persist);
  write.persist.entries = MakeEntries(term, payloads);
  return write;
}

ShardWrite ShardModel::Replace(Index from, Term term, const std::vector<std::string>& payloads) {
  ShardWrite write{.shard = shard_, .persist = {}};
  RaiseTerm(term, &write.persist);
  write.persist.truncate_from = from;
  std::erase_if(state_.entries, [&](const Entry& entry) { return entry.index >= from; });
  write.persist.entries = MakeEntries(term, payloads);
  return write;
}

ShardWrite ShardModel::Vote(Term term, NodeId vote) {
  ShardWrite write{.shard = shard_, .persist = {}};
  state_.hard_state.term = term;
  state_.hard_state.vote = vote;
  // What a snapshot covers is committed; what comes later may still be replaced.
  state_.hard_state.commit = state_.snapshot ? state_.snapshot->meta.index : Index();
  write.persist.hard_state = state_.hard_state;
  return write;
}

ShardWrite ShardModel::Compact(Index through) {
  ShardWrite write{.shard = shard_, .persist = {}};
  write.persist.compact_through = through;
  std::erase_if(state_.entries, [&](const Entry& entry) { return entry.index <= through; });
  return write;
}

ShardWrite ShardModel::Install(Index index, const std::string& data) {
  ShardWrite write{.shard = shard_, .persist = {}};
  write.persist.snapshot = Save(index, data);
  state_.entries.clear();
  return write;
}

Snapshot ShardModel::Save(Index index, const std::string& data) {
  state_.snapshot =
      Snapshot{.meta = MetaAt(index),
               .configuration = consensus::MakeConfiguration({NodeId(1), NodeId(2)}, {NodeId(3)}),
               .data = std::make_shared<const std::string>(data)};
  return *state_.snapshot;
}

std::string Difference(const RestoredState& expected, const RestoredState& found) {
  std::ostringstream out;
  if (expected.hard_state != found.hard_state) {
    out << "hard state: expected term " << expected.hard_state.term << " vote "
        << expected.hard_state.vote << ", found term " << found.hard_state.term << " vote "
        << found.hard_state.vote << "; ";
  }
  if (expected.snapshot.has_value() != found.snapshot.has_value()) {
    out << "snapshot: expected " << expected.snapshot.has_value() << ", found "
        << found.snapshot.has_value() << "; ";
  } else if (expected.snapshot &&
             (expected.snapshot->meta != found.snapshot->meta ||
              expected.snapshot->configuration != found.snapshot->configuration ||
              *expected.snapshot->data != *found.snapshot->data)) {
    out << "snapshot: expected index " << expected.snapshot->meta.index << ", found "
        << found.snapshot->meta.index << ", or other data; ";
  }
  if (expected.entries.size() != found.entries.size()) {
    out << "entries: expected " << expected.entries.size() << ", found " << found.entries.size();
    return out.str();
  }
  for (size_t i = 0; i < expected.entries.size(); ++i) {
    const Entry& a = expected.entries[i];
    const Entry& b = found.entries[i];
    if (a.index != b.index || a.term != b.term || a.type != b.type || a.chain != b.chain ||
        *a.payload != *b.payload) {
      out << "entry " << a.index << " differs from the found entry " << b.index;
      return out.str();
    }
  }
  return out.str();
}

testing::AssertionResult Holds(Store& store, const ShardModel& model) {
  absl::StatusOr<RestoredState> found = store.Load(model.shard());
  if (!found.ok()) return testing::AssertionFailure() << found.status().ToString();
  const std::string difference = Difference(model.state(), *found);
  if (difference.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "shard " << model.shard() << ": " << difference;
}

std::string PseudoRandomBytes(uint64_t seed, size_t bytes) {
  std::mt19937_64 random(seed);
  std::string result;
  while (result.size() < bytes) {
    const uint64_t word = random();
    result.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  result.resize(bytes);
  return result;
}

}  // namespace quorumbook::storage
