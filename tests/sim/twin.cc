#include "tests/sim/twin.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "common/bytes.h"
#include "tests/sim/result_codec.h"

namespace quorumbook::sim {
namespace {

bool WriteWhole(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

void Twin::Start() {
  int seeds[2];
  int results[2];
  if (pipe2(seeds, O_CLOEXEC) != 0) return;
  to_ = seeds[1];
  if (pipe2(results, O_CLOEXEC) != 0) {
    close(seeds[0]);
    return;
  }
  from_ = results[0];
  pid_ = fork();
  if (pid_ == 0) {
    dup2(seeds[0], STDIN_FILENO);
    dup2(results[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : command_) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments.front(), arguments.data());
    _exit(EXIT_FAILURE);
  }
  close(seeds[0]);
  close(results[1]);
}

void Twin::Stop() {
  if (to_ >= 0) close(std::exchange(to_, -1));
  if (from_ >= 0) close(std::exchange(from_, -1));
  if (pid_ > 0) waitpid(std::exchange(pid_, -1), nullptr, 0);
}

bool Twin::Read(char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t got = read(from_, bytes, size);
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<SeedResult> Twin::Run(uint64_t seed) {
  if (pid_ <= 0) Start();
  std::optional<SeedResult> result;
  if (pid_ > 0) result = Ask(seed);
  if (!result) Stop();
  return result;
}

std::optional<SeedResult> Twin::Ask(uint64_t seed) {
  uint32_t length = 0;
  if (!WriteWhole(to_, reinterpret_cast<const char*>(&seed), sizeof(seed)) ||
      !Read(reinterpret_cast<char*>(&length), sizeof(length))) {
    return std::nullopt;
  }
  std::string record(length, '\0');
  if (!Read(record.data(), record.size())) return std::nullopt;
  return DecodeSeedResult(record);
}

void ServeTwin(const BatchOptions& options) {
  uint64_t seed = 0;
  while (read(STDIN_FILENO, &seed, sizeof(seed)) == sizeof(seed)) {
    std::string record;
    ByteWriter(&record).PutSized(Encode(RunSeed(options, seed)));
    if (!WriteWhole(STDOUT_FILENO, record.data(), record.size())) return;
  }
}

std::optional<std::string> CompareWithSecondRun(const BatchOptions& options, Twin* twin,
                                                SeedResult* first) {
  const std::optional<SeedResult> again =
      twin == nullptr ? RunSeed(options, first->seed) : twin->Run(first->seed);
  if (!again) return "the second run of this seed ended its process, the first did not";
  ++first->runs;
  first->cpu_seconds += again->cpu_seconds;
  const SimulationResult& one = first->result;
  const SimulationResult& other = again->result;
  if (one.trace == other.trace && one.events == other.events && one.failure == other.failure) {
    return std::nullopt;
  }
  return "two runs of this seed differ";
}

}  // namespace quorumbook::sim
