// What an operation of the matching engine costs, beside the plainest book on the same operations
// in the same process. Machines differ; the ratio says more than the nanoseconds.
//
// Four are measured:
//   map       std::map of lists (map_book.h): no accounts, no events, no sessions
//   matching  exchange::OrderBook, the kernel: the same, told a batch ahead what will be cancelled
//   single    the same book, one operation at a time
//   engine    exchange::Exchange: encoded batches checked and decoded, sessions with results kept
//             for retries, accounts, matching, events, the running hash
// Their trades must be the same; exit status 1 when they are not.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "contestants.h"
#include "flow.h"
#include "measure.h"

namespace quorumbook::bench {
namespace {

const std::map<std::string, Shape> kShapes = {{"near", Shape::kNear},
                                              {"crash", Shape::kCrash},
                                              {"static", Shape::kStatic},
                                              {"wide", Shape::kWide}};

struct Options {
  std::vector<std::string> shapes = {"near"};
  uint64_t seed = 1;
  uint64_t operations = 2'000'000;
  size_t batch = 100;
  int repeat = 5;
  std::string file, write, output = "table";
};

Contestants MakeContestants(const std::vector<Operation>& flow, size_t batch) {
  Contestants contestants;
  contestants.push_back(MapContestant(flow));
  contestants.push_back(BookContestant(flow, batch));
  contestants.push_back(BookContestant(flow, 1));
  contestants.push_back(EngineContestant(flow, batch));
  return contestants;
}

std::string Hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
  return text;
}

void PrintTable(const std::string& shape, const Contestants& contestants,
                const std::vector<Measured>& measured) {
  std::printf("%-9s %9s %6s %6s %6s %7s %9s  %s\n", shape.c_str(), "ns/op", "ratio", "p50", "p99",
              "p99.9", "trades", "hash of trades");
  for (size_t i = 0; i < contestants.size(); ++i) {
    const Measured& m = measured[i];
    std::printf("%-9s %9.1f %6.2f %6.0f %6.0f %7.0f %9llu  %s\n",
                std::string(contestants[i]->name()).c_str(), m.ns_per_op, m.ratio, m.p50, m.p99,
                m.p99_9, static_cast<unsigned long long>(m.trades.count),
                Hex(m.trades.hash).c_str());
  }
}

nlohmann::ordered_json ToJson(const Contestants& contestants,
                              const std::vector<Measured>& measured) {
  nlohmann::ordered_json json;
  for (size_t i = 0; i < contestants.size(); ++i) {
    const Measured& m = measured[i];
    json[std::string(contestants[i]->name())] = {{"ns_per_op", m.ns_per_op},
                                                 {"ratio", m.ratio},
                                                 {"p50", m.p50},
                                                 {"p99", m.p99},
                                                 {"p99_9", m.p99_9},
                                                 {"trades", m.trades.count},
                                                 {"trades_hash", Hex(m.trades.hash)}};
  }
  return json;
}

// False when the contestants disagree.
bool RunFlow(const std::string& shape, const std::vector<Operation>& flow, const Options& options,
             nlohmann::ordered_json* json) {
  std::vector<Measured> measured;
  {
    const Contestants contestants = MakeContestants(flow, options.batch);
    measured.resize(contestants.size());
    MeasureThroughput(contestants, flow.size(), options.repeat, &measured);
  }
  const Contestants contestants = MakeContestants(flow, 1);
  MeasureLatency(contestants, flow.size(), options.repeat, &measured);
  const Contestants names = MakeContestants({}, options.batch);
  if (options.output == "table") PrintTable(shape, names, measured);
  (*json)[shape] = ToJson(names, measured);
  for (const Measured& m : measured) {
    if (m.trades.hash == measured[0].trades.hash) continue;
    std::fprintf(stderr, "%s: the trades differ\n", shape.c_str());
    return false;
  }
  return true;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}

int Run(const Options& options) {
  nlohmann::ordered_json json = {{"batch", options.batch}, {"rounds", options.repeat}};
  bool agree = true;
  if (!options.file.empty()) {
    const absl::StatusOr<std::vector<Operation>> flow = ReadFlow(options.file);
    if (!flow.ok()) return Fail(flow.status());
    json["operations"] = flow->size();
    agree = RunFlow("file", *flow, options, &json);
  } else {
    json["operations"] = options.operations;
    for (const std::string& shape : options.shapes) {
      const std::vector<Operation> flow =
          MakeFlow(kShapes.at(shape), options.seed, options.operations);
      if (!options.write.empty()) {
        const absl::Status written = WriteFlow(flow, options.write);
        return written.ok() ? 0 : Fail(written);
      }
      agree = RunFlow(shape, flow, options, &json) && agree;
    }
  }
  if (options.output == "json") std::printf("%s\n", json.dump(2).c_str());
  return agree ? 0 : 1;
}

}  // namespace
}  // namespace quorumbook::bench

int main(int argc, char** argv) {
  using quorumbook::bench::kShapes;
  quorumbook::bench::Options options;
  std::vector<std::string> names;
  for (const auto& [name, shape] : kShapes) names.push_back(name);
  CLI::App app("Measures the matching engine beside a plain std::map book on the same operations.");
  auto* const file =
      app.add_option("--file", options.file,
                     "CSV: op,order_id,side,price,quantity; op: add, ioc, cancel; side: buy, sell");
  file->excludes(app.add_option("--shape", options.shapes, "of the operations made here")
                     ->check(CLI::IsMember(names)))
      ->excludes(app.add_option("--seed", options.seed, "of the operations made here"))
      ->excludes(app.add_option("--operations", options.operations, "how many are made here")
                     ->check(CLI::Range(1, 100'000'000)));
  app.add_option("--write-file", options.write, "write the operations to this file, and no more")
      ->excludes(file);
  app.add_option("--batch", options.batch, "operations in one batch")
      ->check(CLI::IsMember({1, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000}));
  app.add_option("--repeat", options.repeat, "rounds, of which the median counts")
      ->check(CLI::Range(1, 100));
  app.add_option("-o,--output", options.output)->check(CLI::IsMember({"table", "json"}));
  CLI11_PARSE(app, argc, argv);
  return quorumbook::bench::Run(options);
}
