// Times without an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorumbook::bench {

struct Outage {
  int64_t from_ns = 0;  // of the steady clock
  int64_t to_ns = 0;

  int64_t length_ns() const { return to_ns - from_ns; }
};

// Shorter ones are not listed, nor more than this many of a connection.
inline constexpr int64_t kMinOutageNs = 50'000'000;
inline constexpr size_t kMaxOutages = 10'000;

// Joins what overlaps: connections that lose the same leader have one outage, which ends when the
// last of them is served again. In the order of their beginnings.
std::vector<Outage> JoinOutages(std::vector<Outage> outages);

}  // namespace quorumbook::bench
