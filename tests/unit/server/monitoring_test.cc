// What a node concludes about the cluster from samples: quantiles, history, verdict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/duration_histogram.h"
#include "server/monitoring/cluster_json.h"
#include "server/monitoring/durations.h"
#include "server/monitoring/event_log.h"
#include "server/monitoring/health.h"
#include "server/monitoring/history.h"
#include "server/monitoring/metrics_page.h"
#include "server/monitoring/series.h"
#include "tests/unit/server/fake_cluster_view.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Durations Durations(std::initializer_list<std::chrono::nanoseconds> all) {
  DurationHistogram histogram;
  for (const auto duration : all) histogram.Add(duration);
  v1::Durations out;
  out.mutable_counts()->Assign(histogram.counts().begin(), histogram.counts().end());
  out.set_sum_ns(static_cast<uint64_t>(histogram.sum().count()));
  return out;
}

TEST(Durations, QuantilesAreInterpolatedWithinTheirBucket) {
  using std::chrono::microseconds;
  EXPECT_EQ(QuantileSeconds(v1::Durations(), 0.5), std::nullopt);
  // 60 and 70 us are both in the bucket from 50 to 100 us.
  const v1::Durations two = Durations({microseconds(60), microseconds(70)});
  EXPECT_DOUBLE_EQ(*QuantileSeconds(two, 0.5), 75e-6);
  EXPECT_DOUBLE_EQ(*MeanSeconds(two), 65e-6);
  EXPECT_DOUBLE_EQ(*QuantileSeconds(Durations({std::chrono::seconds(60)}), 0.5), 10)
      << "beyond the last bound";
  EXPECT_EQ(Count(Durations({microseconds(10)})), 1u);
  EXPECT_EQ(Durations({microseconds(10)}).counts(0), 1u) << "bounds belong to the bucket below";
}

TEST(Durations, ADifferenceIsWhatCameLater) {
  const v1::Durations early = Durations({std::chrono::seconds(1)});
  const v1::Durations late = Durations({std::chrono::seconds(1), std::chrono::milliseconds(1)});
  EXPECT_EQ(Count(Since(late, &early)), 1u);
  EXPECT_DOUBLE_EQ(*MeanSeconds(Since(late, &early)), 1e-3);
  EXPECT_EQ(Count(Since(late, nullptr)), 2u);
}

TEST(History, KeepsTheLastPoints) {
  History history({1, 2}, 2);
  EXPECT_EQ(history.size(), 0u);
  for (int64_t i = 1; i <= static_cast<int64_t>(kHistoryPoints) + 5; ++i) {
    history.Add(i, {{1, {static_cast<double>(i), -static_cast<double>(i)}}});
  }
  ASSERT_EQ(history.size(), kHistoryPoints);
  EXPECT_EQ(history.TimeMs(0), 6);
  EXPECT_EQ(history.TimeMs(kHistoryPoints - 1), 305);
  EXPECT_EQ(history.Value(1, 0, 0), 6);
  EXPECT_EQ(history.Value(1, 1, kHistoryPoints - 1), -305);
  EXPECT_TRUE(std::isnan(history.Value(2, 0, 0))) << "a node that was left out";
}

