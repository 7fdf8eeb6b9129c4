// How the cost of the order book grows with what is in it: a Google Benchmark program.
//
// "op" is the time of one operation (of a fill, in a sweep). Each run does a fixed number of them,
// since a book of ten million orders takes longer to fill than to measure.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <fstream>
#include <vector>

#include "common/check.h"
#include "exchange/exchange.h"
#include "exchange/order_book.h"
#include "random.h"

namespace quorumbook::bench {
namespace {

using benchmark::Counter;
using benchmark::State;
using exchange::BookFill;
using exchange::BookOrderId;
using exchange::OrderBook;
using exchange::OrderBookMemory;
using exchange::Price;
using exchange::Side;

constexpr Price kMiddle = 100'000'000;
constexpr int64_t kPairs = 300'000;

// Books with some orders that rest, none of which cross, at a number of prices a side.
class RestingOrders {
 public:
  RestingOrders(size_t books, size_t orders, Price prices) : prices_(prices) {
    for (size_t i = 0; i < books; ++i) books_.emplace_back(&memory_);
    where_.reserve(orders);
    for (size_t i = 0; i < orders; ++i) where_.push_back(Add(i));
  }

  // Cancels one at random and adds another; they are the `i`th.
  void Churn(size_t i) {
    Place& place = where_[random_.Below(where_.size())];
    QB_CHECK(books_[place.book].Cancel(place.id));
    place = Add(i);
  }

 private:
  struct Place {
    uint32_t book;
    BookOrderId id;
  };

  Place Add(size_t i) {
    const auto book = static_cast<uint32_t>(random_.Below(books_.size()));
    const Side side = random_.Below(2) == 0 ? Side::kBuy : Side::kSell;
    // The first ones see to it that each price has an order.
    const uint64_t step = i < 2 * static_cast<uint64_t>(prices_)
                              ? i / 2
                              : random_.Below(static_cast<uint64_t>(prices_));
    const Price distance = 1 + static_cast<Price>(step);
    const Price price = side == Side::kBuy ? kMiddle - distance : kMiddle + distance;
    const auto added =
        books_[book].Add({.side = side, .price = price, .quantity = 10}, [](const BookFill&) {});
    QB_CHECK(added.id != 0);
    return {book, added.id};
  }

  const Price prices_;
  Random random_{1};
  OrderBookMemory memory_;
  std::deque<OrderBook> books_;
  std::vector<Place> where_;
};

void Churn(State& state, RestingOrders orders) {
  for (size_t i = 0; i < kPairs; ++i) orders.Churn(i);  // warm
  size_t i = 0;
  for (auto _ : state) orders.Churn(i++);
  state.counters["op"] = Counter(2, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.SetComplexityN(state.range(0));
}

void OpenOrders(State& state) {
  Churn(state, RestingOrders(1, static_cast<size_t>(state.range(0)), 100));
}

// A million orders, at so many prices on both sides together.
void PriceLevels(State& state) { Churn(state, RestingOrders(1, 1'000'000, state.range(0) / 2)); }

// A million orders, in so many books.
void Symbols(State& state) {
  Churn(state, RestingOrders(static_cast<size_t>(state.range(0)), 1'000'000, 10));
}

// One order that trades with so many, four at each price.
void Sweep(State& state) {
  constexpr int64_t kAtAPrice = 4;
  const int64_t makers = state.range(0);
  OrderBookMemory memory;
  OrderBook book(&memory);
  int64_t fills = 0;
  const auto count = [&fills](const BookFill&) { ++fills; };
  for (auto _ : state) {
    for (int64_t i = 0; i < makers; ++i) {
      book.Add({.side = Side::kSell, .price = kMiddle + i / kAtAPrice, .quantity = 1}, count);
    }
    const auto begin = std::chrono::steady_clock::now();
    book.Add({.price = kMiddle + makers, .quantity = makers}, count);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(taken.count());
  }
  QB_CHECK(fills == makers * static_cast<int64_t>(state.iterations()));
  state.counters["op"] =
      Counter(static_cast<double>(makers), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

uint64_t ResidentBytes() {
  uint64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Bytes of each of a million open orders, at so many prices a side.
void Memory(State& state) {
  constexpr uint64_t kOrders = 1'000'000;
  for (auto _ : state) {
    malloc_trim(0);  // or what earlier ones left would be used again, and not be seen
    const uint64_t before = ResidentBytes();
    const RestingOrders orders(1, kOrders, state.range(0));
    const uint64_t client = kOrders * 16;  // what RestingOrders itself remembers
    state.counters["bytes_per_order"] =
        static_cast<double>(ResidentBytes() - before - client) / kOrders;
  }
}

// The same of the complete engine: order, index of names, level. One account, results acknowledged.
void EngineMemory(State& state) {
  constexpr uint64_t kOrders = 1'000'000;
  constexpr uint64_t kBatch = 100;
  for (auto _ : state) {
    malloc_trim(0);
    const uint64_t before = ResidentBytes();
    exchange::Exchange exchange;
    exchange::ApplyResult result;
    exchange::Batch batch{.time = 1, .groups = {exchange::OpenSession{exchange::AccountId(1)}}};
    exchange.Apply(batch, &result);
    const exchange::SessionId session(1);
    batch.groups = {
        exchange::SessionCommands{session, 1, 0, {exchange::AddSymbol{"A", {1, 0}, {1, 0}}}}};
    exchange.Apply(batch, &result);
    Random random(1);
    for (uint64_t sequence = 2; sequence < kOrders + 2; sequence += kBatch) {
      exchange::SessionCommands message{session, sequence, sequence - 1, {}};
      for (uint64_t i = 0; i < kBatch; ++i) {
        const bool buys = random.Below(2) == 0;
        const auto distance =
            1 + static_cast<Price>(random.Below(static_cast<uint64_t>(state.range(0))));
        message.commands.emplace_back(
            exchange::NewOrder{.symbol = exchange::SymbolId(1),
                               .client_order_id = exchange::ClientOrderId(sequence + i),
                               .side = buys ? Side::kBuy : Side::kSell,
                               .price = buys ? kMiddle - distance : kMiddle + distance,
                               .quantity = 10});
      }
      batch.groups.assign(1, std::move(message));
      exchange.Apply(batch, &result);
    }
    QB_CHECK(exchange.open_orders() == kOrders);
    state.counters["bytes_per_order"] = static_cast<double>(ResidentBytes() - before) / kOrders;
  }
}

BENCHMARK(OpenOrders)
    ->RangeMultiplier(10)
    ->Range(1'000, 10'000'000)
    ->Iterations(kPairs)
    ->Complexity(benchmark::oLogN);
BENCHMARK(PriceLevels)
    ->RangeMultiplier(10)
    ->Range(10, 1'000'000)
    ->Iterations(kPairs)
    ->Complexity(benchmark::oLogN);
BENCHMARK(Symbols)
    ->RangeMultiplier(10)
    ->Range(1, 100'000)
    ->Iterations(kPairs)
    ->Complexity(benchmark::oLogN);
BENCHMARK(Sweep)->RangeMultiplier(10)->Range(1, 1'000'000)->UseManualTime();
BENCHMARK(Memory)->Arg(100)->Arg(10'000)->Arg(500'000)->Iterations(1);
BENCHMARK(EngineMemory)->Arg(100)->Arg(10'000)->Arg(500'000)->Iterations(1);

}  // namespace
}  // namespace quorumbook::bench
