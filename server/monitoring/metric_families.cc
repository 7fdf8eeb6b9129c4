#include "server/monitoring/metric_families.h"

#include <prometheus/text_serializer.h>

#include <chrono>
#include <limits>
#include <sstream>

namespace quorumbook::server {

void MetricFamilies::Declare(std::string_view name, std::string_view help,
                             prometheus::MetricType type) {
  families_.push_back({std::string(name), std::string(help), type, {}});
}

void MetricFamilies::Gauge(std::string_view name, std::string_view help) {
  Declare(name, help, prometheus::MetricType::Gauge);
}
void MetricFamilies::Counter(std::string_view name, std::string_view help) {
  Declare(name, help, prometheus::MetricType::Counter);
}
void MetricFamilies::Histogram(std::string_view name, std::string_view help) {
  Declare(name, help, prometheus::MetricType::Histogram);
}

void MetricFamilies::Add(Labels labels, double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  metric.counter.value = value;
  families_.back().metric.push_back(std::move(metric));
}

template <typename CountOf>
void MetricFamilies::AddHistogram(Labels labels, CountOf count_of, double sum_seconds) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  uint64_t cumulative = 0;
  for (size_t i = 0; i < kDurationBounds.size(); ++i) {
    cumulative += count_of(i);
    metric.histogram.bucket.push_back(
        {cumulative, std::chrono::duration<double>(kDurationBounds[i]).count()});
  }
  cumulative += count_of(kDurationBounds.size());
  metric.histogram.bucket.push_back({cumulative, std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = sum_seconds;
  families_.back().metric.push_back(std::move(metric));
}

void MetricFamilies::Add(Labels labels, const v1::Durations& durations) {
  AddHistogram(
      std::move(labels),
      [&durations](size_t i) {
        const int index = static_cast<int>(i);
        return index < durations.counts_size() ? durations.counts(index) : 0;
      },
      static_cast<double>(durations.sum_ns()) / 1e9);
}

void MetricFamilies::Add(Labels labels, const DurationHistogram& durations) {
  AddHistogram(
      std::move(labels), [&durations](size_t i) { return durations.counts()[i]; },
      std::chrono::duration<double>(durations.sum()).count());
}

std::string MetricFamilies::Render() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

}  // namespace quorumbook::server
