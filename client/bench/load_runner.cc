#include "client/bench/load_runner.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

namespace quorumbook::bench {

namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr uint64_t kAnyNumber = uint64_t{1} << 62;
// The sender looks up at least this often, to show its progress.
constexpr int64_t kMaxSleepNs = 50'000'000;
// Orders of an open loop that are due at nearly the same time are sent together: a sender that
// wakes for each takes more of the processor than the library's part of sending it. Latency counts
// from when an order was due, so it has at most this much of the sender's sleep in it.
constexpr int64_t kMinSleepNs = 200'000;

int64_t ToNs(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

std::chrono::steady_clock::time_point ToTime(int64_t ns) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns));
}

void Merge(const LoadTally& from, LoadTally* to) {
  to->latency.Merge(from.latency);
  to->answered += from.answered;
  to->answered_in_all += from.answered_in_all;
  to->rejects += from.rejects;
  to->errors += from.errors;
  to->not_sent += from.not_sent;
  to->first_error.Update(from.first_error);
  to->outages.insert(to->outages.end(), from.outages.begin(), from.outages.end());
  to->longest_outage_ns = std::max(to->longest_outage_ns, from.longest_outage_ns);
  to->last_answer_ns = std::max(to->last_answer_ns, from.last_answer_ns);
  to->by_second.resize(std::max(to->by_second.size(), from.by_second.size()));
  for (size_t i = 0; i < from.by_second.size(); ++i) to->by_second[i] += from.by_second[i];
}

void Merge(const SessionStats& from, SessionStats* to) {
  to->submitted += from.submitted;
  to->answered += from.answered;
  to->repeated += from.repeated;
  to->resent += from.resent;
  to->reconnects += from.reconnects;
  to->messages += from.messages;
  to->refused += from.refused;
}

}  // namespace

LoadResult LoadRunner::Run(const OnProgress& progress) {
  progress_ = &progress;
  LoadResult result;
  FillBooks();
  if (options_.rate == 0)
    RunClosedLoop(NowNs() + ToNs(options_.warm_up), kAnyNumber, /*only_adds=*/false);

  const int64_t now_ns = NowNs();
  const bool open_loop = options_.rate > 0;
  // An open loop warms up at its rate and does not stop in between.
  const int64_t start_ns = now_ns + (open_loop ? ToNs(options_.warm_up) : 0);
  const bool by_orders = options_.orders > 0;
  const int64_t end_ns = by_orders ? kForever : start_ns + ToNs(options_.duration);
  result.window_start_ns = start_ns;
  result.window_unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count() +
                          (start_ns - now_ns);
  window_.end_ns = end_ns;
  window_.start_ns = start_ns;
  if (open_loop) {
    for (uint32_t i = 0; i < options_.connections; ++i) {
      schedules_.emplace_back(options_.rate, i, options_.connections, now_ns);
    }
    RunOpenLoop(start_ns);
    Measure(/*before=*/true, &result);
    RunOpenLoop(end_ns);
    Measure(/*before=*/false, &result);
    GiveUpDue(end_ns);
  } else {
    Measure(/*before=*/true, &result);
    RunClosedLoop(end_ns, by_orders ? options_.orders : kAnyNumber, /*only_adds=*/false);
    if (by_orders) Drain();
    Measure(/*before=*/false, &result);
  }
  Drain();
  Gather(&result);
  const int64_t stop_ns = by_orders ? result.tally.last_answer_ns : end_ns;
  result.seconds = static_cast<double>(stop_ns - start_ns) / 1e9;
  return result;
}

void LoadRunner::FillBooks() {
  if (options_.open_orders == 0) return;
  RunClosedLoop(kForever, options_.open_orders, /*only_adds=*/true);
  Drain();
}

