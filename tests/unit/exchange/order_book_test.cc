// The book kernel against a plain book of maps and lists, over millions of random operations.
#include "exchange/order_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

struct Fill {
  uint64_t maker_tag;
  Price price;
  Quantity quantity;
  Quantity maker_left;

  bool operator==(const Fill&) const = default;
};

using Depth = std::vector<std::tuple<Price, Quantity, uint32_t>>;

// Orders go by their tags.
class PlainBook {
 public:
  // What is left of the order, which rests if it may.
  Quantity Add(const BookOrder& order, std::vector<Fill>* fills) {
    Quantity left = order.quantity;
    Levels& makers = levels(order.side == Side::kBuy ? Side::kSell : Side::kBuy);
    if (order.time_in_force == TimeInForce::kFillOrKill && Executable(order) < left) return left;
    while (left > 0 && !makers.empty() && Crosses(order, makers.begin()->first)) {
      auto& queue = makers.begin()->second;
      Resting& maker = queue.front();
      const Quantity traded = std::min(left, maker.quantity);
      left -= traded;
      maker.quantity -= traded;
      fills->push_back({maker.tag, PriceOf(maker), traded, maker.quantity});
      if (maker.quantity == 0) Erase(maker.tag);
    }
    if (left > 0 && order.time_in_force == TimeInForce::kGoodTillCancel) {
      auto& queue = levels(order.side)[KeyOf(order.side, order.price)];
      queue.push_back({order.tag, order.side, order.price, left});
      where_[order.tag] = std::prev(queue.end());
    }
    return left;
  }
  bool Reduce(uint64_t tag, Quantity quantity) {
    const auto it = where_.find(tag);
    if (it == where_.end()) return false;
    if (quantity >= it->second->quantity) {
      Erase(tag);
    } else {
      it->second->quantity -= quantity;
    }
    return true;
  }
  bool Cancel(uint64_t tag) { return where_.contains(tag) && (Erase(tag), true); }

  size_t orders() const { return where_.size(); }
  Depth DepthOf(Side side) const {
    Depth depth;
    for (const auto& [key, queue] : side == Side::kBuy ? bids_ : asks_) {
      Quantity quantity = 0;
      for (const Resting& order : queue) quantity += order.quantity;
      depth.emplace_back(PriceOf(queue.front()), quantity, static_cast<uint32_t>(queue.size()));
    }
    return depth;
  }

 private:
  struct Resting {
    uint64_t tag;
    Side side;
    Price price;
    Quantity quantity;
  };
  using Levels = std::map<Price, std::list<Resting>>;  // best first

  static Price KeyOf(Side side, Price price) { return side == Side::kBuy ? -price : price; }
  static Price PriceOf(const Resting& order) { return order.price; }
  static bool Crosses(const BookOrder& order, Price key) {
    return order.side == Side::kBuy ? key <= order.price : -key >= order.price;
  }
  Levels& levels(Side side) { return side == Side::kBuy ? bids_ : asks_; }
  Quantity Executable(const BookOrder& order) {
    Quantity sum = 0;
    for (const auto& [key, queue] : levels(order.side == Side::kBuy ? Side::kSell : Side::kBuy)) {
      if (!Crosses(order, key)) break;
      for (const Resting& maker : queue) sum += maker.quantity;
    }
    return sum;
  }
  void Erase(uint64_t tag) {
    const auto order = where_.at(tag);
    Levels& of_side = levels(order->side);
    const auto level = of_side.find(KeyOf(order->side, order->price));
    where_.erase(tag);
    level->second.erase(order);
    if (level->second.empty()) of_side.erase(level);
  }

  Levels bids_, asks_;
  std::unordered_map<uint64_t, std::list<Resting>::iterator> where_;
};

Depth DepthOf(const OrderBook& book, Side side) {
  Depth depth;
  book.ForEachLevel(side, [&](Price price, Quantity quantity, uint32_t orders) {
    depth.emplace_back(price, quantity, orders);
    return true;
  });
  return depth;
}

