// Links between the nodes of a cluster, and what goes wrong on them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "tests/sim/event_queue.h"
#include "tests/sim/fault_count.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"

namespace quorumbook::sim {

// Nodes are numbered from 1. A link is one way.
class Network {
 public:
  Network(const Scenario& scenario, FaultCount* fired);

  // When a packet that is sent now arrives; empty: never. `bytes`: of its payloads.
  std::optional<SimTime> Arrival(SimTime now, int from, int to, uint64_t bytes = 0);
  // Whether a packet is to arrive a second time.
  bool Repeats(int from, int to);
  // How long after it is sent a packet arrives once more, perhaps much later; empty: it does not.
  // `weight`: how many times more likely than others, and also how much later.
  std::optional<SimTime> LateRepetition(int from, int to, uint32_t weight);
  // Whether contents of a packet are to be changed on the way.
  bool Corrupts(int from, int to);
  // A packet that was under way when its link was cut is lost with it.
  bool IsCut(int from, int to) const { return link(from, to).cuts > 0; }

  // A link is whole again when everything that cut it has ended. `why` counts when the link loses a
  // packet by it.
  void Cut(int from, int to, bool cut, std::optional<Fault> why = std::nullopt);
  void CutBoth(int a, int b, bool cut) {
    Cut(a, b, cut);
    Cut(b, a, cut);
  }
  // Holds everything back until then.
  void Clog(int from, int to, SimTime until) { link(from, to).clogged_until = until; }
  // From now on only packets with payloads up to `largest` get through.
  void LoseLarger(int from, int to, uint64_t largest) { link(from, to).largest = largest; }
  bool LosesLarge(int from, int to) const { return link(from, to).largest != kAnySize; }
  // From now on it carries so many payload bytes a second, one packet after the other; 0: any
  // number.
  void SetBandwidth(int from, int to, uint64_t bytes_per_second) {
    link(from, to).bytes_per_second = bytes_per_second;
  }
  bool IsSlow(int from, int to) const { return link(from, to).bytes_per_second != 0; }
  // From now on, or no more, what is drawn for each packet does not happen.
  void SetQuiet(bool quiet) { quiet_ = quiet; }
  // Neither cut nor clogged, and fast, and of any size.
  bool IsWell(int from, int to, SimTime now) const {
    const Link& its = link(from, to);
    return its.cuts == 0 && its.clogged_until <= now && its.largest == kAnySize &&
           its.bytes_per_second == 0;
  }
  // Nothing is wrong with the link any more.
  void Heal(int from, int to);

  static constexpr uint64_t kAnySize = std::numeric_limits<uint64_t>::max();

 private:
  struct Link {
    int cuts = 0;
    std::optional<Fault> uncounted;  // why it is cut
    bool healed = false;             // for good
    int corruptions = 0;
    uint64_t largest = kAnySize;
    uint64_t bytes_per_second = 0;
    SimTime busy_until = 0;
    SimTime clogged_until = 0;
    SimTime last_arrival = 0;
  };
  static constexpr size_t kPlaces = kNodesMax + 1;
  Link& link(int from, int to) {
    return links_[static_cast<size_t>(from)][static_cast<size_t>(to)];
  }
  // How long a packet is under way because others are before it, and it takes time itself.
  SimTime Transmit(Link& link, SimTime now, uint64_t bytes);
  const Link& link(int from, int to) const {
    return links_[static_cast<size_t>(from)][static_cast<size_t>(to)];
  }

  const Scenario& scenario_;
  FaultCount& fired_;
  Random random_;
  bool quiet_ = false;
  std::array<std::array<Link, kPlaces>, kPlaces> links_{};
};

}  // namespace quorumbook::sim
