// The alert rules: when they fire, what they say, and that the files made of them are as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <set>
#include <sstream>

#include "common/duration_histogram.h"
#include "server/monitoring/alert_engine.h"
#include "server/monitoring/series.h"
#include "tests/unit/server/fake_cluster_view.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AlertsTest : public ::testing::Test {
 protected:
  AlertsTest() : history_({1, 2, 3}, AllSeries().size()), engine_(&AlertRules()) {}

  // A second passes.
  std::vector<AlertChange> Pass(const std::string& answering = "123") {
    fake_.Pass(answering);
    events_.Observe(fake_.view());
    return engine_.Evaluate({fake_.view(), events_, history_});
  }
  void Pass(int seconds, const std::string& answering = "123") {
    for (int i = 0; i < seconds; ++i) Pass(answering);
  }
  static const AlertRule& Rule(std::string_view name) {
    for (const AlertRule& rule : AlertRules()) {
      if (rule.name == name) return rule;
    }
    ADD_FAILURE() << "no rule " << name;
    return AlertRules().front();
  }
  // The node has evidence against another, that came a moment ago.
  static v1::EvidenceCount* Accuse(FakeClusterView* fake, uint32_t node, const char* kind,
                                   uint32_t culprit) {
    v1::EvidenceCount* const evidence = fake->replica(node).add_evidence();
    evidence->set_kind(kind);
    evidence->set_culprit(culprit);
    evidence->set_count(1);
    evidence->set_age_seconds(0.5);
    return evidence;
  }
  const AlertEngine::Instances& InstancesOf(std::string_view name) const {
    return engine_.InstancesOf(Rule(name));
  }

  FakeClusterView fake_;
  EventLog events_;
  History history_;
  AlertEngine engine_;
};

TEST_F(AlertsTest, AHealthyClusterIsQuiet) {
  Pass(60);
  EXPECT_THAT(engine_.Firing(), IsEmpty());
  EXPECT_EQ(engine_.pending(), 0u);
}

TEST_F(AlertsTest, PendingThenFiringThenResolved) {
  Pass(2);
  Pass(5, "12");  // not reachable from the fourth second on
  EXPECT_EQ(engine_.pending(), 1u);
  ASSERT_EQ(InstancesOf("QuorumbookNodeDown").size(), 1u);
  const int64_t since = InstancesOf("QuorumbookNodeDown").begin()->second.since_ms;
  EXPECT_THAT(engine_.Firing(), IsEmpty()) << "not for long enough yet";
  Pass(14, "12");
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookNodeDown"));
  const auto& [labels, instance] = *InstancesOf("QuorumbookNodeDown").begin();
  EXPECT_EQ(labels, (AlertLabels{{"node", "3"}}));
  EXPECT_EQ(instance.since_ms, since) << "it is still the same";
  EXPECT_THAT(instance.message, HasSubstr("node 3"));
  ASSERT_EQ(engine_.history().size(), 1u);
  EXPECT_TRUE(engine_.history().front().firing);
  Pass();
  EXPECT_THAT(engine_.Firing(), IsEmpty());
  ASSERT_EQ(engine_.history().size(), 2u);
  EXPECT_FALSE(engine_.history().front().firing);
}

TEST_F(AlertsTest, AClockThatIsSetMakesNothingDueSoonerOrLater) {
  for (const int64_t step_ms : {-3'600'000, 3'600'000}) {
    Pass(5);
    Pass(5, "12");
    ASSERT_EQ(InstancesOf("QuorumbookNodeDown").size(), 1u);
    fake_.SetClock(step_ms);
    engine_.ShiftClock(step_ms);
    Pass(10, "12");
    EXPECT_THAT(engine_.Firing(), IsEmpty()) << step_ms;
    Pass(5, "12");
    EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookNodeDown")) << step_ms;
  }
}

TEST_F(AlertsTest, WhatIsOverBeforeItFiresLeavesNoTrace) {
  Pass(2);
  Pass(6, "12");
  EXPECT_EQ(engine_.pending(), 1u);
  Pass();
  EXPECT_EQ(engine_.pending(), 0u);
  EXPECT_THAT(engine_.history(), IsEmpty());
}

// What is pending and what is over is told to who looks, whether it ever fired or not.
TEST_F(AlertsTest, SaysWhetherAnythingChanged) {
  Pass(2);
  EXPECT_FALSE(engine_.changed());
  int told = 0;
  for (int second = 0; second < 20; ++second) {
    Pass("12");
    told += engine_.changed() ? 1 : 0;
  }
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookNodeDown"));
  EXPECT_EQ(told, 2) << "pending, then firing";
  Pass();
  EXPECT_TRUE(engine_.changed()) << "over";
  Pass();
  EXPECT_FALSE(engine_.changed());
  Pass(6, "12");
  ASSERT_EQ(engine_.pending(), 1u);
  Pass();
  EXPECT_TRUE(engine_.changed()) << "over before it fired";
}