void LoadRunner::RunClosedLoop(int64_t until_ns, uint64_t orders, bool only_adds) {
  loop_.Begin(until_ns, static_cast<int64_t>(orders), only_adds);
  for (auto& connection : connections_) connection->Pump();
  while (loop_.left() > 0 && !AllFailed()) {
    const int64_t now_ns = NowNs();
    if (!loop_.open(now_ns)) break;
    Progress(now_ns);
    ready_.Take(&taken_, ToTime(std::min(until_ns, now_ns + kMaxSleepNs)));
  }
  loop_.End();
}

void LoadRunner::RunOpenLoop(int64_t until_ns) {
  while (true) {
    int64_t next_ns = until_ns;
    for (size_t i = 0; i < connections_.size(); ++i) {
      next_ns = std::min(next_ns, SendDue(*connections_[i], schedules_[i], until_ns));
    }
    const int64_t now_ns = NowNs();
    if (now_ns >= until_ns || AllFailed()) return;
    Progress(now_ns);
    if (next_ns <= now_ns) continue;
    const int64_t wake_ns = std::clamp(next_ns, now_ns + kMinSleepNs, now_ns + kMaxSleepNs);
    ready_.Take(&taken_, ToTime(std::min(wake_ns, until_ns)));
  }
}

int64_t LoadRunner::SendDue(LoadConnection& connection, OpenLoopSchedule& schedule,
                            int64_t until_ns) {
  const int64_t now_ns = std::min(NowNs(), until_ns - 1);
  while (!connection.failed() && schedule.due_ns() <= now_ns) {
    if (!connection.HasRoom() && connection.WaitForRoom()) return until_ns;
    connection.Send(schedule.due_ns());
    schedule.Take();
  }
  return connection.failed() ? until_ns : schedule.due_ns();
}

void LoadRunner::GiveUpDue(int64_t until_ns) {
  for (size_t i = 0; i < connections_.size(); ++i) {
    OpenLoopSchedule& schedule = schedules_[i];
    for (; schedule.due_ns() < until_ns; schedule.Take()) {
      connections_[i]->GiveUp(schedule.due_ns(), until_ns);
    }
  }
}

void LoadRunner::Drain() {
  // The error of a failed session is in its tally.
  for (auto& connection : connections_) static_cast<void>(connection->session().Drain());
}

void LoadRunner::Measure(bool before, LoadResult* result) const {
  if (before) {
    result->processes.push_back({.name = "client", .pid = getpid()});
    for (const int pid : options_.pids) {
      result->processes.push_back({.name = "daemon", .pid = pid});
    }
  }
  for (ProcessReport& process : result->processes) {
    auto usage = ReadProcessUsage(process.pid);
    if (usage.ok()) (before ? process.before : process.after) = *usage;
  }
  if (options_.disk.empty()) return;
  auto disk = ReadDiskUsage(options_.disk);
  if (disk.ok()) (before ? result->disk_before : result->disk_after) = *disk;
}

void LoadRunner::Gather(LoadResult* result) const {
  for (const auto& connection : connections_) {
    Merge(connection->tally(), &result->tally);
    Merge(connection->session().stats(), &result->sessions);
  }
  result->tally.outages = JoinOutages(std::move(result->tally.outages));
  for (const Outage& outage : result->tally.outages) {
    result->tally.longest_outage_ns = std::max(result->tally.longest_outage_ns, outage.length_ns());
  }
  result->shards = shards_;
}

void LoadRunner::Progress(int64_t now_ns) {
  const int64_t start_ns = window_.start_ns;
  double done = 0;
  if (start_ns < now_ns) {
    done =
        options_.orders > 0
            ? 1 - static_cast<double>(loop_.left()) / static_cast<double>(options_.orders)
            : static_cast<double>(now_ns - start_ns) / static_cast<double>(ToNs(options_.duration));
  }
  uint64_t answered = 0;
  for (const auto& connection : connections_) answered += connection->answered();
  (*progress_)(done, answered);
}

bool LoadRunner::AllFailed() const {
  return std::all_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->failed(); });
}

}  // namespace quorumbook::bench
