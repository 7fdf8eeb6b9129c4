// What is worth waking somebody for. Each rule is evaluated by every node for its dashboard, and
// shipped in PromQL for Prometheus (deploy/prometheus/rules.yml is made of this table).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/monitoring/cluster_view.h"
#include "server/monitoring/event_log.h"
#include "server/monitoring/history.h"

namespace quorumbook::server {

using AlertLabels = std::map<std::string, std::string>;

// What the rules look at.
struct AlertInputs {
  const ClusterView& view;
  const EventLog& events;
  const History& history;
};

struct AlertRule {
  std::string_view name;
  std::string_view severity;  // critical: somebody must act now. warning: soon
  std::string_view summary;
  std::string_view what_to_do;
  // The condition: value above, or else below, the threshold.
  bool above = true;
  double threshold = 0;
  std::string_view unit;
  int for_seconds = 0;
  // The value in PromQL, and what must hold besides ("": nothing).
  std::string_view query;
  std::string_view guard;
  // The same here: says every value that there is, with what it is of.
  using Emit = std::function<void(AlertLabels, double)>;
  void (*evaluate)(const AlertInputs& inputs, const Emit& emit);

  bool Holds(double value) const { return above ? value > threshold : value < threshold; }
};

// By name. None changes while the process runs.
const std::vector<AlertRule>& AlertRules();

// The whole condition in PromQL.
std::string Expression(const AlertRule& rule);
// A file of Prometheus rules with all of them.
std::string RulesYaml();
// Where docs/operating.md says what to do.
std::string Runbook(const AlertRule& rule);

}  // namespace quorumbook::server
