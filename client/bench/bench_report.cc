#include "client/bench/bench_report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace quorumbook::bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}};

double ToUs(int64_t ns) { return static_cast<double>(ns) / 1e3; }

// As many digits as mean something.
double Rounded(double value) { return std::round(value * 1e3) / 1e3; }

Json Value(const Metrics& metrics, const std::string& name) {
  const auto found = metrics.find(name);
  return found == metrics.end() ? Json() : Json(Rounded(found->second));
}

bool Measured(const ProcessReport& process) { return process.before && process.after; }

double CpuSeconds(const ProcessReport& process) {
  return process.after->cpu_seconds - process.before->cpu_seconds;
}

// Sums over all processes; absent when no daemon was named or one could not be read.
void AddCosts(const LoadResult& result, double orders, Metrics* metrics) {
  const bool daemons = result.processes.size() > 1;
  if (!daemons || orders == 0) return;
  double cpu = 0;
  double bytes = 0;
  bool bytes_known = true;
  for (const ProcessReport& process : result.processes) {
    if (!Measured(process)) return;
    cpu += CpuSeconds(process);
    if (&process == &result.processes.front()) continue;  // the client stores nothing
    if (process.before->written_bytes && process.after->written_bytes) {
      bytes += static_cast<double>(*process.after->written_bytes - *process.before->written_bytes);
    } else {
      bytes_known = false;
    }
  }
  (*metrics)["cpu_us_per_order"] = cpu * 1e6 / orders;
  if (bytes_known) (*metrics)["bytes_per_order"] = bytes / orders;
}

Json ProcessJson(const ProcessReport& process, uint64_t orders) {
  Json json = {{"name", process.name}, {"pid", process.pid}};
  if (!Measured(process)) {
    json["error"] = "was not there from the beginning to the end";
    return json;
  }
  json["cpu_seconds"] = Rounded(CpuSeconds(process));
  json["cpu_us_per_order"] =
      orders == 0 ? Json() : Json(Rounded(CpuSeconds(process) * 1e6 / static_cast<double>(orders)));
  json["resident_bytes_before"] = process.before->resident_bytes;
  json["resident_bytes_after"] = process.after->resident_bytes;
  const bool known = process.before->written_bytes && process.after->written_bytes;
  json["written_bytes"] =
      known ? Json(*process.after->written_bytes - *process.before->written_bytes) : Json();
  return json;
}

Json DiskJson(const LoadOptions& options, const LoadResult& result, uint64_t orders) {
  if (!result.disk_before || !result.disk_after) return {};
  const uint64_t bytes = result.disk_after->written_bytes - result.disk_before->written_bytes;
  const uint64_t flushes = result.disk_after->flushes - result.disk_before->flushes;
  Json json = {{"name", options.disk}, {"written_bytes", bytes}, {"flushes", flushes}};
  if (orders == 0) return json;
  json["written_bytes_per_order"] =
      Rounded(static_cast<double>(bytes) / static_cast<double>(orders));
  json["flushes_per_order"] = static_cast<double>(flushes) / static_cast<double>(orders);
  return json;
}

Json OutagesJson(const LoadResult& result) {
  Json json = Json::array();
  for (const Outage& outage : result.tally.outages) {
    const int64_t from_unix_ns = result.window_unix_ns + outage.from_ns - result.window_start_ns;
    json.push_back({{"from_unix_ms", from_unix_ns / 1'000'000},
                    {"ms", Rounded(static_cast<double>(outage.length_ns()) / 1e6)}});
  }
  return json;
}

Json LoadJson(const LoadOptions& options, const LoadResult& result) {
  return {
      {"loop", options.rate > 0 ? "open" : "closed"},
      {"connections", options.connections},
      {"in_flight", options.in_flight},
      {"group", options.group},
      {"max_batch", options.max_batch},
      {"rate", options.rate},
      {"mix",
       {{"add", options.mix.add}, {"cancel", options.mix.cancel}, {"cross", options.mix.cross}}},
      {"symbols", options.symbols},
      {"shards", result.shards},
      {"open_orders", options.open_orders},
      {"seed", options.seed}};
}

