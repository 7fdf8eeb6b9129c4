#include "client/bench/bench_command.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/bench/bench_report.h"
#include "client/bench/expectation.h"
#include "client/bench/load_runner.h"
#include "client/qb/table.h"
#include "client/replay/progress_bar.h"
#include "proto/grpc_threads.h"

namespace quorumbook::bench {

namespace {

// As they stand on the command line; 0 and "": not given.
struct Arguments {
  LoadOptions load;
  uint32_t in_flight = 0;
  uint32_t batch = 0;
  uint32_t callers = 0;
  std::string mix;
  std::string duration;
  std::string warm_up;
  std::vector<std::string> expectations;
};

absl::Status SetLoop(const Arguments& arguments, LoadOptions* load) {
  const uint32_t library_batch = SessionOptions().max_batch;
  if (arguments.callers > 0) {
    if (arguments.in_flight > 0 || load->rate > 0) {
      return absl::InvalidArgumentError("--callers goes with neither --in-flight nor --rate");
    }
    if (arguments.callers % load->connections != 0) {
      return absl::InvalidArgumentError("--callers must be a multiple of --connections");
    }
    load->in_flight = arguments.callers / load->connections;
    load->max_batch = arguments.batch > 0 ? arguments.batch : library_batch;
  } else if (load->rate > 0) {
    if (load->orders > 0) {
      return absl::InvalidArgumentError("--rate goes with --duration, not with --orders");
    }
    load->in_flight = arguments.in_flight > 0 ? arguments.in_flight : kMaxInFlight;
    load->max_batch = arguments.batch > 0 ? arguments.batch : library_batch;
  } else {
    load->in_flight = std::max(arguments.in_flight, 1u);
    load->group = load->max_batch = std::max(arguments.batch, 1u);
  }
  if (uint64_t{load->in_flight} * load->group > kMaxInFlight) {
    return absl::InvalidArgumentError(
        absl::StrCat("a connection has at most ", kMaxInFlight, " orders in flight, not ",
                     uint64_t{load->in_flight} * load->group, "; use more --connections"));
  }
  return absl::OkStatus();
}

absl::Status SetTime(const std::string& text, std::chrono::milliseconds* time) {
  if (text.empty()) return absl::OkStatus();
  auto parsed = qb::ParseDuration(text);
  if (parsed.ok()) *time = *parsed;
  return parsed.status();
}

absl::StatusOr<LoadOptions> MakeOptions(const qb::Context& context, const Arguments& arguments) {
  LoadOptions load = arguments.load;
  load.account = context.account;
  absl::Status status = SetLoop(arguments, &load);
  status.Update(SetTime(arguments.duration, &load.duration));
  if (arguments.warm_up == "0") {
    load.warm_up = std::chrono::milliseconds(0);
  } else {
    status.Update(SetTime(arguments.warm_up, &load.warm_up));
  }
  if (!status.ok()) return status;
  if (!arguments.mix.empty()) {
    auto mix = ParseMix(arguments.mix);
    if (!mix.ok()) return mix.status();
    load.mix = *mix;
  }
  return load;
}

void AddRow(qb::Table& table, const std::string& name, const nlohmann::ordered_json& value) {
  if (value.is_null()) return;
  table.AddRow({name, value.is_string() ? value.get<std::string>() : value.dump()});
}

void PrintTable(const nlohmann::ordered_json& json, const LoadResult& result) {
  qb::Table table({{"FIELD"}, {"VALUE", qb::Table::kRight}});
  for (const char* name : {"seconds", "orders", "orders_per_second"}) {
    AddRow(table, name, json[name]);
  }
  for (const auto& [name, value] : json["latency_us"].items()) {
    AddRow(table, absl::StrCat(name, "_us"), value);
  }
  for (const char* name :
       {"rejects", "errors", "not_sent", "resent", "reconnects", "refused", "orders_per_message",
        "longest_outage_us", "cpu_us_per_order", "bytes_per_order"}) {
    AddRow(table, name, json[name]);
  }
  for (const auto& process : json["processes"]) {
    if (!process.contains("cpu_seconds")) continue;
    AddRow(table,
           absl::StrCat("cpu_seconds_", process["name"].get<std::string>(), "_",
                        process["pid"].get<int>()),
           process["cpu_seconds"]);
  }
  if (!json["disk"].is_null()) AddRow(table, "disk_flushes", json["disk"]["flushes"]);
  table.Print(std::cout);
  std::cout << "\nlatency:\n";
  PrintHistogram(result.tally.latency, std::cout);
}

// What went wrong, the first that did.
absl::Status Outcome(const LoadResult& result, const std::vector<Expectation>& expectations) {
  if (!result.tally.first_error.ok()) return result.tally.first_error;
  const Metrics metrics = MetricsOf(result);
  for (const Expectation& expectation : expectations) {
    if (expectation.IsMet(metrics)) continue;
    const auto found = metrics.find(expectation.metric());
    return absl::FailedPreconditionError(
        found == metrics.end()
            ? absl::StrCat("expected '", expectation.text(), "', which was not measured; see --pid")
            : absl::StrFormat("expected '%s', measured %.3f (durations in us)", expectation.text(),
                              found->second));
  }
  return absl::OkStatus();
}

int Run(const qb::Context& context, const Arguments& arguments) {
  auto options = MakeOptions(context, arguments);
  if (!options.ok()) return qb::ReportError(context, options.status());
  std::vector<Expectation> expectations;
  for (const std::string& text : arguments.expectations) {
    auto expectation = Expectation::Parse(text);
    if (!expectation.ok()) return qb::ReportError(context, expectation.status());
    expectations.push_back(*std::move(expectation));
  }
  // Little CPU time for the tool leaves more for what it measures.
  const GrpcThreads threads(GrpcThreads::Default());
  auto runner = LoadRunner::Create([&] { return context.Connect(); }, *options);
  if (!runner.ok()) return qb::ReportError(context, runner.status());
  LoadResult result;
  {
    replay::ProgressBar bar(stderr);
    result = (*runner)->Run([&](double done, uint64_t answered) {
      if (bar.IsDue()) bar.Draw(done, answered);
    });
  }
  const nlohmann::ordered_json json = ToJson(*options, result, expectations);
  if (context.json) {
    qb::PrintJson(json);
  } else {
    PrintTable(json, result);
  }
  const absl::Status outcome = Outcome(result, expectations);
  return outcome.ok() ? qb::kExitOk : qb::ReportError(context, outcome);
}

void AddLoadOptions(CLI::App& command, Arguments& arguments) {
  LoadOptions& load = arguments.load;
  command.add_option("--connections", load.connections, "Clients, each with its own connection")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  command
      .add_option(
          "--in-flight", arguments.in_flight,
          "Batches not answered yet, a connection (default 1); with --rate: orders, at most "
          "(default 8192)")
      ->check(CLI::Range(1u, kMaxInFlight));
  command
      .add_option("--batch", arguments.batch,
                  "Orders sent at a time (default 1); with --callers and --rate: at most, in one "
                  "message (default 100)")
      ->check(CLI::Range(1, 1'000));
  command
      .add_option("--callers", arguments.callers,
                  "So many callers with one order in flight each, spread over the connections")
      ->check(CLI::Range(1, 1'000'000));
  command
      .add_option("--rate", load.rate,
                  "Open loop: orders a second in all; latency counts from when an order is due")
      ->check(CLI::Range(1, 100'000'000));
  auto* duration = command.add_option("--duration", arguments.duration, "Measured (default 10s)");
  command.add_option("--orders", load.orders, "Measure so many orders instead")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000'000}))
      ->excludes(duration);
  command.add_option("--warm-up", arguments.warm_up, "Load before that (default 1s)");
}

void AddMarketOptions(CLI::App& command, Arguments& arguments) {
  LoadOptions& load = arguments.load;
  command.add_option("--mix", arguments.mix,
                     "Percent of the orders (default add=45,cancel=45,cross=10)");
  command.add_option("--symbols", load.symbols, "Symbols to trade, added when absent")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command.add_option("--symbol-prefix", load.symbol_prefix, "They are PREFIX1, PREFIX2, ...")
      ->capture_default_str();
  command.add_option("--open-orders", load.open_orders, "Orders to put into the books first")
      ->check(CLI::Range(0, 100'000'000));
  command.add_option("--seed", load.seed, "Of the order flow")->capture_default_str();
}

}  // namespace

void AddBenchCommand(CLI::App& app, qb::Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("bench", "Measure how fast the cluster is");
  command->fallthrough();
  AddLoadOptions(*command, *arguments);
  AddMarketOptions(*command, *arguments);
  command
      ->add_option("--pid", arguments->load.pids,
                   "Processes of the daemons on this machine, whose use is to be measured")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--disk", arguments->load.disk,
                      "Block device, e.g. sda, whose writes and flushes are to be counted");
  command
      ->add_option("--expect", arguments->expectations,
                   "Exit with 1 unless this holds, e.g. 'p99<=2000us'; may be repeated")
      ->allow_extra_args(false);
  command->callback([arguments, &context] { context.exit_code = Run(context, *arguments); });
}

}  // namespace quorumbook::bench
