// What a replica makes of a snapshot that its leader sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/replica/replica.h"

namespace quorumbook::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Keeps what it is asked for.
class KeepingHost final : public ReplicaHost {
 public:
  consensus::Instant Now() override { return std::chrono::seconds(1); }
  exchange::Time WallClock() override { return 1; }
  void Write(consensus::Persist persist) override { written.push_back(std::move(persist)); }
  void SaveSnapshot(SnapshotRecipe) override {}
  bool DiskFull() override { return false; }
  void Send(std::vector<consensus::Message>) override {}
  void PumpSoon() override {}
  void SymbolKnown(const exchange::SymbolInfo&) override {}
  void LeadershipChanged(const Leadership&) override {}
  void Report(const consensus::Evidence&) override {}
  void Log(LogLevel, std::string_view) override {}
  void Fatal(const absl::Status& status) override { fatal = status; }

  std::vector<consensus::Persist> written;
  absl::Status fatal;
};

consensus::Message SnapshotOf(const std::string& state) {
  consensus::InstallSnapshot chunk;
  chunk.meta = {consensus::Index(5), consensus::Term(1), {}};
  chunk.data_digest = Digest128(state);
  chunk.total_bytes = state.size();
  chunk.checksum = Checksum64(state);
  chunk.data = state;
  return {.from = NodeId(2), .to = NodeId(1), .term = consensus::Term(1), .body = chunk};
}

ReplicaOptions Options() {
  ReplicaOptions options;
  options.shard = ShardId(1);
  options.raft.id = NodeId(1);
  options.raft.configuration = consensus::MakeConfiguration({NodeId(1), NodeId(2), NodeId(3)});
  options.snapshot_log_bytes = uint64_t{1} << 30;
  return options;
}

TEST(ReplicaSnapshotTest, OneThatCanBeReadIsWritten) {
  KeepingHost host;
  Replica replica(Options(), {}, &host);
  replica.Start();
  replica.Receive({SnapshotOf(exchange::Exchange().Snapshot())});
  EXPECT_TRUE(host.fatal.ok()) << host.fatal;
  ASSERT_THAT(host.written, SizeIs(1));
  ASSERT_TRUE(host.written[0].snapshot.has_value());
  replica.OnPersisted(host.written[0].sequence);
  EXPECT_EQ(replica.applied(), consensus::Index(5));
}

// A leader of another version, during an upgrade: that is no damage, upon which a node would set
// its own data aside; and what it has must not be replaced by what it can not read.
// The process ends, and makes its state again from what is on the disk.
TEST(ReplicaSnapshotTest, AStateThatIsNotWhatItsLogLeadsToIsNoDamageOfTheDisk) {
  exchange::StateHistory history;
  SnapshotRecipe recipe;
  recipe.state = history.Cut(exchange::Exchange().RunningDigest());
  EXPECT_TRUE(recipe.Make().ok());
  recipe.state = history.Cut(Digest128("another state"));
  EXPECT_EQ(recipe.Make().status().code(), absl::StatusCode::kInternal);
}

TEST(ReplicaSnapshotTest, OneThatCanNotBeReadDoesNotCondemnTheStore) {
  KeepingHost host;
  Replica replica(Options(), {}, &host);
  replica.Start();
  replica.Receive({SnapshotOf("of another version")});
  EXPECT_TRUE(absl::IsFailedPrecondition(host.fatal)) << host.fatal;
  EXPECT_THAT(std::string(host.fatal.message()), HasSubstr("the leader's snapshot"));
  EXPECT_THAT(host.written, IsEmpty());
}

}  // namespace
}  // namespace quorumbook::server
