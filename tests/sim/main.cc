// quorumbook-sim: docs/simulation.md.
#include <absl/status/statusor.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/batch.h"
#include "tests/sim/mutant_report.h"
#include "tests/sim/mutants.h"
#include "tests/sim/report.h"
#include "tests/sim/twin.h"

namespace quorumbook::sim {
namespace {

struct Arguments {
  std::string seeds;
  uint64_t seed = 0;
  bool verbose = false;
  bool once = false;
  bool mutants = false;
  bool every_fault = false;
  bool twin = false;
  double hours = 0;
  std::string mutant;
  std::string output = "table";
  Profile profile = Profile::kSwarm;
  int jobs = 2;
};

int Refuse(const std::string& what) {
  std::fprintf(stderr, "quorumbook-sim: %s\n", what.c_str());
  return 2;
}

int RunOne(const BatchOptions& options, const Arguments& arguments) {
  const bool json = arguments.output == "json";
  Scenario scenario = DrawScenario(options.first_seed, options.profile, options.time);
  if (options.mutant != nullptr) options.mutant->PlantIn(&scenario);
  if (!json) {
    std::printf("seed %s: %s\n", std::to_string(options.first_seed).c_str(),
                scenario.ToString().c_str());
  }
  SeedResult run = RunSeed(options, options.first_seed);
  if (options.twice && !run.result.failure) {
    Twin twin(options.twin);
    run.result.failure = CompareWithSecondRun(options, &twin, &run);
  }
  const SimulationResult& result = run.result;
  if (json) {
    Report report(options);
    report.Add(run);
    std::fputs(report.ToJson().c_str(), stdout);
    return result.failure ? 1 : 0;
  }
  std::printf("%.3f s, %s events, trace %016llx%s: %s\n",
              static_cast<double>(result.time) / kSecond, std::to_string(result.events).c_str(),
              static_cast<unsigned long long>(result.trace), run.runs > 1 ? ", twice" : "",
              result.failure.value_or("nothing was violated").c_str());
  return result.failure ? 1 : 0;
}

int RunSeeds(const BatchOptions& options, const Arguments& arguments) {
  Report report(options);
  const absl::Status status =
      RunBatch(options, [&report](const SeedResult& result) { report.Add(result); });
  if (!status.ok()) return Refuse(std::string(status.message()));
  const std::string text = arguments.output == "json" ? report.ToJson() : report.ToTable();
  std::fputs(text.c_str(), stdout);
  if (!report.ok()) return 1;
  if (!arguments.every_fault || report.Missing().empty()) return 0;
  for (const std::string& name : report.Missing()) {
    std::fprintf(stderr, "quorumbook-sim: %s never happened\n", name.c_str());
  }
  return 1;
}

absl::StatusOr<std::map<uint64_t, std::string>> Failures(const BatchOptions& options) {
  std::map<uint64_t, std::string> failures;
  const absl::Status status = RunBatch(options, [&failures](const SeedResult& result) {
    if (result.result.failure) failures[result.seed] = *result.result.failure;
  });
  if (!status.ok()) return status;
  return failures;
}

// Plants each bug alone, and counts how many seeds it takes until it is noticed. A seed that fails
// without the bug notices nothing: it is an error here.
int RunMutants(BatchOptions options, const Arguments& arguments) {
  options.twice = false;
  options.stop_at_failure = true;
  options.last_seed = options.first_seed + kMutantSeeds - 1;
  const bool json = arguments.output == "json";
  MutantReport report(options, /*all=*/arguments.mutant.empty());
  for (const NamedMutant& mutant : AllMutants()) {
    if (!arguments.mutant.empty() && mutant.name != arguments.mutant) continue;
    options.mutant = &mutant;
    const auto failures = Failures(options);
    if (!failures.ok()) return Refuse(std::string(failures.status().message()));
    if (failures->empty()) {
      report.Add(mutant, std::nullopt, "");
    } else {
      const auto& [seed, what] = *failures->begin();
      BatchOptions sound = options;
      sound.mutant = nullptr;
      sound.first_seed = sound.last_seed = seed;
      const auto without = Failures(sound);
      if (!without.ok()) return Refuse(std::string(without.status().message()));
      if (!without->empty()) {
        return Refuse("seed " + std::to_string(seed) +
                      " fails without a planted bug too: " + without->begin()->second);
      }
      report.Add(mutant, seed - options.first_seed + 1, what);
    }
    if (!json) std::fputs(report.Line().c_str(), stdout);
    std::fflush(stdout);
  }
  std::fputs((json ? report.ToJson() : report.Summary()).c_str(), stdout);
  return report.ok() ? 0 : 1;
}

int Run(const Arguments& arguments) {
  BatchOptions options;
  options.profile = arguments.profile;
  options.time = static_cast<SimTime>(std::llround(arguments.hours * kHour));
  options.jobs = arguments.jobs;
  options.twice = !arguments.once;
  if (!arguments.mutant.empty()) {
    options.mutant = FindMutant(arguments.mutant);
    if (options.mutant == nullptr) {
      return Refuse("no mutant is called " + arguments.mutant + ": --mutants lists them");
    }
  }
  if (arguments.twin) {
    ServeTwin(options);
    return 0;
  }
  options.twin = TwinOf(options);
  if (arguments.seed != 0) {
    options.first_seed = options.last_seed = arguments.seed;
    options.verbose = arguments.verbose;
    if (options.verbose && arguments.output == "json") {
      return Refuse("--verbose is for people: leave out one of it and -o json");
    }
    return RunOne(options, arguments);
  }
  if (arguments.mutants) return RunMutants(options, arguments);
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (std::sscanf(arguments.seeds.c_str(), "%llu..%llu", &first, &last) != 2 || first == 0 ||
      last < first) {
    return Refuse("--seeds wants A..B with 1 <= A <= B, for example 1..300");
  }
  options.first_seed = first;
  options.last_seed = last;
  return RunSeeds(options, arguments);
}

}  // namespace
}  // namespace quorumbook::sim

