#include "client/bench/process_usage.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

namespace quorumbook::bench {

static std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : "";
}

static std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

// The number behind the word `key` ("VmRSS:") in a file of such lines.
static std::optional<uint64_t> NumberOf(const std::string& text, const std::string& key) {
  const std::vector<std::string> words = Words(text);
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    uint64_t number = 0;
    if (words[i] == key && absl::SimpleAtoi(words[i + 1], &number)) return number;
  }
  return std::nullopt;
}

absl::StatusOr<ProcessUsage> ReadProcessUsage(int pid, const std::string& proc) {
  const std::string directory = absl::StrCat(proc, "/", pid);
  const std::string stat = ReadFile(directory + "/stat");
  // The process's name, in parentheses, may hold anything (proc(5)); behind it, field 3 comes
  // first, and 14 and 15 are the user and system time in clock ticks.
  const size_t name_end = stat.rfind(')');
  std::vector<std::string> fields;
  if (name_end != std::string::npos) fields = Words(stat.substr(name_end + 1));
  uint64_t user = 0;
  uint64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) ||
      !absl::SimpleAtoi(fields[12], &system)) {
    return absl::NotFoundError(absl::StrCat("there is no process ", pid, " on this machine"));
  }
  ProcessUsage usage;
  usage.cpu_seconds =
      static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.resident_bytes = NumberOf(ReadFile(directory + "/status"), "VmRSS:").value_or(0) * 1024;
  usage.written_bytes = NumberOf(ReadFile(directory + "/io"), "write_bytes:");
  return usage;
}

absl::StatusOr<DiskUsage> ReadDiskUsage(const std::string& name, const std::string& proc) {
  // Fields of a line after Documentation/admin-guide/iostats.rst: the device's name is the third;
  // sectors of 512 bytes written are its field 7, completed flushes its field 16 (Linux 5.5).
  constexpr size_t kName = 2;
  constexpr size_t kSectorsWritten = kName + 7;
  constexpr size_t kFlushes = kName + 16;
  const std::string text = ReadFile(proc + "/diskstats");
  std::vector<std::string> names;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = Words(std::string(line));
    if (fields.size() <= kFlushes) continue;
    names.push_back(fields[kName]);
    if (fields[kName] != name) continue;
    DiskUsage usage;
    uint64_t sectors = 0;
    if (absl::SimpleAtoi(fields[kSectorsWritten], &sectors) &&
        absl::SimpleAtoi(fields[kFlushes], &usage.flushes)) {
      usage.written_bytes = sectors * 512;
      return usage;
    }
  }
  return absl::NotFoundError(absl::StrCat("there is no disk '", name, "' that counts flushes; ",
                                          "there are: ", absl::StrJoin(names, ", ")));
}

}  // namespace quorumbook::bench
