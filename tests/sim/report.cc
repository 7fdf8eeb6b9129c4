#include "tests/sim/report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace quorumbook::sim {

namespace {

std::string_view NameOf(Profile profile) {
  switch (profile) {
    case Profile::kLoad:
      return "load";
    case Profile::kLeaderDeath:
      return "leader_death";
    default:
      return "swarm";
  }
}

}  // namespace

std::string HowMeasured(const BatchOptions& options) {
  const std::string time = options.time == 0
                               ? "30 to 150 s"
                               : absl::StrFormat("%g h", static_cast<double>(options.time) / kHour);
  return absl::StrFormat(
      "measured: profile %s, seeds %d..%d, each %s, %s of faults a seed%s, %d processes, "
      "quorumbook %s (%s)",
      std::string(NameOf(options.profile)), options.first_seed, options.last_seed,
      options.twice ? "twice" : "once", time,
      options.mutant != nullptr ? absl::StrCat(", mutant ", std::string(options.mutant->name)) : "",
      options.jobs, QUORUMBOOK_SIM_VERSION, QUORUMBOOK_SIM_BUILD);
}

void Report::Add(const SeedResult& seed) {
  const SimulationResult& run = seed.result;
  ++seeds_;
  runs_ += static_cast<uint64_t>(seed.runs);
  cpu_seconds_ += seed.cpu_seconds;
  once_seconds_ += static_cast<double>(run.time) / kSecond;
  virtual_seconds_ += static_cast<double>(run.time) / kSecond * seed.runs;
  events_ += run.events;
  messages_ += run.messages;
  committed_ += run.committed;
  commands_ += run.commands;
  requests_ += run.requests;
  fired_.Merge(run.fired);
  ++byzantine_[static_cast<size_t>(run.byzantine)];
  AddElections(run.elections, seed.election_timeout, &elections_);
  AddElections(run.silent_elections, seed.election_timeout, &silent_elections_);
  if (run.failure) failures_.push_back({seed.seed, *run.failure});
}

std::vector<std::string> Report::Missing() const {
  std::vector<std::string> missing;
  for (size_t i = 0; i < kFaults; ++i) {
    const Fault fault = static_cast<Fault>(i);
    if (fired_.of(fault) == 0) missing.emplace_back(NameOf(fault));
  }
  for (size_t i = 1; i < kByzantines; ++i) {
    if (byzantine_[i] == 0) missing.emplace_back(NameOf(static_cast<Byzantine>(i)));
  }
  return missing;
}

void Report::AddElections(const std::vector<SimTime>& times, SimTime timeout,
                          Elections* elections) {
  for (const SimTime time : times) {
    elections->push_back(static_cast<double>(time) / static_cast<double>(timeout));
  }
}

double Report::Percentile(Elections elections, double part) {
  if (elections.empty()) return 0;
  std::sort(elections.begin(), elections.end());
  return elections[static_cast<size_t>(part * static_cast<double>(elections.size() - 1))];
}

double Report::Load() const {
  return once_seconds_ > 0 ? static_cast<double>(requests_) / once_seconds_ : 0;
}

double Report::Speed() const { return cpu_seconds_ > 0 ? virtual_seconds_ / cpu_seconds_ : 0; }

std::string Report::ToTable() const {
  std::string text;
  for (const Failure& failure : failures_) {
    absl::StrAppendFormat(&text, "seed %d: %s\n  again with: %s\n", failure.seed, failure.what,
                          CommandFor(options_, failure.seed));
  }
  absl::StrAppendFormat(&text, "%s\n%d seeds, %d runs, %d failures\n", HowMeasured(options_),
                        seeds_, runs_, failures_.size());
  absl::StrAppendFormat(&text,
                        "%d events, %d messages, %d entries, %d commands, %d requests: %.1f "
                        "requests a virtual second\n",
                        events_, messages_, committed_, commands_, requests_, Load());
  absl::StrAppendFormat(&text,
                        "%.2f virtual hours in %.1f s of CPU: %.0f virtual hours an hour of one "
                        "core\n",
                        virtual_seconds_ / 3600, cpu_seconds_, Speed());
  for (const Elections* elections : {&elections_, &silent_elections_}) {
    absl::StrAppendFormat(
        &text,
        "next leader after %d deaths %s, in election timeouts: p50 %.2f, p99 "
        "%.2f, max %.2f\n",
        elections->size(), elections == &elections_ ? "of a process" : "of a machine, unnoticed",
        Percentile(*elections, 0.5), Percentile(*elections, 0.99), Percentile(*elections, 1));
  }
  text += "faults that happened:\n";
  for (size_t i = 0; i < kFaults; ++i) {
    const Fault fault = static_cast<Fault>(i);
    absl::StrAppendFormat(&text, "  %-22s %9d\n", std::string(NameOf(fault)), fired_.of(fault));
  }
  text += "Byzantine nodes found out, in seeds:\n";
  for (size_t i = 1; i < kByzantines; ++i) {
    absl::StrAppendFormat(&text, "  %-22s %9d\n", std::string(NameOf(static_cast<Byzantine>(i))),
                          byzantine_[i]);
  }
  return text;
}

std::string Report::ToJson() const {
  nlohmann::ordered_json json;
  json["measured"] = HowMeasured(options_);
  json["seeds"] = seeds_;
  json["runs"] = runs_;
  json["events"] = events_;
  json["messages"] = messages_;
  json["entries"] = committed_;
  json["commands"] = commands_;
  json["requests"] = requests_;
  json["virtual_hours"] = virtual_seconds_ / 3600;
  json["cpu_seconds"] = cpu_seconds_;
  json["virtual_hours_per_core_hour"] = Speed();
  json["requests_per_virtual_second"] = Load();
  for (const Elections* elections : {&elections_, &silent_elections_}) {
    json[elections == &elections_ ? "elections" : "silent_elections"] = {
        {"count", elections->size()},
        {"p50", Percentile(*elections, 0.5)},
        {"p99", Percentile(*elections, 0.99)},
        {"max", Percentile(*elections, 1)}};
  }
  for (size_t i = 0; i < kFaults; ++i) {
    const Fault fault = static_cast<Fault>(i);
    json["faults"][std::string(NameOf(fault))] = fired_.of(fault);
  }
  for (size_t i = 1; i < kByzantines; ++i) {
    json["byzantine"][std::string(NameOf(static_cast<Byzantine>(i)))] = byzantine_[i];
  }
  json["failures"] = nlohmann::ordered_json::array();
  for (const Failure& failure : failures_) {
    json["failures"].push_back({{"seed", failure.seed},
                                {"what", failure.what},
                                {"command", CommandFor(options_, failure.seed)}});
  }
  return json.dump(2) + "\n";
}

}  // namespace quorumbook::sim