int main(int argc, char** argv) {
  using quorumbook::sim::Profile;
  quorumbook::sim::Arguments arguments;
  CLI::App app{
      "Runs whole quorumbook clusters in simulated time, with faults; see "
      "docs/simulation.md"};
  app.add_option("--seeds", arguments.seeds, "Run seeds A..B, each twice, and report");
  app.add_option("--seed", arguments.seed, "Run one seed, twice")->check(CLI::PositiveNumber);
  app.add_flag("--verbose", arguments.verbose, "With --seed: one line a step of a node");
  app.add_flag("--mutants", arguments.mutants,
               "Plant each known bug, and count the seeds until it is noticed");
  app.add_option("--mutant", arguments.mutant, "Plant this one");
  app.add_option("--time", arguments.hours, "Virtual hours of faults a seed; drawn if not given")
      ->check(CLI::Range(0.001, 10'000.0));
  const std::map<std::string, Profile> profiles{{"swarm", Profile::kSwarm},
                                                {"load", Profile::kLoad},
                                                {"leader_death", Profile::kLeaderDeath}};
  app.add_option("--profile", arguments.profile,
                 "swarm: everything is drawn; load: 3 nodes and ordinary faults; leader_death: "
                 "only leaders die")
      ->transform(CLI::CheckedTransformer(profiles));
  app.add_flag("--once", arguments.once, "With --seeds or --seed: run each seed only once");
  app.add_flag("--twin", arguments.twin)->group("");  // of a process that runs seeds again
  app.add_flag("--every-fault", arguments.every_fault,
               "With --seeds: fail if a class of faults never happened");
  app.add_option("--jobs", arguments.jobs, "Processes")->check(CLI::Range(1, 256));
  app.add_option("-o,--output", arguments.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  CLI11_PARSE(app, argc, argv);
  // A seed builds hundreds of small exchanges, each of which would have some huge pages zeroed and
  // use a little of them: more than half of the time. Where it is refused, runs are only slower.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  std::signal(SIGPIPE, SIG_IGN);  // a twin that ends is told of by what it does not answer
  if (arguments.seeds.empty() && arguments.seed == 0 && !arguments.mutants && !arguments.twin) {
    std::fputs(app.help().c_str(), stderr);
    return 2;
  }
  return quorumbook::sim::Run(arguments);
}
