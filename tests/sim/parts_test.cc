// The simulator's own parts: clocks, queue, network, durable log, model, results between processes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exchange/exchange.h"
#include "tests/sim/batch.h"
#include "tests/sim/clock.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/model.h"
#include "tests/sim/mutant_report.h"
#include "tests/sim/network.h"
#include "tests/sim/result_codec.h"
#include "tests/sim/twin.h"

namespace quorumbook::sim {
namespace {

using consensus::Index;
using consensus::Term;

TEST(EventQueue, InOrderOfTimeAndThenOfAsking) {
  EventQueue queue;
  std::string happened;
  queue.At(20, [&] { happened += 'c'; });
  queue.At(10, [&] {
    happened += 'a';
    queue.After(0, [&] { happened += 'b'; });
  });
  queue.At(20, [&] { happened += 'd'; });
  queue.At(30, [&] { happened += 'e'; });
  while (queue.Step(25)) {
  }
  EXPECT_EQ(happened, "abcd");
  EXPECT_EQ(queue.now(), 25);
  EXPECT_TRUE(queue.Step(30));
  EXPECT_EQ(happened, "abcde");
}

TEST(NodeClock, TrueTimeIsTheFirstAtWhichTheClockShowsAnInstant) {
  for (const int64_t drift : {-40'000, 0, 17, 40'000}) {
    NodeClock clock(drift, 5 * kSecond, 12'345);
    clock.SetDrift(3 * kSecond, -drift);
    clock.JumpSteady(kSecond);
    for (const SimTime now : {4 * kSecond, kHour, 100 * kHour + 7}) {
      const SimTime found = clock.TrueTime(clock.Steady(now));
      EXPECT_EQ(clock.Steady(found), clock.Steady(now));
      EXPECT_LE(found, now);
      EXPECT_LT(clock.Steady(found - 1), clock.Steady(now));
    }
  }
}

TEST(NodeClock, OnlyTheWallClockGoesBack) {
  NodeClock clock(0, 0, 1);
  const consensus::Instant steady = clock.Steady(10 * kSecond);
  const exchange::Time wall = clock.Wall(10 * kSecond);
  clock.JumpWall(-kHour);
  EXPECT_EQ(clock.Steady(10 * kSecond), steady);
  EXPECT_EQ(clock.Wall(10 * kSecond), wall - kHour);
}

TEST(Network, CutsClogsAndHeals) {
  Scenario scenario;
  scenario.network_delay = kMillisecond;
  FaultCount fired;
  Network network(scenario, &fired);
  EXPECT_EQ(network.Arrival(0, 1, 2), kMillisecond);
  network.Cut(1, 2, true);
  EXPECT_FALSE(network.Arrival(0, 1, 2));
  EXPECT_TRUE(network.Arrival(0, 2, 1)) << "one way only";
  network.Cut(1, 2, false);
  network.Clog(1, 2, kSecond);
  EXPECT_EQ(network.Arrival(0, 1, 2), kSecond);
  EXPECT_EQ(network.Arrival(0, 1, 2), kSecond + 1) << "in order";
  network.Heal(1, 2);
  EXPECT_EQ(network.Arrival(2 * kSecond, 1, 2), 2 * kSecond + kMillisecond);
}

TEST(Network, ABlackHoleLosesWhatIsLarge) {
  const Scenario scenario;
  FaultCount fired;
  Network network(scenario, &fired);
  network.LoseLarger(1, 2, 100);
  EXPECT_TRUE(network.LosesLarge(1, 2));
  EXPECT_TRUE(network.Arrival(0, 1, 2, 100));
  EXPECT_FALSE(network.Arrival(0, 1, 2, 101));
  EXPECT_TRUE(network.Arrival(0, 2, 1, 101)) << "one way only";
  EXPECT_EQ(fired.of(Fault::kBlackHole), 1u);
  network.Heal(1, 2);
  EXPECT_TRUE(network.Arrival(0, 1, 2, 101));
}

TEST(Network, ASlowLinkCarriesOnePacketAfterTheOther) {
  Scenario scenario;
  scenario.network_delay = kMillisecond;
  FaultCount fired;
  Network network(scenario, &fired);
  network.SetBandwidth(1, 2, 1'000);
  EXPECT_EQ(network.Arrival(0, 1, 2, 500), kSecond / 2 + kMillisecond);
  EXPECT_EQ(network.Arrival(0, 1, 2, 1'000), kSecond * 3 / 2 + kMillisecond);
  EXPECT_EQ(network.Arrival(0, 1, 2), kSecond * 3 / 2 + kMillisecond + 1) << "in order";
  EXPECT_EQ(fired.of(Fault::kSlowLink), 3u);
  EXPECT_EQ(network.Arrival(0, 2, 1, 500), kMillisecond) << "one way only";
  EXPECT_EQ(network.Arrival(9 * kSecond, 1, 2, 100), 9 * kSecond + kSecond / 10 + kMillisecond);
  network.Heal(1, 2);
  EXPECT_EQ(network.Arrival(20 * kSecond, 1, 2, 500), 20 * kSecond + kMillisecond);
}

TEST(Network, LosesAndRepeatsAsOftenAsItIsSaid) {
  Scenario scenario;
  scenario.faults[static_cast<size_t>(Fault::kLoss)] = 250'000;
  scenario.faults[static_cast<size_t>(Fault::kDuplicate)] = 500'000;
  FaultCount fired;
  Network network(scenario, &fired);
  for (int i = 0; i < 10'000; ++i) {
    network.Arrival(0, 1, 2);
    network.Repeats(1, 2);
  }
  EXPECT_NEAR(static_cast<double>(fired.of(Fault::kLoss)), 2'500, 200);
  EXPECT_NEAR(static_cast<double>(fired.of(Fault::kDuplicate)), 5'000, 250);
}

TEST(Network, ALinkIsWholeWhenAllThatCutItHasEnded) {
  Scenario scenario;
  FaultCount fired;
  Network network(scenario, &fired);
  network.Cut(1, 2, true);
  network.Cut(1, 2, true);
  network.Cut(1, 2, false);
  EXPECT_TRUE(network.IsCut(1, 2));
  network.Cut(1, 2, false);
  EXPECT_FALSE(network.IsCut(1, 2));
  network.Cut(1, 2, true);
  network.Heal(1, 2);
  network.Cut(1, 2, false);  // what had cut it ends later
  EXPECT_FALSE(network.IsCut(1, 2));
  network.Cut(1, 2, true);
  EXPECT_TRUE(network.IsCut(1, 2));
}

TEST(Network, RepeatsMuchLater) {
  Scenario scenario;
  scenario.faults[static_cast<size_t>(Fault::kLateDuplicate)] = 100'000;
  FaultCount fired;
  Network network(scenario, &fired);
  SimTime latest = 0;
  for (int i = 0; i < 10'000; ++i) {
    latest = std::max(latest, network.LateRepetition(1, 2, /*weight=*/2).value_or(0));
  }
  EXPECT_NEAR(static_cast<double>(fired.of(Fault::kLateDuplicate)), 2'000, 200);
  EXPECT_GT(latest, kSecond);
  network.Heal(1, 2);
  EXPECT_FALSE(network.LateRepetition(1, 2, /*weight=*/10).has_value());
}

consensus::Entry MakeEntry(uint64_t index, uint64_t term) {
  return {.term = Term(term),
          .index = Index(index),
          .type = consensus::EntryType::kNoOp,
          .chain = {index, term},
          .payload = std::make_shared<const std::string>()};
}

TEST(DurableLog, FollowsWrites) {
  DurableLog log;
  consensus::Persist persist;
  persist.hard_state = consensus::HardState{.term = Term(2), .vote = NodeId(1), .commit = {}};
  for (uint64_t i = 1; i <= 5; ++i) persist.entries.push_back(MakeEntry(i, 1));
  log.Apply(DurableChange(persist));
  EXPECT_EQ(log.hard_state().term, Term(2));
  EXPECT_EQ(log.last(), Index(5));
  consensus::Persist conflict;
  conflict.truncate_from = Index(4);
  conflict.entries.push_back(MakeEntry(4, 2));
  conflict.compact_through = Index(2);
  log.Apply(DurableChange(conflict));
  EXPECT_EQ(log.last(), Index(4));
  EXPECT_EQ(log.Meta(Index(4))->term, Term(2));
  EXPECT_FALSE(log.Meta(Index(2)));
  log.SaveSnapshot({.index = Index(3), .term = Term(1), .chain = {3, 1}});
  EXPECT_EQ(log.snapshot_index(), Index(3));
  EXPECT_TRUE(log.Meta(Index(3)));
}

exchange::NewOrder Order(uint64_t id, exchange::Side side, exchange::Price price,
                         exchange::Quantity quantity) {
  exchange::NewOrder order;
  order.symbol = exchange::SymbolId(1);
  order.client_order_id = exchange::ClientOrderId(id);
  order.side = side;
  order.price = price;
  order.quantity = quantity;
  return order;
}

exchange::Batch Market() {
  exchange::AddSymbol symbol;
  symbol.name = "S1";
  symbol.tick_size = {1, -2};
  symbol.lot_size = {1, 0};
  exchange::Batch batch;
  batch.groups = {
      exchange::OpenSession{exchange::AccountId(1)},
      exchange::SessionCommands{
          exchange::SessionId(1),
          1,
          0,
          {symbol, Order(1, exchange::Side::kSell, 101, 5), Order(2, exchange::Side::kBuy, 102, 7),
           exchange::CancelOrder{exchange::SymbolId(1), exchange::ClientOrderId(2)}}},
      exchange::SessionCommands{exchange::SessionId(1), 9, 0, {symbol}},
      exchange::SessionCommands{exchange::SessionId(2), 1, 0, {symbol}}};
  return batch;
}

TEST(Model, AgreesWithTheExchange) {
  exchange::Exchange exchange;
  exchange::ApplyResult result;
  exchange.Apply(Market(), &result);
  Model model;
  EXPECT_EQ(model.Execute(Market(), result), std::nullopt);
  EXPECT_EQ(model.last_sequence(), exchange.last_sequence());
}

TEST(Model, SeesWhatIsExecutedTwiceOrOtherwise) {
  exchange::Exchange exchange;
  exchange::ApplyResult result;
  exchange.Apply(Market(), &result);
  exchange::ApplyResult other = result;
  other.events[2].quantity += 1;
  EXPECT_NE(Model().Execute(Market(), other), std::nullopt);
  other = result;
  other.groups[2].status = exchange::SessionStatus::kOk;
  EXPECT_NE(Model().Execute(Market(), other), std::nullopt);
  Model model;
  ASSERT_EQ(model.Execute(Market(), result), std::nullopt);
  exchange::Batch again;
  again.groups = {Market().groups[1]};
  exchange.Apply(again, &result);
  result.commands[1].repeated = false;
  EXPECT_NE(model.Execute(again, result), std::nullopt);
}

TEST(Scenario, ASeedMeansOneThingAndSeedsMeanManyThings) {
  std::set<std::string> texts;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::string text = DrawScenario(seed, Profile::kSwarm, 0).ToString();
    EXPECT_EQ(text, DrawScenario(seed, Profile::kSwarm, 0).ToString());
    texts.insert(text);
  }
  EXPECT_GT(texts.size(), 45u);
}

TEST(Simulation, TwoRunsOfASeedAreOne) {
  const Scenario scenario = DrawScenario(3, Profile::kLoad, 20 * kSecond);
  const SimulationResult first = Simulate(scenario, false);
  const SimulationResult second = Simulate(scenario, false);
  EXPECT_EQ(first.failure, std::nullopt);
  EXPECT_GT(first.requests, 10u);
  EXPECT_EQ(first.trace, second.trace);
  EXPECT_NE(first.trace, Simulate(DrawScenario(4, Profile::kLoad, 20 * kSecond), false).trace);
}

TEST(ResultCodec, GivesBackWhatWasPutIn) {
  SeedResult result;
  result.seed = 17;
  result.cpu_seconds = 0.25;
  result.result.failure = "so it is";
  result.result.events = 5;
  result.result.fired.Add(Fault::kBridge, 3);
  result.result.elections = {1, 2, 3};
  const SeedResult back = DecodeSeedResult(Encode(result));
  EXPECT_EQ(back.seed, 17u);
  EXPECT_EQ(back.cpu_seconds, 0.25);
  EXPECT_EQ(back.result.failure, "so it is");
  EXPECT_EQ(back.result.events, 5u);
  EXPECT_EQ(back.result.fired.of(Fault::kBridge), 3u);
  EXPECT_EQ(back.result.elections, result.result.elections);
}

TEST(Batch, AFailureIsReportedOnceAndHasItsCommand) {
  BatchOptions options;
  options.last_seed = 40;
  options.jobs = 2;
  options.twice = false;
  options.mutant = FindMutant("entry_skipped");
  ASSERT_NE(options.mutant, nullptr);
  std::set<uint64_t> seeds;
  uint64_t failures = 0;
  ASSERT_TRUE(RunBatch(options, [&](const SeedResult& result) {
                EXPECT_TRUE(seeds.insert(result.seed).second);
                if (result.result.failure) ++failures;
              }).ok());
  EXPECT_EQ(seeds.size(), 40u);
  EXPECT_GT(failures, 10u);
  EXPECT_EQ(CommandFor(options, 7), "quorumbook-sim --seed 7 --verbose --mutant entry_skipped");
}

TEST(Twin, WhateverDiffersInTheSecondRunIsReported) {
  BatchOptions options;
  options.profile = Profile::kLoad;
  options.time = 5 * kSecond;
  const SeedResult sound = RunSeed(options, 3);
  SeedResult first = sound;
  EXPECT_EQ(CompareWithSecondRun(options, nullptr, &first), std::nullopt);
  EXPECT_EQ(first.runs, 2);
  const auto compare = [&](auto change) {
    SeedResult other = sound;
    change(&other.result);
    return CompareWithSecondRun(options, nullptr, &other);
  };
  const std::string differ = "two runs of this seed differ";
  EXPECT_EQ(compare([](SimulationResult* run) { ++run->trace; }), differ);
  EXPECT_EQ(compare([](SimulationResult* run) { ++run->events; }), differ);
  EXPECT_EQ(compare([](SimulationResult* run) { run->failure = "other"; }), differ);
}

// The second process does something else: as if what happens depended on more than the seed.
TEST(Twin, ABatchWhoseSecondRunsDifferFails) {
  BatchOptions options;
  options.first_seed = 3;
  options.last_seed = 4;
  options.profile = Profile::kLoad;
  options.time = 5 * kSecond;
  options.twin = TwinOf(options);
  options.twin[0] = QUORUMBOOK_SIM;
  const auto failures = [&options] {
    std::vector<std::string> all;
    EXPECT_TRUE(RunBatch(options, [&all](const SeedResult& result) {
                  EXPECT_EQ(result.runs, 2);
                  all.push_back(result.result.failure.value_or("none"));
                }).ok());
    return all;
  };
  EXPECT_EQ(failures(), std::vector<std::string>(2, "none"));
  BatchOptions longer = options;
  longer.time += kSecond;
  options.twin = TwinOf(longer);
  options.twin[0] = QUORUMBOOK_SIM;
  EXPECT_EQ(failures(), std::vector<std::string>(2, "two runs of this seed differ"));
}

TEST(MutantReport, ASurvivorOrAHighMedianFails) {
  const auto ok = [](const std::vector<std::optional<uint64_t>>& seeds, bool all) {
    MutantReport report({}, all);
    for (const std::optional<uint64_t> one : seeds) report.Add(AllMutants()[0], one, "it is seen");
    EXPECT_EQ(nlohmann::json::parse(report.ToJson())["ok"], report.ok());
    return report.ok();
  };
  EXPECT_TRUE(ok({1, 2'000, 199}, true));
  EXPECT_FALSE(ok({1, 2'000, 200}, true));
  EXPECT_TRUE(ok({2'000}, false)) << "one alone has no median to keep";
  EXPECT_FALSE(ok({1, std::nullopt, 1}, false));
  EXPECT_FALSE(ok({std::nullopt}, true));
}

}  // namespace
}  // namespace quorumbook::sim