// Two books in one memory, each beside its plain one.
class Twins {
 public:
  Twins(uint64_t seed, std::function<Price(Random*)> price)
      : random_(seed), price_(std::move(price)) {}

  void Step() {
    const size_t which = random_.Below(2);
    const uint64_t dice = random_.Below(100);
    if (dice < 60 || live_[which].empty()) return Add(which);
    // Also ids that have traded or were cancelled, and those of the other book.
    const size_t at = random_.Below(live_[which].size());
    const auto [tag, id] = live_[which][at];
    memory_.PrefetchOrder(id);
    memory_.PrefetchNeighbors(id);
    ASSERT_FALSE(books_[1 - which].Cancel(id));
    ASSERT_EQ(books_[1 - which].Left(id), 0);
    if (dice < 90) {
      ASSERT_EQ(books_[which].Cancel(id), plain_[which].Cancel(tag));
      ASSERT_FALSE(books_[which].Cancel(id)) << "it is gone";
    } else {
      const Quantity quantity = 1 + static_cast<Quantity>(random_.Below(50));
      ASSERT_EQ(books_[which].Reduce(id, quantity), plain_[which].Reduce(tag, quantity));
    }
    if (random_.Below(4) != 0) {
      live_[which][at] = live_[which].back();
      live_[which].pop_back();
    }
  }

  void CompareDepth() const {
    for (size_t which = 0; which < 2; ++which) {
      for (const Side side : {Side::kBuy, Side::kSell}) {
        const Depth wanted = plain_[which].DepthOf(side);
        ASSERT_EQ(DepthOf(books_[which], side), wanted);
        ASSERT_EQ(books_[which].levels(side), wanted.size());
        ASSERT_EQ(books_[which].best_price(side), wanted.empty() ? 0 : std::get<0>(wanted[0]));
      }
    }
    ASSERT_EQ(memory_.orders(), plain_[0].orders() + plain_[1].orders());
  }

  uint64_t fills() const { return fills_; }
  size_t orders() const { return memory_.orders(); }

 private:
  void Add(size_t which) {
    constexpr TimeInForce kKinds[] = {TimeInForce::kGoodTillCancel, TimeInForce::kImmediateOrCancel,
                                      TimeInForce::kFillOrKill};
    const BookOrder order{
        .side = random_.Below(2) == 0 ? Side::kBuy : Side::kSell,
        .time_in_force = kKinds[random_.Below(20) < 18 ? 0 : random_.Below(3)],
        .price = price_(&random_),
        .quantity = 1 + static_cast<Quantity>(random_.Below(random_.Below(50) == 0 ? 5'000 : 100)),
        .tag = ++last_tag_};
    std::vector<Fill> fills, wanted;
    const BookAdded added = books_[which].Add(order, [&](const BookFill& fill) {
      fills.push_back({fill.maker_tag, fill.price, fill.quantity, fill.maker_left});
    });
    const Quantity left = plain_[which].Add(order, &wanted);
    ASSERT_EQ(fills, wanted);
    ASSERT_EQ(added.left, left);
    const bool rests = left > 0 && order.time_in_force == TimeInForce::kGoodTillCancel;
    ASSERT_EQ(added.id != 0, rests);
    ASSERT_EQ(books_[which].Left(added.id), rests ? left : 0);
    fills_ += fills.size();
    if (rests) live_[which].emplace_back(order.tag, added.id);
  }

  Random random_;
  std::function<Price(Random*)> price_;
  OrderBookMemory memory_;
  OrderBook books_[2] = {OrderBook(&memory_), OrderBook(&memory_)};
  PlainBook plain_[2];
  std::vector<std::pair<uint64_t, BookOrderId>> live_[2];
  uint64_t last_tag_ = 0;
  uint64_t fills_ = 0;
};

void Compare(uint64_t seed, int steps, std::function<Price(Random*)> price) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Twins twins(seed, std::move(price));
  for (int step = 0; step < steps; ++step) {
    twins.Step();
    if (step % (steps / 50) == 0) twins.CompareDepth();
    if (testing::Test::HasFatalFailure()) FAIL() << "step " << step;
  }
  twins.CompareDepth();
  EXPECT_GT(twins.fills(), static_cast<uint64_t>(steps) / 20);
  EXPECT_GT(twins.orders(), 100u);
}

TEST(OrderBook, FewPrices) {
  Compare(1, 600'000, [](Random* random) { return 100 + static_cast<Price>(random->Below(8)); });
}

TEST(OrderBook, PricesAroundAMovingMiddle) {
  Price middle = 1'000'000;
  Compare(2, 600'000, [&](Random* random) {
    middle += static_cast<Price>(random->Below(7)) - 3;
    return middle + static_cast<Price>(random->Below(400)) - 200;
  });
}

TEST(OrderBook, PricesOverAllDecades) {
  Compare(3, 400'000, [](Random* random) {
    Price decade = 1;
    for (uint64_t i = random->Below(12); i > 0; --i) decade *= 10;
    return decade * static_cast<Price>(1 + random->Below(9)) +
           static_cast<Price>(random->Below(static_cast<uint64_t>(decade)));
  });
}