std::string TimeText(int64_t ns) {
  if (ns < 1'000'000) return absl::StrCat(ns / 1'000, " us");
  if (ns < 1'000'000'000) return absl::StrCat(ns / 1'000'000, " ms");
  return absl::StrCat(ns / 1'000'000'000, " s");
}

}  // namespace

Metrics MetricsOf(const LoadResult& result) {
  const LoadTally& tally = result.tally;
  const auto orders = static_cast<double>(tally.answered);
  Metrics metrics = {{"orders", orders},
                     {"rejects", static_cast<double>(tally.rejects)},
                     {"errors", static_cast<double>(tally.errors)},
                     {"not_sent", static_cast<double>(tally.not_sent)},
                     {"resent", static_cast<double>(result.sessions.resent)},
                     {"reconnects", static_cast<double>(result.sessions.reconnects)},
                     {"refused", static_cast<double>(result.sessions.refused)},
                     {"outages", static_cast<double>(tally.outages.size())},
                     {"longest_outage", ToUs(tally.longest_outage_ns)}};
  if (result.seconds > 0) metrics["orders_per_second"] = orders / result.seconds;
  // Nothing answered is no fast answer.
  if (tally.latency.count() > 0) {
    for (const auto& [name, part] : kQuantiles) {
      metrics[name] = ToUs(tally.latency.Quantile(part));
    }
    metrics["max"] = ToUs(tally.latency.max());
  }
  AddCosts(result, orders, &metrics);
  return metrics;
}

Json ToJson(const LoadOptions& options, const LoadResult& result,
            const std::vector<Expectation>& expectations) {
  const Metrics metrics = MetricsOf(result);
  const LoadTally& tally = result.tally;
  const SessionStats& sessions = result.sessions;
  Json json = {{"load", LoadJson(options, result)},
               {"seconds", Rounded(result.seconds)},
               {"orders", tally.answered},
               {"orders_per_second", Value(metrics, "orders_per_second")}};
  for (const char* name : {"p50", "p90", "p99", "p99_9", "max"}) {
    json["latency_us"][name] = Value(metrics, name);
  }
  json["rejects"] = tally.rejects;
  json["errors"] = tally.errors;
  json["error"] = tally.first_error.ok() ? Json() : Json(std::string(tally.first_error.message()));
  json["not_sent"] = tally.not_sent;
  json["resent"] = sessions.resent;
  json["reconnects"] = sessions.reconnects;
  json["refused"] = sessions.refused;
  json["orders_per_message"] =
      sessions.messages == 0
          ? Json()
          : Json(Rounded(static_cast<double>(sessions.submitted + sessions.resent) /
                         static_cast<double>(sessions.messages)));
  json["longest_outage_us"] = Value(metrics, "longest_outage");
  json["outages"] = OutagesJson(result);
  json["orders_by_second"] = tally.by_second;
  json["cpu_us_per_order"] = Value(metrics, "cpu_us_per_order");
  json["bytes_per_order"] = Value(metrics, "bytes_per_order");
  json["processes"] = Json::array();
  for (const ProcessReport& process : result.processes) {
    json["processes"].push_back(ProcessJson(process, tally.answered));
  }
  json["disk"] = DiskJson(options, result, tally.answered);
  json["expectations"] = Json::array();
  for (const Expectation& expectation : expectations) {
    json["expectations"].push_back({{"text", expectation.text()},
                                    {"value", Value(metrics, expectation.metric())},
                                    {"met", expectation.IsMet(metrics)}});
  }
  return json;
}

void PrintHistogram(const LatencyHistogram& histogram, std::ostream& out) {
  constexpr int kWidth = 50;
  constexpr int64_t kSteps[] = {2, 5, 10};
  uint64_t below = 0;
  int64_t decade = 1'000;
  for (size_t i = 0; below < histogram.count(); ++i) {
    if (i > 0 && i % 3 == 0) decade *= 10;
    const int64_t upper = decade * kSteps[i % 3];
    // The last line takes what is left: buckets that straddle its end, too.
    const uint64_t up_to =
        upper >= histogram.max() ? histogram.count() : histogram.CountUpTo(upper);
    const double part = static_cast<double>(up_to - below) / static_cast<double>(histogram.count());
    // From the first line that holds something on.
    if (up_to > 0) {
      const std::string bar(static_cast<size_t>(std::ceil(part * kWidth)), '#');
      out << absl::StrFormat("  up to %6s  %-50s  %6.2f %%\n", TimeText(upper), bar, part * 100);
    }
    below = up_to;
  }
}

}  // namespace quorumbook::bench
