#include "server/monitoring/alert_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quorumbook::server {
namespace {

constexpr int64_t kMsPerSecond = 1'000;

std::string MessageOf(const AlertRule& rule, const AlertLabels& labels, double value) {
  std::string whom;
  for (const auto& [name, text] : labels) {
    whom += fmt::format("{}{} {}", whom.empty() ? "" : ", ", name, text);
  }
  return fmt::format("{}{}{}{}: {:.3g} {}, {} {:.3g}", rule.summary, whom.empty() ? "" : " (", whom,
                     whom.empty() ? "" : ")", value, rule.unit, rule.above ? "above" : "below",
                     rule.threshold);
}

}  // namespace

std::vector<AlertChange> AlertEngine::Evaluate(const AlertInputs& inputs) {
  const int64_t now = inputs.view.now_ms();
  std::vector<AlertChange> changes;
  changed_ = false;
  for (const AlertRule& rule : rules_) {
    Instances& known = instances_[rule.name];
    Instances still;
    rule.evaluate(inputs, [&](AlertLabels labels, double value) {
      if (!rule.Holds(value) || still.size() >= kMaxAlertInstances) return;
      const auto found = known.find(labels);
      AlertInstance instance;
      if (found == known.end()) {
        instance.since_ms = now;
        changed_ = true;
      } else {
        instance = found->second;
      }
      instance.value = value;
      instance.message = MessageOf(rule, labels, value);
      const bool due = now - instance.since_ms >= rule.for_seconds * kMsPerSecond;
      if (due && !std::exchange(instance.firing, true)) {
        changes.push_back({now, &rule, labels, true, value, instance.message});
      }
      still.emplace(std::move(labels), std::move(instance));
    });
    for (const auto& [labels, instance] : known) {
      if (still.contains(labels)) continue;
      changed_ = true;
      if (!instance.firing) continue;
      changes.push_back({now, &rule, labels, false, instance.value, instance.message});
    }
    known = std::move(still);
  }
  for (const AlertChange& change : changes) Remember(change);
  changed_ |= !changes.empty();
  return changes;
}

void AlertEngine::ShiftClock(int64_t step_ms) {
  for (auto& [name, instances] : instances_) {
    for (auto& [labels, instance] : instances) instance.since_ms += step_ms;
  }
}

void AlertEngine::Remember(const AlertChange& change) {
  history_.push_front(change);
  if (history_.size() > kMaxAlertHistory) history_.pop_back();
}

const AlertEngine::Instances& AlertEngine::InstancesOf(const AlertRule& rule) const {
  static const Instances& none = *new Instances();
  const auto found = instances_.find(rule.name);
  return found == instances_.end() ? none : found->second;
}

std::vector<std::string> AlertEngine::Firing() const {
  std::vector<std::string> names;
  for (const auto& [name, instances] : instances_) {
    for (const auto& [labels, instance] : instances) {
      if (!instance.firing) continue;
      names.emplace_back(name);
      break;
    }
  }
  return names;
}

uint32_t AlertEngine::CountOf(bool firing) const {
  uint32_t count = 0;
  for (const auto& [name, instances] : instances_) {
    count += std::any_of(instances.begin(), instances.end(),
                         [firing](const auto& item) { return item.second.firing == firing; });
  }
  return count;
}

}  // namespace quorumbook::server