TEST(OrderBook, BestAndWorstPrice) {
  Compare(4, 100'000, [](Random* random) {
    return random->Below(2) == 0 ? 1 + static_cast<Price>(random->Below(3))
                                 : kMaxPrice - static_cast<Price>(random->Below(3));
  });
}

TEST(OrderBook, RefusesWithAReasonAndChangesNothing) {
  OrderBookMemory memory;
  OrderBook book(&memory);
  const auto none = [](const BookFill&) { FAIL(); };
  const auto reason = [&](Price price, Quantity quantity, TimeInForce time_in_force) {
    return book.Add({.time_in_force = time_in_force, .price = price, .quantity = quantity}, none)
        .reason;
  };
  const TimeInForce kept = TimeInForce::kGoodTillCancel;
  EXPECT_EQ(reason(0, 1, kept), Reason::kInvalidPrice);
  EXPECT_EQ(reason(kMaxPrice + 1, 1, kept), Reason::kInvalidPrice);
  EXPECT_EQ(reason(1, 0, kept), Reason::kInvalidQuantity);
  EXPECT_EQ(reason(1, kMaxQuantity + 1, kept), Reason::kInvalidQuantity);
  EXPECT_EQ(reason(1, 1, TimeInForce::kFillOrKill), Reason::kNotFillable);
  EXPECT_EQ(memory.orders(), 0u);
  EXPECT_EQ(reason(kMaxPrice, kMaxQuantity, kept), Reason::kNone);
  EXPECT_EQ(memory.orders(), 1u);
}

TEST(OrderBook, IdsStartAgainAndNoneIsNobodys) {
  OrderBookMemory memory(/*ids_given=*/(uint64_t{1} << 40) - 3);
  OrderBook book(&memory);
  const auto none = [](const BookFill&) {};
  std::set<BookOrderId> ids;
  for (Quantity quantity = 1; quantity <= 5; ++quantity) {
    const BookOrderId id = book.Add({.price = 100, .quantity = quantity}, none).id;
    EXPECT_TRUE(ids.insert(id).second);
    EXPECT_EQ(book.Left(id), quantity) << "order " << quantity << " is not found";
  }
  for (const BookOrderId id : ids) EXPECT_TRUE(book.Cancel(id));
  EXPECT_EQ(memory.orders(), 0u);
}

TEST(OrderBook, IdsOfNobody) {
  OrderBookMemory memory;
  OrderBook book(&memory);
  for (const BookOrderId id :
       {BookOrderId{0}, BookOrderId{1}, BookOrderId{1} << 24, ~BookOrderId{0}}) {
    memory.PrefetchOrder(id);
    memory.PrefetchNeighbors(id);
    EXPECT_FALSE(book.Cancel(id));
    EXPECT_FALSE(book.Reduce(id, 1));
    EXPECT_EQ(book.Left(id), 0);
  }
}

}  // namespace
}  // namespace quorumbook::exchange
