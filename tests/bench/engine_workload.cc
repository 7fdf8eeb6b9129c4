// What an operation of the matching engine costs, beside the plainest book on the same operations
// in the same process. Machines differ; the ratio says more than the nanoseconds.
//
// Three are measured:
//   map       std::map of lists (map_book.h): no accounts, no events, no sessions
//   matching  the market alone: accounts, order status, events into a reused buffer
//   engine    all of it: encoded batches checked and decoded, sessions with results kept for
//             retries, matching, events, the running hash
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/check.h"
#include "common/digest.h"
#include "engine_flow.h"
#include "exchange/command_codec.h"
#include "exchange/exchange.h"
#include "exchange/market.h"
#include "map_book.h"

namespace quorumbook::bench {
namespace {

using Clock = std::chrono::steady_clock;
using exchange::AddSymbol;
using exchange::Event;

constexpr exchange::AccountId kAccount(1);

struct Trades {
  uint64_t count = 0;
  uint64_t hash = 0;
  void Add(const Fill& fill) {
    ++count;
    const std::string_view bytes(reinterpret_cast<const char*>(&fill), sizeof(fill));
    hash = Checksum64(bytes, hash);
  }
  void Add(const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (event.type != exchange::EventType::kTrade) continue;
      Add(Fill{event.client_order_id.value(), event.maker_client_order_id.value(), event.price,
               event.quantity});
    }
  }
};

// One way to run the operations: `step(i)` runs the i-th, or a batch of them.
struct Contestant {
  std::string name;
  size_t operations_a_step = 1;
  std::function<void()> reset;
  std::function<void(size_t)> step;
  std::function<void(Trades*)> collect;  // what the last step traded
};

struct Measured {
  double ns_per_op = 0;
  double p50 = 0, p99 = 0, p99_9 = 0;  // of single operations, the clock's own cost included
  Trades trades;
};

double Nanoseconds(Clock::duration duration) {
  return static_cast<double>(std::chrono::nanoseconds(duration).count());
}

double Percentile(std::vector<uint32_t>* sorted, double fraction) {
  const auto at = static_cast<size_t>(fraction * static_cast<double>(sorted->size() - 1));
  return (*sorted)[at];
}

double TimeAll(Contestant* contestant, size_t operations) {
  contestant->reset();
  const size_t a_step = contestant->operations_a_step;
  // Time of this process, so that what else runs on the machine counts less.
  const std::clock_t begin = std::clock();
  for (size_t step = 0; step * a_step < operations; ++step) contestant->step(step);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  return seconds * 1e9 / static_cast<double>(operations);
}

void TimeEach(Contestant* contestant, size_t operations, Measured* measured) {
  contestant->reset();
  std::vector<uint32_t> each(operations);
  for (size_t i = 0; i < operations; ++i) {
    const Clock::time_point begin = Clock::now();
    contestant->step(i);
    each[i] = static_cast<uint32_t>(Nanoseconds(Clock::now() - begin));
    contestant->collect(&measured->trades);
  }
  std::sort(each.begin(), each.end());
  measured->p50 = Percentile(&each, 0.50);
  measured->p99 = Percentile(&each, 0.99);
  measured->p99_9 = Percentile(&each, 0.999);
}

exchange::Command ToCommand(const Operation& operation) {
  const exchange::ClientOrderId id(operation.order_id);
  if (operation.kind == Operation::Kind::kCancel)
    return exchange::CancelOrder{exchange::SymbolId(1), id};
  const bool rests = operation.kind == Operation::Kind::kAdd;
  return exchange::NewOrder{.symbol = exchange::SymbolId(1),
                            .client_order_id = id,
                            .side = operation.side,
                            .time_in_force = rests ? exchange::TimeInForce::kGoodTillCancel
                                                   : exchange::TimeInForce::kImmediateOrCancel,
                            .price = operation.price,
                            .quantity = operation.quantity};
}

AddSymbol Symbol() { return AddSymbol{"BENCH", {1, -2}, {1, 0}}; }

struct MapContestant {
  MapBook book;
  std::vector<Fill> fills;
};

Contestant PlainMap(const std::vector<Operation>& flow) {
  auto state = std::make_shared<MapContestant>();
  return {.name = "map",
          .reset = [state] { *state = MapContestant(); },
          .step =
              [state, &flow](size_t i) {
                state->fills.clear();
                state->book.Apply(flow[i], &state->fills);
              },
          .collect =
              [state](Trades* trades) {
                for (const Fill& fill : state->fills) trades->Add(fill);
              }};
}

struct MarketContestant {
  std::unique_ptr<exchange::Market> market;
  std::vector<Event> events;
};

Contestant Matching(const std::vector<exchange::Command>& commands) {
  auto state = std::make_shared<MarketContestant>();
  const auto run = [state](const exchange::Command& command) {
    state->events.clear();
    const exchange::CommandContext context{
        .account = kAccount, .time = 0, .events = &state->events};
    std::visit([&](const auto& c) { state->market->Execute(context, c); }, command);
  };
  return {.name = "matching",
          .reset =
              [state, run] {
                state->market = std::make_unique<exchange::Market>();
                run(Symbol());
              },
          .step = [run, &commands](size_t i) { run(commands[i]); },
          .collect = [state](Trades* trades) { trades->Add(state->events); }};
}

// Encoded messages of `size` commands each, the results of those before acknowledged.
std::vector<std::string> EncodeMessages(const std::vector<exchange::Command>& commands,
                                        size_t size) {
  std::vector<std::string> batches;
  for (size_t first = 0; first < commands.size(); first += size) {
    const auto begin = commands.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(size, commands.size() - first));
    const uint64_t sequence = first + 2;  // after AddSymbol
    batches.push_back(exchange::EncodeBatch(
        {.time = static_cast<exchange::Time>(first),
         .groups = {exchange::SessionCommands{
             exchange::SessionId(1), sequence, sequence - 1, {begin, end}}}}));
  }
  return batches;
}

