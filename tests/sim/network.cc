#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace quorumbook::sim {

Network::Network(const Scenario& scenario, FaultCount* fired)
    : scenario_(scenario), fired_(*fired), random_(scenario.seed, "network") {}

std::optional<SimTime> Network::Arrival(SimTime now, int from, int to, uint64_t bytes) {
  Link& link = this->link(from, to);
  if (link.cuts > 0) {
    if (link.uncounted) fired_.Add(*std::exchange(link.uncounted, std::nullopt));
    return std::nullopt;
  }
  SimTime arrival =
      now + scenario_.network_delay +
      static_cast<SimTime>(random_.Below(static_cast<uint64_t>(scenario_.network_jitter) + 1));
  if (link.healed || quiet_) {
    link.last_arrival = std::max(arrival, link.last_arrival + 1);
    return link.last_arrival;
  }
  if (bytes > link.largest) {
    fired_.Add(Fault::kBlackHole);
    return std::nullopt;
  }
  if (random_.Chance(scenario_.ppm(Fault::kLoss))) {
    fired_.Add(Fault::kLoss);
    return std::nullopt;
  }
  if (random_.Chance(scenario_.ppm(Fault::kDelay))) {
    fired_.Add(Fault::kDelay);
    arrival += random_.Between(1, scenario_.election_timeout_max.count());
  }
  arrival += Transmit(link, now, bytes);
  if (arrival < link.clogged_until) {
    fired_.Add(Fault::kClog);
    arrival = link.clogged_until;
  }
  if (arrival <= link.last_arrival) {
    // A stream keeps the order; when it breaks and is set up anew, it does not.
    if (random_.Chance(scenario_.ppm(Fault::kReorder))) {
      fired_.Add(Fault::kReorder);
      return arrival;
    }
    arrival = link.last_arrival + 1;
  }
  link.last_arrival = arrival;
  return arrival;
}

SimTime Network::Transmit(Link& link, SimTime now, uint64_t bytes) {
  if (link.bytes_per_second == 0) return 0;
  const auto takes = static_cast<SimTime>(bytes * kSecond / link.bytes_per_second);
  link.busy_until = std::max(link.busy_until, now) + takes;
  if (link.busy_until - now >= kMillisecond) fired_.Add(Fault::kSlowLink);
  return link.busy_until - now;
}

bool Network::Repeats(int from, int to) {
  if (link(from, to).healed || quiet_ || !random_.Chance(scenario_.ppm(Fault::kDuplicate)))
    return false;
  fired_.Add(Fault::kDuplicate);
  return true;
}

std::optional<SimTime> Network::LateRepetition(int from, int to, uint32_t weight) {
  if (link(from, to).healed || quiet_ ||
      !random_.Chance(weight * scenario_.ppm(Fault::kLateDuplicate))) {
    return std::nullopt;
  }
  fired_.Add(Fault::kLateDuplicate);
  const SimTime longest = (weight * 20 * kMillisecond) << random_.Below(10);
  return random_.Between(kMillisecond, longest);
}

void Network::Cut(int from, int to, bool cut, std::optional<Fault> why) {
  Link& link = this->link(from, to);
  link.cuts = std::max(0, link.cuts + (cut ? 1 : -1));
  if (link.cuts == 0) link.uncounted.reset();
  if (why) link.uncounted = why;
}

// Rarely: most is noticed by the checksums of lower layers, and who sends three such packets is
// taken for the one who corrupts them (server/replica/replica.cc).
bool Network::Corrupts(int from, int to) {
  Link& link = this->link(from, to);
  return !link.healed && !quiet_ && link.corruptions == 0 &&
         random_.Chance(scenario_.ppm(Fault::kWireCorruption)) && ++link.corruptions > 0;
}

void Network::Heal(int from, int to) {
  Link& link = this->link(from, to);
  link.cuts = 0;
  link.healed = true;
  link.largest = kAnySize;
  link.bytes_per_second = 0;
  link.clogged_until = 0;
}

}  // namespace quorumbook::sim
