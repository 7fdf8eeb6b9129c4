// What is written is there: the part of the contract that needs no fault.
#include "tests/storage/store_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Snapshot;
using consensus::Term;
using testing::HasSubstr;

using OpenResult = absl::StatusOr<std::unique_ptr<Store>>;

TEST_P(StoreContractTest, AShardThatWasNeverWrittenIsEmpty) {
  ExpectHolds(model_);
  Write(model_.Append(Term(1), {"a"}));
  ExpectHolds(ShardModel(ShardId(4)));
}

TEST_P(StoreContractTest, KeepsHardStateAndEntries) {
  Write(model_.Vote(Term(2), NodeId(5)));
  Write(model_.Append(Term(2), {"", "first", std::string(1, '\0'), "third"}));
  ExpectHolds(model_);
  Write(model_.Append(Term(4), {PseudoRandomBytes(1, 3 << 20), ""}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AConflictReplacesTheEnd) {
  Write(model_.Append(Term(1), {"a", "b", "c", "d"}));
  Write(model_.Replace(Index(2), Term(2), {"x"}));
  ExpectHolds(model_);
  Write(model_.Append(Term(3), {"y", "z", "zz"}));
  ExpectHolds(model_);
  Write(model_.Replace(Index(1), Term(4), {}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, ASavedSnapshotLeavesTheLogAlone) {
  Write(model_.Append(Term(1), {"a", "b", "c", "d"}));
  Save(model_.Save(Index(2), "state at 2"));
  ExpectHolds(model_);
  Save(model_.Save(Index(4), "state at 4"));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AnOlderSnapshotDoesNotReplaceANewerOne) {
  Write(model_.Append(Term(1), {"a", "b", "c", "d"}));
  const Snapshot older = model_.Save(Index(2), "state at 2");
  Save(model_.Save(Index(3), "state at 3"));
  Save(older);
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, CompactionForgetsTheFront) {
  Write(model_.Append(Term(1), {"a", "b", "c", "d"}));
  Save(model_.Save(Index(3), "state at 3"));
  Write(model_.Compact(Index(2)));
  ExpectHolds(model_);
  Write(model_.Compact(Index(1)));
  ExpectHolds(model_);
  Write(model_.Compact(Index(3)));
  ExpectHolds(model_);
  Write(model_.Append(Term(1), {"e"}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, CompactionMayTakeTheWholeLog) {
  Write(model_.Append(Term(1), {"a", "b"}));
  Save(model_.Save(Index(2), "state at 2"));
  Write(model_.Compact(Index(2)));
  ExpectHolds(model_);
  Write(model_.Append(Term(2), {"c"}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AnInstalledSnapshotReplacesTheLog) {
  Write(model_.Append(Term(1), {"a", "b", "c"}));
  Write(model_.Install(Index(2), "state at 2"));
  ExpectHolds(model_);
  Write(model_.Install(Index(10), "state at 10"));
  ExpectHolds(model_);
  Write(model_.Append(Term(3), {"eleventh"}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, SnapshotsOfAllSizesComeBack) {
  Write(model_.Append(Term(1), {"a"}));
  const size_t chunk = 1 << 20;
  for (const size_t bytes : {size_t{0}, size_t{1}, chunk - 1, chunk, chunk + 1, 3 * chunk}) {
    SCOPED_TRACE(bytes);
    Save(model_.Save(Index(1), PseudoRandomBytes(bytes, bytes)));
    ExpectHolds(model_);
    Write(model_.Install(Index(1), PseudoRandomBytes(bytes + 1, bytes)));
    ExpectHolds(model_);
  }
}

// The snapshot may cover committed entries that this disk had not got yet when the node stopped.
TEST_P(StoreContractTest, ALogThatEndsBeforeItsSnapshotIsBegunAnew) {
  Write(model_.Append(Term(1), {"a", "b"}));
  ShardModel ahead = model_;
  (void)ahead.Append(Term(1), {"c", "d"});
  Save(ahead.Save(Index(4), "state at 4"));
  (void)ahead.Compact(Index(4));
  ExpectHolds(ahead);
  Write(ahead.Append(Term(1), {"e"}));
  ExpectHolds(ahead);
}

TEST_P(StoreContractTest, OneWriteAppliesItsPartsInOrder) {
  Write(model_.Append(Term(1), {"a", "b", "c", "d"}));
  ShardModel next = model_;
  // The snapshot at 2 takes the log; e and f follow; compaction finds nothing to take.
  ShardWrite write = next.Install(Index(2), "state at 2");
  const ShardWrite replace = next.Replace(Index(3), Term(2), {"e", "f"});
  write.persist.hard_state = replace.persist.hard_state;
  write.persist.truncate_from = replace.persist.truncate_from;
  write.persist.entries = replace.persist.entries;
  write.persist.compact_through = next.Compact(Index(2)).persist.compact_through;
  Write(write);
  ExpectHolds(next);
}

TEST_P(StoreContractTest, AGroupAppliesItsWritesInOrder) {
  ShardModel other(ShardId(9));
  std::vector<ShardWrite> group;
  group.push_back(model_.Append(Term(1), {"a", "b", "c"}));
  group.push_back(other.Append(Term(5), {"x"}));
  group.push_back(model_.Replace(Index(2), Term(2), {"d"}));
  group.push_back(model_.Append(Term(2), {"e"}));
  group.push_back(model_.Install(Index(3), "state at 3"));
  group.push_back(other.Vote(Term(6), NodeId(2)));
  group.push_back(model_.Append(Term(3), {"f", "g"}));
  ASSERT_TRUE(store_->Write(group).ok());
  ExpectHolds(model_);
  ExpectHolds(other);
}

TEST_P(StoreContractTest, ShardsDoNotTouchEachOther) {
  // Neighbours in key order, and numbers of more than one byte.
  std::vector<ShardModel> shards;
  for (const uint64_t id : {uint64_t{1}, uint64_t{2}, uint64_t{255}, uint64_t{256}, ~uint64_t{0}}) {
    shards.emplace_back(ShardId(id));
  }
  std::vector<ShardWrite> group;
  for (ShardModel& shard : shards) group.push_back(shard.Append(Term(1), {"a", "b", "c"}));
  ASSERT_TRUE(store_->Write(group).ok());
  ASSERT_TRUE(store_->Write({shards[1].Replace(Index(1), Term(2), {"only"})}).ok());
  ASSERT_TRUE(store_->Write({shards[2].Install(Index(3), "state")}).ok());
  ASSERT_TRUE(
      store_->SaveSnapshot(shards[3].shard(), shards[3].Save(Index(2), "other state")).ok());
  ASSERT_TRUE(store_->Write({shards[3].Compact(Index(2))}).ok());
  for (const ShardModel& shard : shards) EXPECT_TRUE(Holds(*store_, shard));
  Reopen();
  for (const ShardModel& shard : shards) EXPECT_TRUE(Holds(*store_, shard));
}

TEST_P(StoreContractTest, SnapshotsAreSavedWhileTheLogGrows) {
  constexpr int kSnapshots = 8;
  Write(model_.Append(Term(1), {"a"}));
  ShardModel saver = model_;
  std::vector<Snapshot> snapshots;
  for (int i = 0; i < kSnapshots; ++i) {
    snapshots.push_back(saver.Save(Index(1), PseudoRandomBytes(i, 2'500'000)));
  }
  std::atomic<bool> done = false;
  absl::Status saved;
  std::thread thread([&] {
    for (const Snapshot& snapshot : snapshots) {
      if (saved.ok()) saved = store_->SaveSnapshot(model_.shard(), snapshot);
    }
    done = true;
  });
  int writes = 0;
  absl::Status written;
  while (written.ok() && (!done || writes < 10)) {
    written = store_->Write({model_.Append(Term(1), {"entry " + std::to_string(writes++)})});
  }
  thread.join();
  ASSERT_TRUE(saved.ok()) << saved;
  ASSERT_TRUE(written.ok()) << written;
  (void)model_.Save(Index(1), *snapshots.back().data);
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AnotherIdentityIsRefused) {
  Write(model_.Append(Term(1), {"a"}));
  store_.reset();
  const OpenResult node =
      medium_->Open({.cluster_id = "test-cluster", .node_id = NodeId(8), .incarnation = 42});
  EXPECT_TRUE(absl::IsFailedPrecondition(node.status())) << node.status();
  EXPECT_THAT(node.status().ToString(),
              testing::AllOf(HasSubstr("node 7 of cluster \"test-cluster\""),
                             HasSubstr("node 8 of cluster \"test-cluster\""),
                             HasSubstr("correct the node's id")));
  const OpenResult cluster = medium_->Open({.cluster_id = "other", .node_id = NodeId(7)});
  EXPECT_TRUE(absl::IsFailedPrecondition(cluster.status())) << cluster.status();
  Reopen();
  EXPECT_TRUE(Holds(*store_, model_));
}

TEST_P(StoreContractTest, TheIncarnationIsThatOfTheCreation) {
  StoreIdentity identity = kTestIdentity;
  EXPECT_EQ(store_->identity(), identity);
  store_.reset();
  identity.incarnation = 99;
  const std::unique_ptr<Medium> fresh = GetParam().make();
  OpenResult again = medium_->Open(identity);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->identity(), kTestIdentity);
  again = fresh->Open(identity);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->identity(), identity);
}

TEST_P(StoreContractTest, FoundersAreKeptOnce) {
  EXPECT_THAT(store_->founders(), testing::IsEmpty());
  const std::vector<NodeId> founders = {NodeId(1), NodeId(7), NodeId(~uint64_t{0})};
  ASSERT_TRUE(store_->SetFounders(founders).ok());
  EXPECT_EQ(store_->founders(), founders);
  Reopen();
  EXPECT_EQ(store_->founders(), founders);
  EXPECT_TRUE(store_->SetFounders(founders).ok());
  const absl::Status others = store_->SetFounders({NodeId(1), NodeId(7)});
  EXPECT_TRUE(absl::IsFailedPrecondition(others)) << others;
  EXPECT_THAT(others.ToString(), HasSubstr("members 1, 7, 18446744073709551615, not by 1, 7"));
  Reopen();
  EXPECT_EQ(store_->founders(), founders);
}

TEST_P(StoreContractTest, FoundersOutOfBoundsAreRefused) {
  std::vector<NodeId> many;
  for (uint64_t i = 1; i <= consensus::kVotersMax + 1; ++i) many.emplace_back(i);
  for (const std::vector<NodeId>& founders :
       {std::vector<NodeId>(), std::vector<NodeId>{NodeId()},
        std::vector<NodeId>{NodeId(), NodeId(1)}, std::vector<NodeId>{NodeId(2), NodeId(1)},
        std::vector<NodeId>{NodeId(1), NodeId(1)}, many}) {
    const absl::Status status = store_->SetFounders(founders);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  }
  EXPECT_THAT(store_->founders(), testing::IsEmpty());
  many.pop_back();
  EXPECT_TRUE(store_->SetFounders(many).ok());
}

TEST_P(StoreContractTest, AnIdentityOutOfBoundsIsRefused) {
  store_.reset();
  const std::unique_ptr<Medium> fresh = GetParam().make();
  for (const StoreIdentity& identity :
       {StoreIdentity{.cluster_id = "", .node_id = NodeId(1)},
        StoreIdentity{.cluster_id = std::string(65, 'c'), .node_id = NodeId(1)},
        StoreIdentity{.cluster_id = "c", .node_id = NodeId()}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(fresh->Open(identity).status()));
  }
  EXPECT_TRUE(fresh->Open({.cluster_id = std::string(64, 'c'), .node_id = NodeId(1)}).ok());
}

TEST_P(StoreContractTest, OneStoreAtATime) {
  const OpenResult second = medium_->Open(kTestIdentity);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  Write(model_.Append(Term(1), {"a"}));
  ExpectHolds(model_);
}

TEST_P(StoreContractTest, AHoleInTheLogIsDataLoss) {
  Write(model_.Append(Term(1), {"a"}));
  ShardModel skipping = model_;
  (void)skipping.Append(Term(1), {"never written"});
  Write(skipping.Append(Term(1), {"c"}));
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("shard 3, index 2: entry is missing"));
}

TEST_P(StoreContractTest, AChainThatDoesNotFollowIsDataLoss) {
  Write(model_.Append(Term(1), {"a", "b"}));
  ShardWrite write = model_.Append(Term(1), {"c"});
  write.persist.entries[0].chain.low ^= 1;
  Write(write);
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("shard 3, index 3"));
}

TEST_P(StoreContractTest, ASnapshotOfAnotherHistoryIsDataLoss) {
  Write(model_.Append(Term(1), {"a", "b"}));
  Snapshot foreign = model_.Save(Index(2), "state");
  foreign.meta.chain.high ^= 1;
  Save(foreign);
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("not of the same history"));
}

TEST_P(StoreContractTest, ACommitBeyondTheLogIsDataLoss) {
  Write(model_.Append(Term(1), {"a", "b"}));
  ShardWrite write = model_.Vote(Term(1), NodeId(1));
  write.persist.hard_state->commit = Index(2);
  Write(write);
  ASSERT_TRUE(store_->Load(model_.shard()).ok());
  write.persist.hard_state->commit = Index(3);
  Write(write);
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("shard 3, index 3: committed entries are missing"));
  (void)model_.Append(Term(1), {"c"});
  Save(model_.Save(Index(3), "state at 3"));
  EXPECT_TRUE(store_->Load(model_.shard()).ok());
}

TEST_P(StoreContractTest, ALogCompactedBeyondItsSnapshotIsDataLoss) {
  Write(model_.Append(Term(1), {"a", "b", "c"}));
  Save(model_.Save(Index(1), "state"));
  Write(model_.Compact(Index(2)));
  const absl::Status status = store_->Load(model_.shard()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("log begins at 3, snapshot ends at 1"));
}

TEST_P(StoreContractTest, UsageGrowsWithWhatIsWritten) {
  absl::StatusOr<StoreUsage> before = store_->Usage();
  ASSERT_TRUE(before.ok()) << before.status();
  Write(model_.Append(Term(1), {PseudoRandomBytes(1, 1 << 20)}));
  absl::StatusOr<StoreUsage> after = store_->Usage();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_GE(after->disk_bytes, before->disk_bytes + (1 << 20));
  EXPECT_GT(after->free_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, StoreContractTest, testing::ValuesIn(Implementations()),
                         [](const testing::TestParamInfo<Implementation>& implementation) {
                           return implementation.param.name;
                         });

}  // namespace
}  // namespace quorumbook::storage
