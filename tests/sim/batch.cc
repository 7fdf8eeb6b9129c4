#include "tests/sim/batch.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <utility>

#include "common/bytes.h"
#include "tests/sim/result_codec.h"
#include "tests/sim/twin.h"

namespace quorumbook::sim {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void WriteAll(int fd, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t written = write(fd, bytes.data() + at, bytes.size() - at);
    if (written <= 0) _exit(EXIT_FAILURE);
    at += static_cast<size_t>(written);
  }
}

// A process that runs every `jobs`-th seed, and what has come from it.
struct Worker {
  pid_t pid = 0;
  int fd = -1;
  uint64_t next_seed = 0;  // whose result comes next
  std::string received;
};

class Batch {
 public:
  Batch(const BatchOptions& options, const std::function<void(const SeedResult&)>& on_result)
      : options_(options), on_result_(on_result) {}

  absl::Status Run() {
    workers_.resize(static_cast<size_t>(options_.jobs));
    absl::Status status;
    for (size_t i = 0; i < workers_.size() && status.ok(); ++i) {
      status = Start(&workers_[i], options_.first_seed + i);
    }
    while (status.ok() && AnyRuns()) status = Wait();
    for (Worker& worker : workers_) {
      if (worker.fd >= 0) Stop(&worker, /*cut=*/true);
    }
    return status;
  }

 private:
  absl::Status Start(Worker* worker, uint64_t seed) {
    worker->next_seed = seed;
    worker->received.clear();
    if (seed > options_.last_seed || stopping_) return absl::OkStatus();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
    worker->pid = fork();
    if (worker->pid < 0) return absl::ErrnoToStatus(errno, "fork");
    if (worker->pid == 0) {
      close(ends[0]);
      std::optional<Twin> twin;
      if (options_.twice && !options_.twin.empty()) twin.emplace(options_.twin);
      for (; seed <= options_.last_seed; seed += static_cast<uint64_t>(options_.jobs)) {
        std::string record;
        SeedResult result = RunSeed(options_, seed);
        if (options_.twice && !result.result.failure) {
          result.result.failure = CompareWithSecondRun(options_, twin ? &*twin : nullptr, &result);
        }
        ByteWriter(&record).PutSized(Encode(result));
        WriteAll(ends[1], record);
      }
      _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    worker->fd = ends[0];
    return absl::OkStatus();
  }

  bool AnyRuns() const {
    for (const Worker& worker : workers_) {
      if (worker.fd >= 0) return true;
    }
    return false;
  }

  absl::Status Wait() {
    std::vector<pollfd> files;
    for (const Worker& worker : workers_) {
      files.push_back({.fd = worker.fd, .events = POLLIN, .revents = 0});
    }
    if (poll(files.data(), files.size(), -1) < 0) return absl::ErrnoToStatus(errno, "poll");
    for (size_t i = 0; i < files.size(); ++i) {
      if (files[i].revents == 0) continue;
      if (absl::Status status = Receive(&workers_[i]); !status.ok()) return status;
    }
    if (stopping_) {
      for (Worker& worker : workers_) {
        if (worker.fd >= 0) Stop(&worker, /*cut=*/true);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Receive(Worker* worker) {
    char buffer[1 << 16];
    const ssize_t size = read(worker->fd, buffer, sizeof(buffer));
    if (size < 0) return absl::ErrnoToStatus(errno, "read");
    worker->received.append(buffer, static_cast<size_t>(size));
    while (worker->received.size() >= sizeof(uint32_t)) {
      uint32_t length = 0;
      std::memcpy(&length, worker->received.data(), sizeof(length));
      if (worker->received.size() < sizeof(length) + length) break;
      Deliver(worker, DecodeSeedResult(worker->received.substr(sizeof(length), length)));
      worker->received.erase(0, sizeof(length) + length);
    }
    return size == 0 ? Ended(worker) : absl::OkStatus();
  }

  void Deliver(Worker* worker, const SeedResult& result) {
    worker->next_seed += static_cast<uint64_t>(options_.jobs);
    if (result.result.failure && options_.stop_at_failure) stopping_ = true;
    on_result_(result);
  }

  absl::Status Ended(Worker* worker) {
    Stop(worker, /*cut=*/false);
    if (worker->next_seed > options_.last_seed) return absl::OkStatus();
    SeedResult result;
    result.seed = worker->next_seed;
    result.runs = 1;
    result.result.failure = "the process ended: a CHECK failed, which it says above";
    Deliver(worker, result);
    return Start(worker, worker->next_seed);
  }

  static void Stop(Worker* worker, bool cut) {
    close(std::exchange(worker->fd, -1));
    if (cut) kill(worker->pid, SIGKILL);
    waitpid(worker->pid, nullptr, 0);
  }

  const BatchOptions& options_;
  const std::function<void(const SeedResult&)>& on_result_;
  std::vector<Worker> workers_;
  bool stopping_ = false;
};

}  // namespace

SeedResult RunSeed(const BatchOptions& options, uint64_t seed) {
  const double before = CpuSeconds();
  Scenario scenario = DrawScenario(seed, options.profile, options.time);
  if (options.mutant != nullptr) options.mutant->PlantIn(&scenario);
  SeedResult seed_result;
  seed_result.seed = seed;
  seed_result.result = Simulate(scenario, options.verbose);
  seed_result.runs = 1;
  seed_result.election_timeout = scenario.election_timeout_max.count();
  seed_result.cpu_seconds = CpuSeconds() - before;
  return seed_result;
}

absl::Status RunBatch(const BatchOptions& options,
                      const std::function<void(const SeedResult&)>& on_result) {
  return Batch(options, on_result).Run();
}

std::vector<std::string> TwinOf(const BatchOptions& options) {
  std::vector<std::string> command = {"/proc/self/exe", "--twin"};
  const auto add = [&command](const char* name, std::string value) {
    command.emplace_back(name);
    command.push_back(std::move(value));
  };
  if (options.profile == Profile::kLoad) add("--profile", "load");
  if (options.profile == Profile::kLeaderDeath) add("--profile", "leader_death");
  if (options.time != 0) {
    add("--time", absl::StrFormat("%.17g", static_cast<double>(options.time) / kHour));
  }
  if (options.mutant != nullptr) add("--mutant", std::string(options.mutant->name));
  return command;
}

std::string CommandFor(const BatchOptions& options, uint64_t seed) {
  std::string command = absl::StrCat("quorumbook-sim --seed ", seed, " --verbose");
  const std::vector<std::string> twin = TwinOf(options);
  for (size_t i = 2; i < twin.size(); ++i) absl::StrAppend(&command, " ", twin[i]);
  return command;
}

}  // namespace quorumbook::sim