struct EngineContestant {
  exchange::Exchange exchange;
  exchange::ApplyResult result;
};

Contestant Engine(const std::vector<std::string>& batches, size_t size) {
  auto state = std::make_shared<EngineContestant>();
  return {
      .name = "engine",
      .operations_a_step = size,
      .reset =
          [state] {
            *state = EngineContestant();
            state->exchange.Apply(
                {.time = 0,
                 .groups = {exchange::OpenSession{kAccount},
                            exchange::SessionCommands{exchange::SessionId(1), 1, 0, {Symbol()}}}},
                &state->result);
          },
      .step = [state, &batches](
                  size_t i) { QB_CHECK(state->exchange.Apply(batches[i], &state->result).ok()); },
      .collect = [state](Trades* trades) { trades->Add(state->result.events); }};
}

struct Options {
  uint64_t seed = 1;
  uint64_t operations = 2'000'000;
  size_t batch = 100;
  int repeat = 3;
  std::string file, write, output = "table";
};

// The fastest of several runs of each, taken in turn so that a slow moment of the machine does not
// fall on one alone.
std::vector<Measured> Measure(std::vector<Contestant>* throughput, std::vector<Contestant>* single,
                              size_t operations, int repeat) {
  std::vector<Measured> measured(throughput->size());
  for (int round = 0; round < repeat; ++round) {
    for (size_t i = 0; i < throughput->size(); ++i) {
      const double ns = TimeAll(&(*throughput)[i], operations);
      measured[i].ns_per_op = round == 0 ? ns : std::min(ns, measured[i].ns_per_op);
    }
  }
  for (size_t i = 0; i < single->size(); ++i) TimeEach(&(*single)[i], operations, &measured[i]);
  return measured;
}

void Print(const std::vector<Contestant>& contestants, const std::vector<Measured>& measured,
           const Options& options, size_t operations) {
  nlohmann::ordered_json json = {{"operations", operations}, {"batch", options.batch}};
  if (options.output == "table") {
    std::printf("%-9s %9s %6s %6s %6s %7s %9s  %s\n", "", "ns/op", "ratio", "p50", "p99", "p99.9",
                "trades", "hash of trades");
  }
  for (size_t i = 0; i < contestants.size(); ++i) {
    const Measured& m = measured[i];
    const double ratio = m.ns_per_op / measured[0].ns_per_op;
    char hash[17];
    std::snprintf(hash, sizeof(hash), "%016llx", static_cast<unsigned long long>(m.trades.hash));
    if (options.output == "table") {
      std::printf("%-9s %9.1f %6.2f %6.0f %6.0f %7.0f %9llu  %s\n", contestants[i].name.c_str(),
                  m.ns_per_op, ratio, m.p50, m.p99, m.p99_9,
                  static_cast<unsigned long long>(m.trades.count), hash);
    }
    json[contestants[i].name] = {{"ns_per_op", m.ns_per_op},
                                 {"ratio", ratio},
                                 {"p50", m.p50},
                                 {"p99", m.p99},
                                 {"p99_9", m.p99_9},
                                 {"trades", m.trades.count},
                                 {"trades_hash", hash}};
  }
  if (options.output == "json") std::printf("%s\n", json.dump(2).c_str());
}

int Run(const Options& options) {
  std::vector<Operation> flow;
  if (options.file.empty()) {
    flow = MakeFlow(options.seed, options.operations);
  } else {
    absl::StatusOr<std::vector<Operation>> read = ReadFlow(options.file);
    if (!read.ok()) {
      std::fprintf(stderr, "%s\n", std::string(read.status().message()).c_str());
      return 1;
    }
    flow = *std::move(read);
  }
  if (!options.write.empty()) {
    const absl::Status written = WriteFlow(flow, options.write);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", std::string(written.message()).c_str());
      return 1;
    }
  }
  std::vector<exchange::Command> commands;
  for (const Operation& operation : flow) commands.push_back(ToCommand(operation));
  const std::vector<std::string> batches = EncodeMessages(commands, options.batch);
  const std::vector<std::string> singles = EncodeMessages(commands, 1);
  std::vector<Contestant> throughput = {PlainMap(flow), Matching(commands),
                                        Engine(batches, options.batch)};
  std::vector<Contestant> single = {PlainMap(flow), Matching(commands), Engine(singles, 1)};
  const auto measured = Measure(&throughput, &single, flow.size(), options.repeat);
  Print(throughput, measured, options, flow.size());
  for (const Measured& m : measured) {
    if (m.trades.hash != measured[0].trades.hash) {
      std::fprintf(stderr, "the trades differ\n");
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace quorumbook::bench

int main(int argc, char** argv) {
  quorumbook::bench::Options options;
  CLI::App app("Measures the matching engine beside a plain std::map book on the same operations.");
  app.add_option("--file", options.file,
                 "CSV: op,order_id,side,price,quantity; op: add, ioc, cancel")
      ->excludes(app.add_option("--seed", options.seed, "of the operations made here"))
      ->excludes(app.add_option("--operations", options.operations, "how many are made here")
                     ->check(CLI::PositiveNumber));
  app.add_option("--write", options.write, "write the operations to this file");
  app.add_option("--batch", options.batch, "commands in one message to the complete engine")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--repeat", options.repeat, "runs, of which the fastest counts")
      ->check(CLI::Range(1, 100));
  app.add_option("-o,--output", options.output)->check(CLI::IsMember({"table", "json"}));
  CLI11_PARSE(app, argc, argv);
  return quorumbook::bench::Run(options);
}
