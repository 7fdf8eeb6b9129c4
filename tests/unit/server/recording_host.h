// A world for a replica that does nothing, and keeps what it is asked for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/replica/replica.h"

namespace quorumbook::server {

class RecordingHost final : public ReplicaHost {
 public:
  consensus::Instant Now() override { return now; }
  exchange::Time WallClock() override { return 1; }
  void Write(consensus::Persist persist) override { written.push_back(std::move(persist)); }
  void SaveSnapshot(SnapshotRecipe recipe) override { recipes.push_back(std::move(recipe)); }
  void DecodeSnapshot(std::shared_ptr<const std::string> bytes) override {
    to_decode.push_back(std::move(bytes));
  }
  void Discard(std::shared_ptr<const void> spent) override {
    spent.reset();
    ++discarded;
  }
  bool DiskFull() override { return disk_full; }
  void Send(std::vector<consensus::Message> messages) override {
    for (consensus::Message& message : messages) sent.push_back(std::move(message));
  }
  void PumpSoon() override { pump_asked = true; }
  void SymbolKnown(const exchange::SymbolInfo&) override {}
  void LeadershipChanged(const Leadership& now_known) override { leadership = now_known; }
  void Report(const consensus::Evidence& item) override { evidence.push_back(item); }
  void Log(LogLevel, std::string_view) override {}
  void Fatal(const absl::Status& status) override { fatal.push_back(status); }

  consensus::Instant now = std::chrono::seconds(1);
  bool pump_asked = false;
  bool disk_full = false;
  int discarded = 0;
  Leadership leadership;
  std::vector<consensus::Persist> written;
  std::vector<std::shared_ptr<const std::string>> to_decode;
  std::vector<SnapshotRecipe> recipes;
  std::vector<consensus::Message> sent;
  std::vector<consensus::Evidence> evidence;
  std::vector<absl::Status> fatal;
};

// Node 1 of three; takes no snapshots by itself.
inline ReplicaOptions OneOfThree() {
  ReplicaOptions options;
  options.shard = ShardId(1);
  options.raft.id = NodeId(1);
  options.raft.configuration = consensus::MakeConfiguration({NodeId(1), NodeId(2), NodeId(3)});
  options.snapshot_log_bytes = uint64_t{1} << 30;
  return options;
}

}  // namespace quorumbook::server