TEST_F(AlertsTest, EachConditionIsSeen) {
  struct Case {
    std::string_view rule;
    std::function<void(FakeClusterView*)> change;
  };
  const std::vector<Case> cases = {
      {"QuorumbookApplyLag",
       [](auto* f) { f->replica(2).mutable_status()->set_commit_index(10'101); }},
      {"QuorumbookBackgroundErrors",
       [](auto* f) { f->sample(1).mutable_storage()->set_background_errors(1); }},
      {"QuorumbookCertificateExpiry",
       [](auto* f) {
         f->sample(1).set_certificate_expires(FakeClusterView::kStartMs / 1'000 + 13 * 86'400);
         f->sample(2).set_certificate_expires(FakeClusterView::kStartMs / 1'000 + 15 * 86'400);
       }},
      {"QuorumbookClockOffset",
       [](auto* f) { f->sample(1).mutable_peers(0)->set_clock_offset_seconds(-0.6); }},
      {"QuorumbookDiskFull", [](auto* f) { f->sample(1).mutable_storage()->set_disk_full(true); }},
      {"QuorumbookDiskLow",
       [](auto* f) { f->sample(1).mutable_storage()->set_disk_free_bytes(9'000'000'000); }},
      {"QuorumbookFenced", [](auto* f) { f->replica(3).mutable_status()->set_fenced(true); }},
      {"QuorumbookMembersMissing", [](auto* f) { f->replica(2).add_followers()->set_node_id(3); }},
      {"QuorumbookNoLeader", [](auto* f) { f->Lead(0, 6); }},
      {"QuorumbookOpenFiles", [](auto* f) { f->sample(1).mutable_process()->set_open_files(801); }},
      {"QuorumbookPeerDisconnected",
       [](auto* f) { f->sample(1).mutable_peers(0)->set_connected(false); }},
      {"QuorumbookReplicaLag",
       [](auto* f) { f->replica(2).mutable_status()->set_last_index(10'101); }},
      {"QuorumbookSlowPeer",
       [](auto* f) { f->sample(1).mutable_peers(0)->set_round_trip_seconds(0.3); }},
      {"QuorumbookStoreDamaged",
       [](auto* f) { f->sample(2).mutable_storage()->set_corruptions(1); }},
      {"QuorumbookVersionSkew", [](auto* f) { f->sample(3).set_version("1.0.1"); }},
      {"QuorumbookEvidence", [](auto* f) { Accuse(f, 1, "double_vote", 3); }},
      {"QuorumbookStateDiverged", [](auto* f) { Accuse(f, 1, "diverged_state", 3); }},
  };
  for (const Case& one : cases) {
    FakeClusterView fake;
    EventLog events;
    AlertEngine engine(&AlertRules());
    const AlertInputs inputs{fake.view(), events, history_};
    fake.Pass();
    engine.Evaluate(inputs);
    EXPECT_TRUE(engine.InstancesOf(Rule(one.rule)).empty()) << one.rule;
    one.change(&fake);
    fake.Pass();
    engine.Evaluate(inputs);
    EXPECT_FALSE(engine.InstancesOf(Rule(one.rule)).empty()) << one.rule;
  }
}

// Two of three saw that the third has another state. It is not they who are to be examined, and one
// who did it once is not accused for ever.
TEST_F(AlertsTest, EvidenceNamesTheCulpritForAnHour) {
  Pass();
  v1::EvidenceCount* const first = Accuse(&fake_, 1, "diverged_state", 3);
  v1::EvidenceCount* const second = Accuse(&fake_, 2, "diverged_state", 3);
  v1::EvidenceCount* const other = Accuse(&fake_, 2, "corrupt_entry", 0);
  Pass();
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookEvidence", "QuorumbookStateDiverged"));
  ASSERT_EQ(InstancesOf("QuorumbookStateDiverged").size(), 1u);
  const auto& [labels, instance] = *InstancesOf("QuorumbookStateDiverged").begin();
  EXPECT_EQ(labels, (AlertLabels{{"culprit", "3"}, {"shard", "7"}}));
  EXPECT_THAT(instance.message, HasSubstr("culprit 3"));
  ASSERT_EQ(InstancesOf("QuorumbookEvidence").size(), 1u);
  EXPECT_EQ(InstancesOf("QuorumbookEvidence").begin()->first,
            (AlertLabels{{"culprit", "unknown"}, {"kind", "corrupt_entry"}, {"shard", "7"}}));
  first->set_age_seconds(3'599);
  second->set_age_seconds(3'605);
  other->set_age_seconds(3'600);
  Pass();
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookStateDiverged")) << "the latest counts";
  first->set_age_seconds(3'600);
  Pass();
  EXPECT_THAT(engine_.Firing(), IsEmpty());
}

// Counters that rise in bursts, on average by a bit more than the thresholds.
TEST_F(AlertsTest, RatesAreThoseOfAMinute) {
  v1::ReplicaSample& leader = fake_.replica(2);
  v1::CommandCount* const commands = leader.add_commands();
  commands->set_command("new_order");
  Pass(2);
  for (uint64_t second = 0; second < 150; ++second) {
    if (second % 10 == 0) {
      const uint64_t count = second / 10 + 1;
      leader.set_failed(15 * count);
      leader.set_cut(2 * count);
      commands->set_accepted(100 * count);
      commands->set_rejected(120 * count);
      fake_.sample(1).set_grpc_errors(15 * count);
    }
    Pass();
  }
  for (const char* rule : {"QuorumbookProposalsFailing", "QuorumbookSlowConsumers",
                           "QuorumbookRejectSpike", "QuorumbookGrpcErrors"}) {
    ASSERT_EQ(InstancesOf(rule).size(), 1u) << rule;
    EXPECT_TRUE(InstancesOf(rule).begin()->second.firing) << rule;
  }
  Pass(61);
  EXPECT_THAT(engine_.Firing(), IsEmpty()) << "nothing more in the last minute";
}

TEST_F(AlertsTest, NowAndThenIsNoRate) {
  Pass(2);
  for (uint64_t second = 0; second < 180; ++second) {
    const uint64_t count = second / 30 + 1;  // one in 30 s
    fake_.replica(2).set_cut(count);
    fake_.replica(2).set_failed(count);
    fake_.sample(1).set_grpc_errors(count);
    Pass();
    ASSERT_EQ(engine_.pending(), 0u) << second;
    ASSERT_THAT(engine_.Firing(), IsEmpty()) << second;
  }
}

TEST_F(AlertsTest, AWriteStallIsToldForAMinute) {
  Pass(2);
  fake_.sample(1).mutable_storage()->set_write_stalls(1);
  Pass(60);
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookWriteStalls"));
  Pass();
  EXPECT_THAT(engine_.Firing(), IsEmpty());
}

// Its counters begin anew: no rise, and no fall.
TEST_F(AlertsTest, ARestartIsNoRate) {
  fake_.replica(2).set_cut(1'000);
  Pass(5);
  fake_.sample(2).set_started_ms(FakeClusterView::kStartMs + 1);
  fake_.replica(2).set_cut(0);
  Pass(5);
  EXPECT_EQ(fake_.view().Find(2)->minute().Rise(7, &MinuteRates::OfShard::cut), 0);
}

TEST_F(AlertsTest, SlowDisksAndCommitsAreSeen) {
  Pass(2);
  const auto slow = [](v1::Durations* durations) {
    for (size_t i = 0; i <= kDurationBounds.size(); ++i) durations->add_counts(i == 15 ? 1 : 0);
  };
  slow(fake_.replica(2).mutable_commit());
  slow(fake_.sample(3).mutable_storage()->mutable_sync());
  Pass();
  EXPECT_EQ(InstancesOf("QuorumbookSlowCommit").size(), 1u);
  EXPECT_EQ(InstancesOf("QuorumbookSlowSync").size(), 1u);
}

TEST_F(AlertsTest, AFlappingLeaderIsSeen) {
  Pass();
  for (uint32_t i = 0; i < 3; ++i) {
    fake_.Lead(1 + i % 3, 10 + i);
    Pass();
  }
  EXPECT_THAT(engine_.Firing(), IsEmpty()) << "three changes; the first leader seen is none";
  fake_.Lead(1, 20);
  Pass();
  EXPECT_THAT(engine_.Firing(), ElementsAre("QuorumbookLeaderFlapping"));
}

// However many others there are.
TEST(Alerts, EveryFlappingShardIsSeen) {
  std::vector<uint32_t> shards(32);
  std::iota(shards.begin(), shards.end(), 1);
  FakeClusterView fake(shards);
  EventLog events;
  const History history({1, 2, 3}, AllSeries().size());
  AlertEngine engine(&AlertRules());
  fake.Pass();
  events.Observe(fake.view());
  for (uint64_t change = 0; change < 4; ++change) {
    for (int shard = 0; shard < 32; ++shard) {
      fake.Lead(static_cast<uint32_t>(1 + change % 3), 10 + change, shard);
      fake.Pass();
      events.Observe(fake.view());
    }
  }
  engine.Evaluate({fake.view(), events, history});
  for (const AlertRule& rule : AlertRules()) {
    if (rule.name != "QuorumbookLeaderFlapping") continue;
    EXPECT_EQ(engine.InstancesOf(rule).size(), 32u);
    fake.Pass(300, "123");
    engine.Evaluate({fake.view(), events, history});
    EXPECT_THAT(engine.InstancesOf(rule), IsEmpty()) << "long ago";
  }
}

TEST_F(AlertsTest, ALeaderOutOfSightIsNoElection) {
  Pass();
  for (int i = 0; i < 5; ++i) {
    Pass(4, "13");
    Pass();
  }
  EXPECT_TRUE(InstancesOf("QuorumbookLeaderFlapping").empty());
  EXPECT_EQ(events_.LeaderChanges(7), 0u);
}

TEST_F(AlertsTest, ANodeWhoseFiguresStandStillIsSeen) {
  Pass(2);
  fake_.Freeze(3);
  Pass(10);
  EXPECT_TRUE(InstancesOf("QuorumbookFiguresOld").empty());
  Pass();
  ASSERT_EQ(InstancesOf("QuorumbookFiguresOld").size(), 1u);
  EXPECT_EQ(InstancesOf("QuorumbookFiguresOld").begin()->first, (AlertLabels{{"node", "3"}}));
}

TEST_F(AlertsTest, ADiskThatFillsIsSeenBeforeItIsFull) {
  size_t series = 0;
  while (AllSeries()[series].name != "disk_free_bytes") ++series;
  for (int i = 0; i < 100; ++i) {
    std::vector<double> values(AllSeries().size(), 0);
    values[series] = 50e9 - 10e6 * i;  // 10 MB a second: 50 GB last less than 2 hours
    history_.Add(i * 1'000 + 1, {{2, values}});
  }
  Pass();
  EXPECT_EQ(InstancesOf("QuorumbookDiskFilling").size(), 1u);
}

// What comes and goes by itself is no trend, and a node that was not there at first has one too.
TEST_F(AlertsTest, ATrendIsOfAllThatIsKnown) {
  size_t series = 0;
  while (AllSeries()[series].name != "disk_free_bytes") ++series;
  for (int i = 0; i < 200; ++i) {
    std::map<uint32_t, std::vector<double>> values;
    std::vector<double> of_node(AllSeries().size(), 0);
    // A compaction writes for the last moment: the first and the last value alone say "filling".
    of_node[series] = i == 199 ? 40e9 : 50e9;
    values[2] = of_node;
    if (i >= 100) {
      of_node[series] = 50e9 - 10e6 * i;
      values[3] = of_node;
    }
    history_.Add(i * 1'000 + 1, values);
  }
  Pass();
  ASSERT_EQ(InstancesOf("QuorumbookDiskFilling").size(), 1u);
  EXPECT_EQ(InstancesOf("QuorumbookDiskFilling").begin()->first, (AlertLabels{{"node", "3"}}));
}

TEST(AlertRules, AreWholeAndInOrder) {
  EXPECT_GE(AlertRules().size(), 15u);
  std::string_view last;
  for (const AlertRule& rule : AlertRules()) {
    EXPECT_LT(last, rule.name);
    last = rule.name;
    EXPECT_TRUE(rule.severity == "critical" || rule.severity == "warning") << rule.name;
    for (const std::string_view text : {rule.summary, rule.what_to_do, rule.unit, rule.query}) {
      EXPECT_FALSE(text.empty()) << rule.name;
      EXPECT_EQ(text.find("  "), std::string_view::npos) << rule.name;
    }
  }
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Run with WRITE_RULES=1 after a change of the rules.
TEST(AlertRules, TheFileForPrometheusIsMadeOfThem) {
  const std::string path = "deploy/prometheus/rules.yml";
  if (std::getenv("WRITE_RULES") != nullptr) std::ofstream(path) << RulesYaml();
  EXPECT_EQ(Contents(path), RulesYaml()) << "write it anew: WRITE_RULES=1 monitoring_test";
}

TEST(AlertRules, EachHasItsEntryInTheRunbook) {
  const std::string text = Contents("docs/operating.md");
  for (const AlertRule& rule : AlertRules()) {
    EXPECT_THAT(text, HasSubstr("\n### " + std::string(rule.name) + "\n"));
  }
}

}  // namespace
}  // namespace quorumbook::server
