// What the tests of the stores share: chained entries, snapshots, expectations, directories.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "consensus/output.h"
#include "consensus/raft.h"
#include "consensus/types.h"
#include "storage/store.h"

namespace quorumbook::storage {

inline const StoreIdentity kTestIdentity{
    .cluster_id = "test-cluster", .node_id = NodeId(7), .incarnation = 42};

// An empty directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a replica of one shard should find on its disk: makes the writes of a correct replica, and
// knows what they lead to.
class ShardModel {
 public:
  explicit ShardModel(ShardId shard) : shard_(shard) {}

  // Each returns the write that leads to the new state.
  ShardWrite Append(consensus::Term term, const std::vector<std::string>& payloads);
  // Replaces the entries from `from` on.
  ShardWrite Replace(consensus::Index from, consensus::Term term,
                     const std::vector<std::string>& payloads);
  ShardWrite Vote(consensus::Term term, NodeId vote);
  ShardWrite Compact(consensus::Index through);
  // A snapshot from the leader at `index`, `ahead` of or within the log.
  ShardWrite Install(consensus::Index index, const std::string& data);
  // For SaveSnapshot.
  consensus::Snapshot Save(consensus::Index index, const std::string& data);

  ShardId shard() const { return shard_; }
  const consensus::RestoredState& state() const { return state_; }
  consensus::Index last() const;

 private:
  void RaiseTerm(consensus::Term term, consensus::Persist* persist);
  consensus::SnapshotMeta MetaAt(consensus::Index index) const;
  std::vector<consensus::Entry> MakeEntries(consensus::Term term,
                                            const std::vector<std::string>& payloads);

  ShardId shard_;
  consensus::RestoredState state_;
};

// A difference in words; empty when there is none.
std::string Difference(const consensus::RestoredState& expected,
                       const consensus::RestoredState& found);

// Loads the shard and compares.
testing::AssertionResult Holds(Store& store, const ShardModel& model);

// `bytes` bytes that depend on `seed`.
std::string PseudoRandomBytes(uint64_t seed, size_t bytes);

}  // namespace quorumbook::storage
