// The clocks of one node, as functions of true time.
#pragma once

#include <cstdint>

#include "consensus/types.h"
#include "exchange/types.h"
#include "tests/sim/event_queue.h"

namespace quorumbook::sim {

class NodeClock {
 public:
  // `drift_ppm`: how much faster than true time both clocks run. `skew`: of the wall clock.
  NodeClock(int64_t drift_ppm, SimTime skew, SimTime origin)
      : drift_ppm_(drift_ppm), skew_(skew), origin_(origin) {}

  // Steady: never goes back; its origin is arbitrary.
  consensus::Instant Steady(SimTime now) const {
    return consensus::Instant(origin_ + now + Scaled(now - since_, drift_ppm_) + gained_);
  }
  // The first true time at which Steady is at least `instant`.
  SimTime TrueTime(consensus::Instant instant) const {
    const SimTime local = instant.count() - origin_ - gained_;
    // now + (now - since) * d = local  =>  now = (local + since * d) / (1 + d)
    SimTime now = since_ + Divided(local - since_, drift_ppm_);
    while (Steady(now) < instant) ++now;
    while (Steady(now - 1) >= instant) --now;
    return now;
  }
  exchange::Time Wall(SimTime now) const {
    return kEpoch + now + Scaled(now - since_, drift_ppm_) + gained_ + skew_;
  }

  void SetDrift(SimTime now, int64_t drift_ppm) {
    gained_ += Scaled(now - since_, drift_ppm_);
    since_ = now;
    drift_ppm_ = drift_ppm;
  }
  void JumpWall(SimTime by) { skew_ += by; }
  // As after a suspended machine: the steady clock leaps. REQUIRES: by >= 0.
  void JumpSteady(SimTime by) { gained_ += by; }

 private:
  static constexpr exchange::Time kEpoch = 1'700'000'000'000'000'000;  // some time in 2023
  static constexpr int64_t kMillion = 1'000'000;

  // Without overflow for a thousand years.
  static SimTime Scaled(SimTime time, int64_t ppm) {
    return time / kMillion * ppm + time % kMillion * ppm / kMillion;
  }
  static SimTime Divided(SimTime time, int64_t ppm) {
    const int64_t divisor = kMillion + ppm;
    return time / divisor * kMillion + time % divisor * kMillion / divisor;
  }

  int64_t drift_ppm_;
  SimTime skew_;
  SimTime origin_;
  SimTime since_ = 0;   // when this drift began
  SimTime gained_ = 0;  // by earlier drifts and jumps
};

}  // namespace quorumbook::sim
