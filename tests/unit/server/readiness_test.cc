// What /livez and /readyz say, and when they say no.
#include "server/monitoring/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/server/fake_cluster_view.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What does not hold, as "name: detail".
std::vector<std::string> Failing(const std::vector<ReadinessCheck>& checks) {
  std::vector<std::string> failing;
  for (const ReadinessCheck& check : checks) {
    if (!check.ok) failing.push_back(check.name + ": " + check.detail);
  }
  return failing;
}

TEST(Readiness, SaysWhatStandsInTheWay) {
  FakeClusterView fake;
  const auto failing = [&fake](bool stopping = false, const std::string& waiting_for = "") {
    return Failing(CheckReadiness(fake.view(), stopping, waiting_for));
  };
  EXPECT_THAT(failing(), ElementsAre("sampled: nothing was measured yet"));
  EXPECT_EQ(CheckShard(fake.view(), 7).detail, "it is not started");
  fake.Pass();
  EXPECT_THAT(failing(), IsEmpty());
  EXPECT_THAT(failing(true), ElementsAre("running: this node is shutting down"));
  EXPECT_THAT(failing(false, "node 2 to run"),
              ElementsAre("founded: the cluster waits for node 2 to run"));

  fake.sample(1).mutable_storage()->set_disk_full(true);
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("disk: the disk is full"));
  fake.sample(1).mutable_storage()->set_disk_full(false);

  v1::ReplicaStatus* const own = fake.replica(1).mutable_status();
  own->set_leader_id(0);
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("shard 7: no leader is known"));
  own->set_fenced(true);
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("shard 7: it is fenced off by evidence of a fault"));
  own->set_fenced(false);
  own->set_leader_id(2);

  own->set_commit_index(10'100);
  fake.Pass();
  EXPECT_THAT(failing(), IsEmpty()) << "10,000 to execute are as good as none";
  own->set_commit_index(10'101);
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("shard 7: it catches up: 10001 entries to execute, 0 to get"));
  own->set_commit_index(100);
  fake.replica(2).mutable_status()->set_last_index(10'101);
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("shard 7: it catches up: 0 entries to execute, 10001 to get"));

  fake.sample(1).clear_replicas();
  fake.Pass();
  EXPECT_THAT(failing(), ElementsAre("shard 7: it is not started"));
}

TEST(Readiness, OthersDoNotMakeANodeUnready) {
  FakeClusterView fake;
  fake.sample(2).mutable_storage()->set_disk_full(true);
  fake.replica(3).mutable_status()->set_fenced(true);
  fake.Pass();
  EXPECT_THAT(Failing(CheckReadiness(fake.view(), false, "")), IsEmpty());
}

TEST(Readiness, AProcessLivesWhileItsReplicasAnswer) {
  EXPECT_THAT(Failing(CheckLiveness(std::chrono::seconds(15))), IsEmpty());
  const std::vector<ReadinessCheck> stuck = CheckLiveness(std::chrono::milliseconds(15'001));
  EXPECT_THAT(Failing(stuck), ElementsAre("replicas: one did not answer for 15 s"));
  const HttpResponse answer = ProbeResponse("livez", stuck, {});
  EXPECT_EQ(answer.status, 503u);
  EXPECT_EQ(answer.body, "[+] http: ok\n[-] replicas: one did not answer for 15 s\nlivez failed\n");
}

TEST(Readiness, AProbeThatHoldsSaysMoreWhenItIsAsked) {
  const std::vector<ReadinessCheck> checks = CheckLiveness(std::chrono::seconds(0));
  HttpRequest request;
  EXPECT_EQ(ProbeResponse("livez", checks, request).status, 200u);
  EXPECT_EQ(ProbeResponse("livez", checks, request).body, "livez ok\n");
  request.query["verbose"] = "";
  EXPECT_EQ(ProbeResponse("livez", checks, request).body,
            "[+] http: ok\n[+] replicas: ok\nlivez ok\n");
}

}  // namespace
}  // namespace quorumbook::server
