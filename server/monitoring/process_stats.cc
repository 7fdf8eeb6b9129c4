#include "server/monitoring/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace quorumbook::server {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// 0: it can not be read.
uint64_t CountEntries(const char* directory) {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  return error ? 0 : count;
}

}  // namespace

v1::ProcessSample ReadProcess() {
  v1::ProcessSample sample;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  sample.set_cpu_seconds(Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  sample.set_virtual_bytes(total_pages * page);
  sample.set_resident_bytes(resident_pages * page);
  sample.set_threads(CountEntries("/proc/self/task"));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) sample.set_max_open_files(limit.rlim_cur);
  // That needs a file itself: when none is left, all are open.
  const uint64_t open = CountEntries("/proc/self/fd");
  sample.set_open_files(open == 0 ? sample.max_open_files() : open);
  return sample;
}

}  // namespace quorumbook::server
