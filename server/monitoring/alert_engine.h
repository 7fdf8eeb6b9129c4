// Evaluates the alert rules: what is pending, what fires, what did.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "server/monitoring/alert_rules.h"

namespace quorumbook::server {

inline constexpr size_t kMaxAlertHistory = 256;
// Of one rule; what would be more is left out.
inline constexpr size_t kMaxAlertInstances = 128;

struct AlertInstance {
  bool firing = false;  // else pending
  double value = 0;
  int64_t since_ms = 0;  // when the condition became true
  std::string message;
};

struct AlertChange {
  int64_t time_ms = 0;
  const AlertRule* rule = nullptr;
  AlertLabels labels;
  bool firing = false;  // else resolved
  double value = 0;
  std::string message;
};

class AlertEngine {
 public:
  using Instances = std::map<AlertLabels, AlertInstance>;

  // `rules` outlives this.
  explicit AlertEngine(const std::vector<AlertRule>* rules) : rules_(*rules) {}

  // Once a second. Returns what began to fire or was resolved by it.
  std::vector<AlertChange> Evaluate(const AlertInputs& inputs);

  // Whether the last Evaluate saw an instance that was not there before, or in another state, or
  // one that is gone.
  bool changed() const { return changed_; }

  // The clock was set: what is pending is due no sooner and no later for that.
  void ShiftClock(int64_t step_ms);

  const std::vector<AlertRule>& rules() const { return rules_; }
  // Pending and firing ones of a rule.
  const Instances& InstancesOf(const AlertRule& rule) const;
  // Latest first.
  const std::deque<AlertChange>& history() const { return history_; }
  std::vector<std::string> Firing() const;  // names of rules
  // Rules that have any such instance.
  uint32_t pending() const { return CountOf(false); }
  uint32_t firing() const { return CountOf(true); }

 private:
  uint32_t CountOf(bool firing) const;
  void Remember(const AlertChange& change);

  const std::vector<AlertRule>& rules_;
  std::map<std::string_view, Instances> instances_;  // by rule
  std::deque<AlertChange> history_;
  bool changed_ = false;
};

}  // namespace quorumbook::server
