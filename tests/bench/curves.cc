#include "curves.h"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <functional>
#include <vector>

#include "common/check.h"
#include "exchange/order_book.h"
#include "random.h"

namespace quorumbook::bench {
namespace {

using exchange::BookFill;
using exchange::BookOrderId;
using exchange::OrderBook;
using exchange::OrderBookMemory;
using exchange::Price;
using exchange::Side;

constexpr Price kMiddle = 100'000'000;

double Nanoseconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  const auto taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(std::chrono::nanoseconds(taken).count());
}

// Books with some orders that rest, none of which cross, at a number of prices a side.
class RestingOrders {
 public:
  RestingOrders(size_t books, size_t orders, Price prices) : prices_(prices) {
    for (size_t i = 0; i < books; ++i) books_.emplace_back(&memory_);
    where_.reserve(orders);
    for (size_t i = 0; i < orders; ++i) where_.push_back(Add(i));
  }

  // Nanoseconds to cancel one at random and add another, taken together as two operations.
  double Churn() {
    constexpr size_t kPairs = 300'000;
    const auto churn = [&] {
      for (size_t i = 0; i < kPairs; ++i) {
        Place& place = where_[random_.Below(where_.size())];
        QB_CHECK(books_[place.book].Cancel(place.id));
        place = Add(i);
      }
    };
    churn();  // warm
    return Nanoseconds(churn) / (2 * kPairs);
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

class Table {
 public:
  explicit Table(const char* what) { std::printf("\n%-28s %9s %6s\n", what, "ns", "step"); }
  void Row(uint64_t n, double ns) {
    std::printf("%-28llu %9.1f", static_cast<unsigned long long>(n), ns);
    if (last_ > 0) std::printf(" %6.2f", ns / last_);
    std::printf("\n");
    std::fflush(stdout);
    last_ = ns;
  }

 private:
  double last_ = 0;
};

// Nanoseconds a fill of one order that trades with so many, a few at each price.
double Sweep(size_t makers) {
  constexpr size_t kAtAPrice = 4;
  const size_t rounds = 200'000 / makers + 1;
  OrderBookMemory memory;
  OrderBook book(&memory);
  uint64_t fills = 0;
  const auto count = [&](const BookFill&) { ++fills; };
  double taken = 0;
  for (size_t round = 0; round <= rounds; ++round) {
    for (size_t i = 0; i < makers; ++i) {
      book.Add({.side = Side::kSell,
                .price = kMiddle + static_cast<Price>(i / kAtAPrice),
                .quantity = 1},
               count);
    }
    const double ns = Nanoseconds([&] {
      book.Add({.price = kMiddle + static_cast<Price>(makers),
                .quantity = static_cast<exchange::Quantity>(makers)},
               count);
    });
    if (round > 0) taken += ns;  // the first warms
  }
  QB_CHECK(fills == makers * (rounds + 1));
  return taken / static_cast<double>(makers * rounds);
}

uint64_t ResidentBytes() {
  uint64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void PrintMemory() {
  std::printf("\n%-28s %9s\n", "memory of 1,000,000 orders", "bytes/order");
  constexpr uint64_t kOrders = 1'000'000;
  for (const Price prices : {Price{100}, Price{10'000}, Price{500'000}}) {
    malloc_trim(0);  // or what earlier ones left would be used again, and not be seen
    const uint64_t before = ResidentBytes();
    const RestingOrders orders(1, kOrders, prices);
    const uint64_t client = kOrders * 16;  // what RestingOrders itself remembers
    std::printf("at %-7lld prices a side %13.1f\n", static_cast<long long>(prices),
                static_cast<double>(ResidentBytes() - before - client) / kOrders);
  }
}

}  // namespace

void PrintCurves() {
  Table by_orders("open orders");
  for (size_t n = 1'000; n <= 10'000'000; n *= 10) {
    by_orders.Row(n, RestingOrders(1, n, 100).Churn());
  }
  Table by_levels("price levels (10^6 orders)");
  for (Price n = 10; n <= 1'000'000; n *= 10) {
    by_levels.Row(static_cast<uint64_t>(n), RestingOrders(1, 1'000'000, n / 2).Churn());
  }
  Table by_symbols("symbols (10^6 orders)");
  for (size_t n = 1; n <= 100'000; n *= 10) {
    by_symbols.Row(n, RestingOrders(n, 1'000'000, 10).Churn());
  }
  Table by_depth("orders swept, ns a fill");
  for (size_t n = 1; n <= 1'000'000; n *= 10) by_depth.Row(n, Sweep(n));
  PrintMemory();
}

}  // namespace quorumbook::bench
