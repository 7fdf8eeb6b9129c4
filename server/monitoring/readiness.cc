#include "server/monitoring/readiness.h"

#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include "server/monitoring/series.h"

namespace quorumbook::server {
namespace {

// A replica that has this many committed entries to execute, or to get, is not serving yet.
constexpr uint64_t kCaughtUpWithin = 10'000;
// While every replica answers within this, the process works.
constexpr std::chrono::seconds kStuckAfter{15};

// The last sample of this node; null before the first.
const v1::NodeSample* OwnSample(const ClusterView& view) {
  const NodeView* const self = view.Find(view.self());
  return self->Seen() ? &self->latest() : nullptr;
}

}  // namespace

std::vector<ReadinessCheck> CheckLiveness(std::chrono::steady_clock::duration sample_age) {
  const bool moving = sample_age <= kStuckAfter;
  return {{"http", true, "ok"},
          {"replicas", moving,
           moving ? "ok" : absl::StrCat("one did not answer for ", kStuckAfter.count(), " s")}};
}

std::vector<ReadinessCheck> CheckReadiness(const ClusterView& view, bool stopping,
                                           const std::string& waiting_for) {
  std::vector<ReadinessCheck> checks;
  checks.push_back({"running", !stopping, stopping ? "this node is shutting down" : "ok"});
  const bool founded = waiting_for.empty();
  checks.push_back({"founded", founded, founded ? "ok" : "the cluster waits for " + waiting_for});
  const v1::NodeSample* const sample = OwnSample(view);
  if (sample == nullptr) {
    checks.push_back({"sampled", false, "nothing was measured yet"});
    return checks;
  }
  const bool full = sample->storage().disk_full();
  checks.push_back({"disk", !full, full ? "the disk is full" : "ok"});
  for (const uint32_t shard : view.shards()) checks.push_back(CheckShard(view, shard));
  return checks;
}

ReadinessCheck CheckShard(const ClusterView& view, uint32_t shard) {
  const std::string name = absl::StrCat("shard ", shard);
  const v1::NodeSample* const sample = OwnSample(view);
  const v1::ReplicaSample* const replica =
      sample == nullptr ? nullptr : FindReplica(*sample, shard);
  if (replica == nullptr) return {name, false, "it is not started"};
  const v1::ReplicaStatus& status = replica->status();
  const uint64_t to_apply = status.commit_index() - status.applied_index();
  const uint64_t lag = LagEntries(view, *replica).value_or(0);
  std::string detail = "ok";
  if (status.fenced()) {
    detail = "it is fenced off by evidence of a fault";
  } else if (status.leader_id() == 0) {
    detail = "no leader is known";
  } else if (to_apply > kCaughtUpWithin || lag > kCaughtUpWithin) {
    detail = absl::StrCat("it catches up: ", to_apply, " entries to execute, ", lag, " to get");
  }
  return {name, detail == "ok", detail};
}

HttpResponse ProbeResponse(const char* name, const std::vector<ReadinessCheck>& checks,
                           const HttpRequest& request) {
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  bool ok = true;
  for (const ReadinessCheck& check : checks) {
    ok &= check.ok;
    response.body += fmt::format("[{}] {}: {}\n", check.ok ? '+' : '-', check.name, check.detail);
  }
  if (ok && !request.query.contains("verbose")) response.body.clear();
  response.body += fmt::format("{} {}\n", name, ok ? "ok" : "failed");
  response.status = ok ? 200 : 503;
  return response;
}

}  // namespace quorumbook::server