TEST(History, FollowsAClockThatIsSet) {
  History history({1}, 1);
  history.Add(10'000, {{1, {1}}});
  history.Add(11'000, {{1, {2}}});
  history.ShiftClock(-9'000);
  history.Add(3'000, {{1, {3}}});
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history.TimeMs(0), 1'000);
  EXPECT_EQ(history.TimeMs(2), 3'000);
  EXPECT_EQ(history.Value(1, 0, 1), 2);
}

TEST(ClusterView, ANodeIsReachableForThreeSecondsAfterItsAnswer) {
  FakeClusterView fake;
  EXPECT_FALSE(fake.view().Reachable(2)) << "it never answered";
  fake.Pass();
  EXPECT_TRUE(fake.view().Reachable(2));
  fake.Pass(3, "13");
  EXPECT_TRUE(fake.view().Reachable(2));
  fake.Pass("13");
  EXPECT_FALSE(fake.view().Reachable(2));
  EXPECT_EQ(fake.view().Find(2)->failure(), "connection refused");
}

TEST(ClusterView, WhoAnswersWithTheSameFiguresIsNotReachableForLong) {
  FakeClusterView fake;
  fake.Pass(2, "123");
  fake.Freeze(2);
  fake.Pass(3, "123");
  EXPECT_TRUE(fake.view().Reachable(2));
  EXPECT_EQ(fake.view().Find(2)->failure(), "");
  fake.Pass();
  EXPECT_FALSE(fake.view().Reachable(2));
  EXPECT_TRUE(fake.view().Find(2)->Answers(fake.view().now_ms()));
  EXPECT_THAT(fake.view().Find(2)->failure(), HasSubstr("stand still"));
  fake.Freeze(0);
  fake.Pass();
  EXPECT_TRUE(fake.view().Reachable(2));
  EXPECT_EQ(fake.view().Find(2)->failure(), "");
}

TEST(ClusterView, AClockThatIsSetNeitherHidesTheDeadNorLosesTheLiving) {
  for (const int64_t step_ms : {-3'600'000, 3'600'000}) {
    FakeClusterView fake;
    fake.Pass();
    fake.Pass(5, "13");
    fake.SetClock(step_ms);
    EXPECT_TRUE(fake.view().Reachable(3)) << step_ms;
    EXPECT_FALSE(fake.view().Reachable(2)) << step_ms;
  }
  // Told a time that is before what it was told last: not taken for the present.
  NodeView node(2, false, FakeClusterView::kStartMs);
  node.Add(std::make_shared<v1::NodeSample>(), FakeClusterView::kStartMs, 0.001);
  EXPECT_FALSE(node.Reachable(FakeClusterView::kStartMs - 3'600'000));
}

TEST(ClusterView, TheLeaderIsWhoLeadsInTheLatestTerm) {
  FakeClusterView fake;
  fake.Pass();
  EXPECT_EQ(fake.view().LeaderOf(7).node, 2u);
  // One that was cut off still thinks that it leads.
  fake.replica(3).mutable_status()->set_role(v1::ReplicaStatus::LEADER);
  fake.replica(3).mutable_status()->set_term(6);
  fake.Pass();
  EXPECT_EQ(fake.view().LeaderOf(7).node, 3u);
  // A later term without a leader: nobody leads.
  fake.replica(1).mutable_status()->set_term(8);
  fake.Pass();
  EXPECT_EQ(fake.view().LeaderOf(7).node, 0u);
}

TEST(ClusterView, ARestartForgetsEarlierSamples) {
  FakeClusterView fake;
  fake.Pass(3, "123");
  EXPECT_NE(fake.view().Find(2)->before(), nullptr);
  fake.sample(2).set_started_ms(FakeClusterView::kStartMs + 5);
  fake.Pass();
  EXPECT_EQ(fake.view().Find(2)->before(), nullptr) << "its counters began anew";
}

// What server/monitoring/cluster_view.h and docs/http.md say that a sample of a shard has at most.
TEST(ClusterView, ASampleIsBounded) {
  v1::ReplicaSample sample;
  DurationHistogram histogram;
  v1::Durations durations;
  durations.mutable_counts()->Assign(histogram.counts().begin(), histogram.counts().end());
  for (v1::Durations* const one :
       {sample.mutable_queue(), sample.mutable_append(), sample.mutable_replicate(),
        sample.mutable_commit(), sample.mutable_apply(), sample.mutable_match(),
        sample.mutable_acknowledge(), sample.mutable_read()}) {
    *one = durations;
  }
  const std::string name(28, 'x');
  for (int i = 0; i < 64; ++i) sample.add_symbol_samples()->set_name(name);
  for (int i = 0; i < 18; ++i) {
    sample.add_refused()->set_name(name);
    sample.add_commands()->set_command(name);
    sample.add_events()->set_name(name);
    sample.add_orders()->set_type(name);
  }
  for (int i = 0; i < 64; ++i) {
    sample.add_rejects()->set_name(name);
    sample.add_cancels()->set_name(name);
  }
  for (int i = 0; i < 7; ++i) {
    sample.add_followers();
    sample.mutable_status()->add_members();
    sample.mutable_status()->add_peers();
    sample.mutable_status()->add_fenced_nodes(1);
    for (int kind = 0; kind < 9; ++kind) sample.add_evidence()->set_kind(name);
  }
  EXPECT_LT(sample.SpaceUsedLong(), 48u << 10);
  EXPECT_GT(sample.SpaceUsedLong(), 32u << 10) << "say less";
}

TEST(Series, RatesAreOfTheLeaderAlone) {
  FakeClusterView fake;
  fake.Pass();
  EXPECT_EQ(SeriesValue(fake.view(), 2, "fills_per_second"), std::nullopt) << "one sample";
  for (uint32_t node = 1; node <= 3; ++node) fake.replica(node).set_trades(500);
  fake.Pass();
  EXPECT_EQ(SeriesValue(fake.view(), 2, "fills_per_second"), 500);
  EXPECT_EQ(SeriesValue(fake.view(), 1, "fills_per_second"), 0);
  EXPECT_EQ(SeriesValue(fake.view(), 2, "commit_p99_seconds"), std::nullopt) << "no commits";
}

TEST(Health, AllIsWell) {
  FakeClusterView fake;
  fake.Pass();
  const Health health = Judge(fake.view(), {}, "");
  EXPECT_EQ(health.verdict, Health::Verdict::kHealthy);
  EXPECT_EQ(health.sentence, "Healthy: 3 of 3 voters, can lose 1 node");
  EXPECT_THAT(health.reasons, IsEmpty());
}

TEST(Health, AMissingNodeIsNamed) {
  FakeClusterView fake;
  fake.Pass();
  fake.Pass(4, "12");
  const Health health = Judge(fake.view(), {}, "");
  EXPECT_EQ(health.verdict, Health::Verdict::kDegraded);
  EXPECT_EQ(health.sentence, "Degraded: node 3 does not answer; 2 of 3 voters, can lose 0 nodes");
}

// Who answers and can not vote, write or keep up is none that a commit can rest on.
TEST(Health, AVoterThatDoesNotWorkIsNotCounted) {
  struct Case {
    std::function<void(FakeClusterView*)> change;
    const char* reason;
  };
  const std::vector<Case> cases = {
      {[](auto* f) { f->sample(3).mutable_storage()->set_disk_full(true); },
       "the disk of node 3 is full"},
      {[](auto* f) { f->replica(3).mutable_status()->set_fenced(true); },
       "node 3 is fenced off in shard 7"},
      {[](auto* f) { f->replica(2).add_followers()->set_node_id(3); },
       "node 3 does not follow the leader of shard 7"},
  };
  for (const Case& one : cases) {
    FakeClusterView fake;
    one.change(&fake);
    fake.Pass();
    const Health health = Judge(fake.view(), {}, "");
    EXPECT_EQ(health.sentence,
              std::string("Degraded: ") + one.reason + "; 2 of 3 voters, can lose 0 nodes");
    EXPECT_EQ(health.can_lose, 0u);
  }
}

TEST(Health, WithoutAMajorityNothingGoes) {
  FakeClusterView fake;
  fake.Pass();
  fake.Pass(4, "1");
  const Health health = Judge(fake.view(), {}, "");
  EXPECT_EQ(health.verdict, Health::Verdict::kUnavailable);
  EXPECT_EQ(health.sentence, "Unavailable: shard 7 has 1 of 3 voters, fewer than a majority");
  EXPECT_THAT(health.shards_without_leader, ElementsAre(7));
}

TEST(Health, NoLeaderAlertsAndFounding) {
  FakeClusterView fake;
  fake.Lead(0, 6);
  fake.Pass();
  EXPECT_EQ(Judge(fake.view(), {}, "").sentence, "Unavailable: shard 7 has no leader");
  fake.Lead(1, 6);
  fake.Pass();
  const Health alert = Judge(fake.view(), {"SlowSync"}, "");
  EXPECT_EQ(alert.verdict, Health::Verdict::kDegraded);
  EXPECT_THAT(alert.sentence, HasSubstr("SlowSync"));
  const Health founding = Judge(fake.view(), {}, "node 2 to run");
  EXPECT_EQ(founding.verdict, Health::Verdict::kFounding);
  EXPECT_THAT(founding.sentence, HasSubstr("node 2 to run"));
}

std::string PageOf(const v1::NodeSample* sample, bool ready) {
  static const HttpMetrics& http = *new HttpMetrics();
  MetricsInputs inputs;
  inputs.sample = sample;
  inputs.ready = ready;
  inputs.http = &http;
  return RenderMetrics(inputs);
}

TEST(Metrics, ANodeIsReadyWhenReadyzSaysSo) {
  FakeClusterView fake;
  EXPECT_THAT(PageOf(&fake.sample(1), true), HasSubstr("\nquorumbook_node_ready 1\n"));
  EXPECT_THAT(PageOf(&fake.sample(1), false), HasSubstr("\nquorumbook_node_ready 0\n"))
      << "the figures may be old, and all well in them";
}

TEST(Metrics, NothingIsSaidOfWhatWasNotMeasured) {
  const std::string page = PageOf(nullptr, false);
  EXPECT_THAT(page, HasSubstr("\nquorumbook_node_ready 0\n"));
  EXPECT_THAT(page, Not(HasSubstr("quorumbook_build_info{")));
  EXPECT_THAT(page, Not(HasSubstr("process_start_time_seconds 0")));
}

size_t Count(const std::string& page, const std::string& text) {
  size_t count = 0;
  for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++count;
  return count;
}

// Node 3 began anew: its former self has the vote and is gone, its new one learns.
TEST(Metrics, ANodeThatIsReplacedIsOneSeries) {
  FakeClusterView fake;
  v1::ReplicaSample& leader = fake.replica(2);
  leader.mutable_status()->mutable_members(2)->set_incarnation(9);
  v1::MemberStatus* const anew = leader.mutable_status()->add_members();
  anew->set_node_id(3);
  anew->set_incarnation(1);  // drawn at random: it may be the smaller one
  anew->set_kind(v1::MemberStatus::LEARNER);
  const auto add = [&](uint32_t node, uint64_t incarnation, bool active, uint64_t match) {
    v1::FollowerSample* const follower = leader.add_followers();
    follower->set_node_id(node);
    follower->set_incarnation(incarnation);
    follower->set_active(active);
    follower->set_match_index(match);
  };
  add(1, 0, true, 100);
  add(3, 1, true, 90);
  add(3, 9, false, 95);
  const std::string page = PageOf(&fake.sample(2), true);
  EXPECT_EQ(Count(page, "\nquorumbook_raft_match_lag_entries{shard=\"7\",peer=\"3\"}"), 1u);
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_match_lag_entries{shard=\"7\",peer=\"3\"} 10\n"));
  EXPECT_EQ(Count(page, "\nquorumbook_raft_peer_inflight_bytes{shard=\"7\",peer=\"3\"}"), 1u);
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_voters{shard=\"7\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_active_voters{shard=\"7\"} 2\n"));
  leader.mutable_followers(1)->set_active(false);
  EXPECT_THAT(PageOf(&fake.sample(2), true),
              HasSubstr("\nquorumbook_raft_match_lag_entries{shard=\"7\",peer=\"3\"} 5\n"))
      << "nobody is heard: who has more";
}

TEST(Metrics, EvidenceNamesTheCulprit) {
  FakeClusterView fake;
  v1::EvidenceCount* const evidence = fake.replica(1).add_evidence();
  evidence->set_kind("diverged_state");
  evidence->set_culprit(3);
  evidence->set_count(2);
  evidence->set_age_seconds(90);
  const std::string page = PageOf(&fake.sample(1), true);
  const std::string labels = "{shard=\"7\",kind=\"diverged_state\",culprit=\"3\"}";
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_evidence_total" + labels + " 2\n"));
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_evidence_age_seconds" + labels + " 90\n"));
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_digest_mismatches_total{shard=\"7\"} 2\n"));
}

TEST(Metrics, WhomAReplicaHasFencedOffIsNamed) {
  FakeClusterView fake;
  EXPECT_THAT(PageOf(&fake.sample(1), true), Not(HasSubstr("\nquorumbook_raft_fenced_peer{")));
  fake.replica(1).mutable_status()->add_fenced_nodes(2);
  fake.replica(1).mutable_status()->add_fenced_nodes(3);
  const std::string page = PageOf(&fake.sample(1), true);
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_fenced_peer{shard=\"7\",peer=\"2\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_fenced_peer{shard=\"7\",peer=\"3\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("\nquorumbook_raft_fenced{shard=\"7\"} 0\n")) << "not itself";
}

TEST(ClusterJson, SaysWhoCouldNotBeAsked) {
  FakeClusterView fake;
  fake.Pass(1, "12");
  const Json envelope = Envelope(fake.view());
  ASSERT_EQ(envelope["unreachable"].size(), 1u);
  EXPECT_EQ(envelope["unreachable"][0]["node"], 3);
  EXPECT_EQ(envelope["unreachable"][0]["reason"], "connection refused");
  const Json nodes = NodesJson(fake.view(), {{1, "c1", "p1"}, {2, "c2", "p2"}, {3, "c3", "p3"}});
  EXPECT_EQ(nodes["nodes"][2]["reachable"], false);
  EXPECT_TRUE(nodes["nodes"][2]["version"].is_null());
  EXPECT_EQ(nodes["nodes"][1]["leads_shards"], Json::array({7}));
}

TEST(ClusterJson, SaysWhomAReplicaHasFencedOff) {
  FakeClusterView fake;
  fake.replica(1).mutable_status()->add_fenced_nodes(3);
  fake.Pass(1, "12");
  const Json replicas = ShardsJson(fake.view(), EventLog())["shards"][0]["replicas"];
  EXPECT_EQ(replicas[0].at("fenced_nodes"), Json::array({3}));
  EXPECT_EQ(replicas[1].at("fenced_nodes"), Json::array());
  EXPECT_TRUE(replicas[2].at("fenced_nodes").is_null()) << "it did not answer";
}

TEST(ClusterJson, SaysWhereABrowserReachesANode) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"127.0.0.1:8081", "http://127.0.0.1:8081"},
      {"node2:8080", "http://node2:8080"},
      {"https://book.example.com", "https://book.example.com"},
      {"0.0.0.0:8080", nullptr},
      {"[::]:8080", nullptr},
      {"", nullptr},
  };
  for (const auto& [address, url] : cases) {
    FakeClusterView fake;
    fake.sample(2).set_http_address(address);
    fake.Pass();
    const Json nodes = NodesJson(fake.view(), {{1, "c1", "p1"}, {2, "c2", "p2"}, {3, "c3", "p3"}});
    EXPECT_EQ(nodes["nodes"][1]["http"], url) << address;
    if (url.is_string() && address != "https://book.example.com") {
      EXPECT_EQ(nodes["nodes"][1]["http_address"], address);
    }
  }
}

TEST(ClusterJson, TimeseriesAreAlignedAndChosen) {
  FakeClusterView fake;
  History history({1, 2, 3}, AllSeries().size());
  for (int i = 0; i < 3; ++i) {
    fake.Pass();
    std::vector<double> values(AllSeries().size(), i);
    history.Add(fake.view().now_ms(), {{2, values}});
  }
  TimeseriesQuery query;
  query.series = {"open_orders"};
  query.nodes = {2, 3};
  query.since_ms = FakeClusterView::kStartMs + 1'000;
  const Json out = TimeseriesJson(fake.view(), history, query);
  EXPECT_EQ(out["times_ms"].size(), 2u);
  ASSERT_EQ(out["nodes"].size(), 2u);
  EXPECT_EQ(out["nodes"][0]["values"]["open_orders"], Json::array({1.0, 2.0}));
  EXPECT_EQ(out["nodes"][1]["values"]["open_orders"], Json::array({nullptr, nullptr}));
  EXPECT_EQ(out["nodes"][0]["values"].size(), 1u);
}

}  // namespace
}  // namespace quorumbook::server
