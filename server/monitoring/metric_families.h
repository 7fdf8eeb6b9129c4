// Collects samples into families, in the order in which the families are first named.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/duration_histogram.h"
#include "quorumbook/v1/monitoring.pb.h"

namespace quorumbook::server {

class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  // Declares a family; samples are added to the one declared last.
  void Gauge(std::string_view name, std::string_view help);
  void Counter(std::string_view name, std::string_view help);
  void Histogram(std::string_view name, std::string_view help);

  void Add(Labels labels, double value);
  void Add(Labels labels, const v1::Durations& durations);
  void Add(Labels labels, const DurationHistogram& durations);

  std::string Render() const;

 private:
  void Declare(std::string_view name, std::string_view help, prometheus::MetricType type);
  template <typename CountOf>
  void AddHistogram(Labels labels, CountOf count_of, double sum_seconds);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace quorumbook::server
