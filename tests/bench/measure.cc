#include "measure.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace quorumbook::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Of this process, so that what else runs on the machine counts less.
double ProcessorNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <typename T>
T Median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<uint32_t> TimeEach(Contestant* contestant, size_t operations, Trades* trades) {
  std::vector<uint32_t> each(operations);
  std::vector<Fill> fills;
  contestant->Reset();
  for (size_t i = 0; i < operations; ++i) {
    const Clock::time_point begin = Clock::now();
    contestant->Run(i, i + 1);
    const auto took = std::chrono::nanoseconds(Clock::now() - begin).count();
    each[i] = static_cast<uint32_t>(std::min<int64_t>(took, UINT32_MAX));
    if (trades == nullptr) continue;
    fills.clear();
    contestant->TakeFills(&fills);
    trades->Add(fills);
  }
  return each;
}

double Percentile(const std::vector<uint32_t>& sorted, double fraction) {
  return sorted[static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

void MeasureThroughput(const Contestants& contestants, size_t operations, int rounds,
                       std::vector<Measured>* measured) {
  constexpr size_t kPiece = 100'000;  // a multiple of every batch size there is
  std::vector<std::vector<double>> ns(contestants.size()), ratios(contestants.size());
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> taken(contestants.size());
    for (const auto& contestant : contestants) contestant->Reset();
    for (size_t begin = 0; begin < operations; begin += kPiece) {
      for (size_t i = 0; i < contestants.size(); ++i) {
        const double before = ProcessorNanoseconds();
        contestants[i]->Run(begin, std::min(operations, begin + kPiece));
        taken[i] += ProcessorNanoseconds() - before;
      }
    }
    for (size_t i = 0; i < contestants.size(); ++i) {
      ns[i].push_back(taken[i] / static_cast<double>(operations));
      ratios[i].push_back(taken[i] / taken[0]);
    }
  }
  for (size_t i = 0; i < contestants.size(); ++i) {
    (*measured)[i].ns_per_op = Median(ns[i]);
    (*measured)[i].ratio = Median(ratios[i]);
  }
}

void MeasureLatency(const Contestants& contestants, size_t operations, int rounds,
                    std::vector<Measured>* measured) {
  for (size_t c = 0; c < contestants.size(); ++c) {
    Measured& result = (*measured)[c];
    std::vector<std::vector<uint32_t>> of_round;
    for (int round = 0; round < rounds; ++round) {
      of_round.push_back(
          TimeEach(contestants[c].get(), operations, round == 0 ? &result.trades : nullptr));
    }
    contestants[c]->Reset();
    std::vector<uint32_t> each(operations), same(of_round.size());
    for (size_t i = 0; i < operations; ++i) {
      for (size_t round = 0; round < of_round.size(); ++round) same[round] = of_round[round][i];
      each[i] = Median(same);
    }
    std::sort(each.begin(), each.end());
    result.p50 = Percentile(each, 0.50);
    result.p99 = Percentile(each, 0.99);
    result.p99_9 = Percentile(each, 0.999);
  }
}

}  // namespace quorumbook::bench
