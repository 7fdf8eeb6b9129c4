// What a snapshot costs, and how long it holds up trading, which goes on while it is made.
//
// An exchange of many open orders executes batches in which orders are cancelled and others take
// their places. The longest that one batch took is printed, without a snapshot and while another
// thread makes one (exchange/state_history.h), in processor time of the trading thread, in which
// what else runs on the machine does not count, and in real time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/check.h"
#include "exchange/exchange.h"
#include "exchange/state_history.h"
#include "random.h"

namespace quorumbook::bench {
namespace {

using exchange::ClientOrderId;
using exchange::NewOrder;
using exchange::Price;
using exchange::SessionId;
using exchange::Side;
using exchange::StateHistory;
using exchange::SymbolId;
using Bytes = StateHistory::Bytes;

constexpr uint64_t kBatch = 100;  // commands

double Seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Milliseconds of pieces of work on this thread.
class Pauses {
 public:
  template <typename Work>
  void Time(Work&& work) {
    const double processor = Seconds(CLOCK_THREAD_CPUTIME_ID);
    const double real = Seconds(CLOCK_MONOTONIC);
    work();
    processor_.push_back((Seconds(CLOCK_THREAD_CPUTIME_ID) - processor) * 1e3);
    real_.push_back((Seconds(CLOCK_MONOTONIC) - real) * 1e3);
  }
  void Print(const char* what) {
    std::printf("%-28s %9zu %9.3f %9.3f %9.3f\n", what, processor_.size(), Median(),
                *std::max_element(processor_.begin(), processor_.end()),
                *std::max_element(real_.begin(), real_.end()));
  }

 private:
  double Median() {
    const auto middle = processor_.begin() + static_cast<std::ptrdiff_t>(processor_.size() / 2);
    std::nth_element(processor_.begin(), middle, processor_.end());
    return *middle;
  }

  std::vector<double> processor_, real_;
};

class Trading {
 public:
  explicit Trading(uint64_t orders) {
    exchange::SessionCommands setup{
        SessionId(1), 1, 0, {exchange::AddSymbol{"BENCH", {1, -2}, {1, 0}}}};
    Apply(Encode({exchange::OpenSession{exchange::AccountId(1)}, std::move(setup)}), nullptr);
    while (open_.size() < orders) {
      exchange::SessionCommands group = NextGroup();
      for (uint64_t i = 0; i < kBatch; ++i) {
        open_.push_back(++last_id_);
        group.commands.emplace_back(NewAt(last_id_));
      }
      Apply(Send(std::move(group)), nullptr);
    }
  }

  // Executes one more batch of cancels and new orders.
  void Step(Pauses* pauses) {
    exchange::SessionCommands group = NextGroup();
    for (uint64_t i = 0; i < kBatch / 2; ++i) {
      uint64_t& order = open_[random_.Below(open_.size())];
      group.commands.emplace_back(exchange::CancelOrder{SymbolId(1), ClientOrderId(order)});
      order = ++last_id_;
      group.commands.emplace_back(NewAt(order));
    }
    Apply(Send(std::move(group)), pauses);
  }
  StateHistory::Recipe Cut(Pauses* pauses) {
    StateHistory::Recipe recipe;
    pauses->Time([&] { recipe = history_.Cut(exchange_.RunningDigest()); });
    return recipe;
  }
  void Replace(std::string snapshot, Pauses* pauses) {
    Bytes bytes = std::make_shared<const std::string>(std::move(snapshot));
    pauses->Time([&] { history_.Replace(std::move(bytes)); });
  }
  const exchange::Exchange& exchange() const { return exchange_; }

 private:
  static Bytes Encode(std::vector<exchange::Group> groups) {
    return std::make_shared<const std::string>(
        exchange::EncodeBatch({.time = 1, .groups = std::move(groups)}));
  }
  exchange::SessionCommands NextGroup() const {
    return {SessionId(1), next_sequence_, next_sequence_ - 1, {}};
  }
  NewOrder NewAt(uint64_t id) {
    const bool buys = random_.Below(2) == 0;
    const auto distance = static_cast<Price>(1 + random_.Below(5'000));
    return {.symbol = SymbolId(1),
            .client_order_id = ClientOrderId(id),
            .side = buys ? Side::kBuy : Side::kSell,
            .price = 1'000'000 + (buys ? -distance : distance),
            .quantity = 10};
  }
  Bytes Send(exchange::SessionCommands group) {
    next_sequence_ += group.commands.size();
    return Encode({std::move(group)});
  }
  void Apply(Bytes batch, Pauses* pauses) {
    const auto apply = [&] {
      QB_CHECK(exchange_.Apply(*batch, &result_).ok());
      history_.Add(std::move(batch));
    };
    pauses == nullptr ? apply() : pauses->Time(apply);
  }

  Random random_{1};
  exchange::Exchange exchange_;
  StateHistory history_;
  exchange::ApplyResult result_;
  std::vector<uint64_t> open_;  // client order ids
  uint64_t last_id_ = 0;
  uint64_t next_sequence_ = 2;
};

int Run(uint64_t orders, int rounds) {
  constexpr int kStepsBetween = 10'000;
  Trading trading(orders);
  Pauses without, during, cuts, replaces;
  size_t bytes = 0;
  double took = 0;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kStepsBetween; ++i) trading.Step(&without);
    const std::string wanted = round == 0 ? trading.exchange().Snapshot() : "";
    const StateHistory::Recipe recipe = trading.Cut(&cuts);
    std::string made;
    std::atomic<bool> done{false};
    std::thread maker([&] {
      const double begin = Seconds(CLOCK_THREAD_CPUTIME_ID);
      absl::StatusOr<std::string> snapshot = recipe.MakeSnapshot();
      QB_CHECK(snapshot.ok());
      took = Seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
      made = *std::move(snapshot);
      done.store(true);
    });
    while (!done.load()) trading.Step(&during);
    maker.join();
    QB_CHECK(round > 0 || made == wanted);
    bytes = made.size();
    trading.Replace(std::move(made), &replaces);
  }
  const auto open = static_cast<double>(trading.exchange().open_orders());
  std::printf(
      "open orders %.0f, snapshot %.1f bytes an order, made in %.2f s of processor time\n\n", open,
      static_cast<double>(bytes) / open, took);
  std::printf("%-28s %9s %9s %9s %9s\n", "ms on the trading thread", "times", "median", "longest",
              "real");
  without.Print("a batch, no snapshot");
  during.Print("a batch, while one is made");
  cuts.Print("the cut");
  replaces.Print("forgetting what led to it");
  return 0;
}

}  // namespace
}  // namespace quorumbook::bench

int main(int argc, char** argv) {
  uint64_t orders = 1'000'000;
  int rounds = 3;
  CLI::App app("Measures how long a snapshot holds up trading.");
  app.add_option("--orders", orders, "open orders")->check(CLI::Range(1'000, 10'000'000));
  app.add_option("--rounds", rounds, "snapshots")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  return quorumbook::bench::Run(orders, rounds);
}
