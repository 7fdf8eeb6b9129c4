#include "server/monitoring/minute_rates.h"

#include <utility>

namespace quorumbook::server {
namespace {

constexpr double kMinuteSeconds = 60;

MinuteRates::OfShard Counters(const v1::ReplicaSample& replica) {
  MinuteRates::OfShard out;
  out.shard = replica.status().shard();
  out.cut = replica.cut();
  out.failed = replica.failed();
  for (const v1::NamedCount& count : replica.refused()) {
    const bool usual = count.name() == "not_leader" || count.name() == "shutting_down";
    if (!usual) out.failed += count.count();
  }
  for (const v1::CommandCount& count : replica.commands()) {
    out.accepted += count.accepted();
    out.rejected += count.rejected();
  }
  return out;
}

double Difference(uint64_t now, uint64_t then) {
  return static_cast<double>(now) - static_cast<double>(then);
}

std::optional<double> OfASecond(std::optional<double> rise) {
  if (rise) *rise /= kMinuteSeconds;
  return rise;
}

}  // namespace

const MinuteRates::OfShard* MinuteRates::Point::Find(uint32_t shard) const {
  for (const OfShard& one : shards) {
    if (one.shard == shard) return &one;
  }
  return nullptr;
}

void MinuteRates::Add(const v1::NodeSample& sample) {
  Point& point = points_.emplace_back();
  point.taken_ns = sample.taken_ns();
  point.node = {sample.grpc_errors(), sample.storage().write_stalls()};
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    point.shards.push_back(Counters(replica));
  }
  while (points_.size() > kMinuteSamples ||
         sample.taken_ns() - points_.front().taken_ns > kMinuteNs) {
    points_.pop_front();
  }
}

std::optional<double> MinuteRates::Rise(uint64_t OfNode::* counter) const {
  if (points_.size() < 2) return std::nullopt;
  return Difference(points_.back().node.*counter, points_.front().node.*counter);
}

std::optional<double> MinuteRates::Rise(uint32_t shard, uint64_t OfShard::* counter) const {
  if (points_.size() < 2) return std::nullopt;
  const OfShard* const now = points_.back().Find(shard);
  if (now == nullptr) return std::nullopt;
  const OfShard* const then = points_.front().Find(shard);
  return Difference(now->*counter, then == nullptr ? 0 : then->*counter);
}

std::optional<double> MinuteRates::PerSecond(uint64_t OfNode::* counter) const {
  return OfASecond(Rise(counter));
}

std::optional<double> MinuteRates::PerSecond(uint32_t shard, uint64_t OfShard::* counter) const {
  return OfASecond(Rise(shard, counter));
}

}  // namespace quorumbook::server
