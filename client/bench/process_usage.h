// What processes and a disk of this machine have used so far, from the kernel's own counters.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace quorumbook::bench {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, all threads
  uint64_t resident_bytes = 0;
  // Sent towards the disk, as /proc/PID/io counts it; none when that may not be read.
  std::optional<uint64_t> written_bytes;
};

// kNotFound when there is no such process (any more). `proc` is "/proc" but in tests.
absl::StatusOr<ProcessUsage> ReadProcessUsage(int pid, const std::string& proc = "/proc");

struct DiskUsage {
  uint64_t written_bytes = 0;
  uint64_t flushes = 0;  // cache flushes that the disk has completed: what a sync waits for
};

// Of everything that uses the block device `name`, e.g. "sda". kNotFound names those there are.
absl::StatusOr<DiskUsage> ReadDiskUsage(const std::string& name, const std::string& proc = "/proc");

}  // namespace quorumbook::bench
