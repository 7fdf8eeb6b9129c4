// The second run of a seed, in a process of its own: with other addresses and other hash salts, so
// that whatever depends on them shows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/batch.h"

namespace quorumbook::sim {

// A program that is started with `command`, and is told seeds. It ends with this.
class Twin {
 public:
  // REQUIRES: SIGPIPE is ignored.
  explicit Twin(std::vector<std::string> command) : command_(std::move(command)) {}
  ~Twin() { Stop(); }
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  // Empty: it could not be started, or ended meanwhile; the next seed is told to another one.
  std::optional<SeedResult> Run(uint64_t seed);

 private:
  void Start();
  void Stop();
  bool Read(char* bytes, size_t size);
  std::optional<SeedResult> Ask(uint64_t seed);

  const std::vector<std::string> command_;
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

// The other side: runs each seed that it is told on stdin once, until there are no more.
void ServeTwin(const BatchOptions& options);

// What differs between two runs of a seed; empty: nothing. `twin`: null: both in this process.
std::optional<std::string> CompareWithSecondRun(const BatchOptions& options, Twin* twin,
                                                SeedResult* first);

}  // namespace quorumbook::sim
