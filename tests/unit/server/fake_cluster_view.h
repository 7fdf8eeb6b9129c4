// A cluster of three nodes and one shard, as a node may know it, for tests of what is said of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/monitoring/cluster_view.h"

namespace quorumbook::server {

class FakeClusterView {
 public:
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  explicit FakeClusterView(const std::vector<uint32_t>& shards = {7})
      : view_("test", 1, {1, 2, 3}, shards, kStartMs) {
    for (uint32_t id = 1; id <= 3; ++id) {
      samples_[id] = MakeSample(id);
      for (const uint32_t shard : shards) AddReplica(shard, &samples_[id]);
    }
    for (size_t i = 0; i < shards.size(); ++i) Lead(2, 5, static_cast<int>(i));
  }

  // What the nodes will say from now on; to be changed by the test.
  v1::NodeSample& sample(uint32_t node) { return samples_.at(node); }
  v1::ReplicaSample& replica(uint32_t node) { return *sample(node).mutable_replicas(0); }

  // `shard`: the first, the second ...
  void Lead(uint32_t leader, uint64_t term, int shard = 0) {
    for (auto& [id, sample] : samples_) {
      v1::ReplicaStatus* const status = sample.mutable_replicas(shard)->mutable_status();
      status->set_role(id == leader ? v1::ReplicaStatus::LEADER : v1::ReplicaStatus::FOLLOWER);
      status->set_leader_id(leader);
      status->set_term(term);
    }
  }

  // From now on the node answers with the figures that it has.
  void Freeze(uint32_t node) { frozen_ = node; }

  // A second passes, in which these nodes answered.
  void Pass(const std::string& answering = "123") {
    now_ms_ += 1'000;
    view_.set_now_ms(now_ms_);
    for (auto& [id, sample] : samples_) {
      if (id != frozen_) sample.set_taken_ns(sample.taken_ns() + 1'000'000'000);
      sample.set_time_ms(now_ms_);
      if (answering.find(std::to_string(id)) == std::string::npos) {
        view_.Find(id)->Failed("connection refused");
      } else {
        view_.Find(id)->Add(std::make_shared<v1::NodeSample>(sample), now_ms_, id == 1 ? 0 : 0.001);
      }
    }
  }
  void Pass(int seconds, const std::string& answering) {
    for (int i = 0; i < seconds; ++i) Pass(answering);
  }

  // Somebody sets the clock.
  void SetClock(int64_t step_ms) {
    now_ms_ += step_ms;
    view_.ShiftClock(step_ms);
  }

  const ClusterView& view() const { return view_; }

 private:
  static v1::NodeSample MakeSample(uint32_t id) {
    v1::NodeSample sample;
    sample.set_node_id(id);
    sample.set_cluster_id("test");
    sample.set_version("1.0.0");
    sample.set_started_ms(kStartMs);
    v1::StorageSample* const storage = sample.mutable_storage();
    storage->set_disk_free_bytes(50'000'000'000);
    storage->set_disk_capacity_bytes(100'000'000'000);
    sample.mutable_process()->set_open_files(10);
    sample.mutable_process()->set_max_open_files(1'000);
    for (uint32_t peer = 1; peer <= 3; ++peer) {
      if (peer == id) continue;
      v1::PeerSample* const out = sample.add_peers();
      out->set_node_id(peer);
      out->set_reachable(true);
      out->set_connected(true);
      out->set_round_trip_seconds(0.001);
    }
    return sample;
  }
  static void AddReplica(uint32_t shard, v1::NodeSample* sample) {
    v1::ReplicaStatus* const status = sample->add_replicas()->mutable_status();
    status->set_shard(shard);
    status->set_commit_index(100);
    status->set_applied_index(100);
    status->set_first_index(1);
    status->set_last_index(100);
    for (uint32_t voter = 1; voter <= 3; ++voter) {
      v1::MemberStatus* const member = status->add_members();
      member->set_node_id(voter);
      member->set_kind(v1::MemberStatus::VOTER);
    }
  }

  int64_t now_ms_ = kStartMs;
  ClusterView view_;
  std::map<uint32_t, v1::NodeSample> samples_;
  uint32_t frozen_ = 0;
};

}  // namespace quorumbook::server
