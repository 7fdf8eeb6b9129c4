#include <algorithm>
#include <utility>

#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {

FakeCluster::FakeCluster(uint32_t nodes) {
  for (uint32_t id = 1; id <= nodes; ++id) nodes_.push_back(std::make_unique<FakeNode>(this, id));
}

FakeCluster::~FakeCluster() { nodes_.clear(); }

std::vector<std::string> FakeCluster::endpoints() const {
  std::vector<std::string> endpoints;
  for (const auto& node : nodes_) endpoints.push_back(node->address());
  return endpoints;
}

void FakeCluster::SetLeader(uint32_t id) {
  std::lock_guard lock(mutex_);
  leader_ = id;
  ++term_;
}

uint32_t FakeCluster::leader() const {
  std::lock_guard lock(mutex_);
  return leader_;
}

void FakeCluster::Plan(Fault fault, int nth) {
  std::lock_guard lock(mutex_);
  plan_.push_back({fault, nth});
}

uint64_t FakeCluster::term() const {
  std::lock_guard lock(mutex_);
  return term_;
}

bool FakeCluster::AllPlansMet() const {
  std::lock_guard lock(mutex_);
  return plan_.empty();
}

size_t FakeCluster::largest_batch() const {
  std::lock_guard lock(mutex_);
  return largest_batch_;
}
size_t FakeCluster::batches() const {
  std::lock_guard lock(mutex_);
  return batches_;
}

Fault FakeCluster::NextFault() {
  std::lock_guard lock(mutex_);
  if (plan_.empty() || --plan_.front().in > 0) return Fault::kNone;
  const Fault fault = plan_.front().fault;
  plan_.pop_front();
  if (fault == Fault::kMoveLeader) {
    leader_ = leader_ % size() + 1;
    ++term_;
  }
  return fault;
}

void FakeCluster::Apply(const exchange::Group& group, exchange::ApplyResult* result) {
  std::lock_guard lock(mutex_);
  exchange_.Apply(exchange::Batch{.time = ++time_, .groups = {group}}, result);
  for (const exchange::Event& event : result->events) {
    if (event.type == exchange::EventType::kSymbolAdded) {
      names_.symbols.Add(exchange_.FindSymbol(event.symbol)->name, event.symbol);
    } else if (event.type == exchange::EventType::kAssetAdded) {
      names_.assets.Add(exchange_.FindAsset(event.asset())->name, event.asset());
    }
  }
  feed_.Applied(exchange_, *result);
}

void FakeCluster::Subscribe(const v1::SubscribeRequest& request,
                            std::shared_ptr<server::MarketDataSubscriber> subscriber) {
  std::lock_guard lock(mutex_);
  feed_.Add(exchange_, request, std::move(subscriber));
}

void FakeCluster::Unsubscribe(const server::MarketDataSubscriber* subscriber) {
  std::lock_guard lock(mutex_);
  feed_.Remove(subscriber);
}

size_t FakeCluster::subscribers() const {
  std::lock_guard lock(mutex_);
  return feed_.subscribers();
}

void FakeCluster::CountBatch(size_t commands) {
  std::lock_guard lock(mutex_);
  largest_batch_ = std::max(largest_batch_, commands);
  ++batches_;
}

v1::ClusterDescription FakeCluster::Describe(uint32_t answering) const {
  v1::ClusterDescription description;
  description.set_cluster_id("fake");
  description.set_node_id(answering);
  for (const auto& node : nodes_) {
    v1::NodeDescription* out = description.add_nodes();
    out->set_id(node->id());
    out->set_client_address(node->address());
  }
  v1::ShardDescription* shard = description.add_shards();
  shard->set_id(kShard);
  shard->set_leader_id(leader());
  description.set_default_shard(kShard);
  return description;
}

}  // namespace quorumbook::client
