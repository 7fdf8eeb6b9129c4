#include "contestants.h"

#include <algorithm>
#include <optional>
#include <string>

#include "common/check.h"
#include "common/digest.h"
#include "common/prefetch.h"
#include "exchange/command_codec.h"
#include "exchange/exchange.h"
#include "exchange/order_book.h"

namespace quorumbook::bench {
namespace {

using exchange::BookAdded;
using exchange::BookFill;
using exchange::BookOrderId;
using exchange::OrderBook;
using exchange::OrderBookMemory;
using exchange::TimeInForce;

TimeInForce TimeInForceOf(const Operation& operation) {
  return operation.kind == Operation::Kind::kAdd ? TimeInForce::kGoodTillCancel
                                                 : TimeInForce::kImmediateOrCancel;
}

class PlainMap : public Contestant {
 public:
  explicit PlainMap(const std::vector<Operation>& flow) : flow_(flow) {}

  std::string_view name() const override { return "map"; }
  void Reset() override { book_ = MapBook(); }
  void Run(size_t begin, size_t end) override {
    for (size_t i = begin; i < end; ++i) {
      fills_.clear();
      book_.Apply(flow_[i], &fills_);
    }
  }
  void TakeFills(std::vector<Fill>* fills) override {
    fills->insert(fills->end(), fills_.begin(), fills_.end());
  }

 private:
  const std::vector<Operation>& flow_;
  MapBook book_;
  std::vector<Fill> fills_;
};

class Kernel : public Contestant {
 public:
  Kernel(const std::vector<Operation>& flow, size_t batch) : flow_(flow), batch_(batch) {
    uint32_t orders = 0;
    for (const Operation& operation : flow) orders = std::max(orders, operation.order);
    ids_.resize(size_t{orders} + 1);
  }

  std::string_view name() const override { return batch_ == 1 ? "single" : "matching"; }
  void Reset() override {
    book_.reset();
    memory_.emplace();
    book_.emplace(&*memory_);
    std::fill(ids_.begin(), ids_.end(), 0);
  }
  void Run(size_t begin, size_t end) override {
    for (size_t first = begin; first < end; first += batch_) {
      RunBatch(first, std::min(end, first + batch_));
    }
  }
  void TakeFills(std::vector<Fill>* fills) override {
    fills->insert(fills->end(), fills_.begin(), fills_.end());
  }

 private:
  void RunBatch(size_t begin, size_t end) {
    if (begin + 1 == end) return RunOne(flow_[begin]);
    constexpr size_t kAhead = 8;
    for (size_t i = begin; i < std::min(end, begin + 3 * kAhead); ++i) {
      Prefetch(&ids_[flow_[i].order]);
    }
    for (size_t i = begin; i < std::min(end, begin + 2 * kAhead); ++i) {
      memory_->PrefetchOrder(ids_[flow_[i].order]);
    }
    for (size_t i = begin; i < std::min(end, begin + kAhead); ++i) {
      memory_->PrefetchNeighbors(ids_[flow_[i].order]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (i + 3 * kAhead < end) Prefetch(&ids_[flow_[i + 3 * kAhead].order]);
      if (i + 2 * kAhead < end) memory_->PrefetchOrder(ids_[flow_[i + 2 * kAhead].order]);
      if (i + kAhead < end) memory_->PrefetchNeighbors(ids_[flow_[i + kAhead].order]);
      RunOne(flow_[i]);
    }
  }

  void RunOne(const Operation& operation) {
    fills_.clear();
    if (operation.kind == Operation::Kind::kCancel) {
      book_->Cancel(ids_[operation.order]);
      return;
    }
    const BookAdded added = book_->Add(
        {.side = operation.side,
         .time_in_force = TimeInForceOf(operation),
         .price = operation.price,
         .quantity = operation.quantity,
         .tag = operation.order_id},
        [&](const BookFill& fill) {
          fills_.push_back({operation.order_id, fill.maker_tag, fill.price, fill.quantity});
        });
    ids_[operation.order] = added.id;
  }

  const std::vector<Operation>& flow_;
  const size_t batch_;
  std::optional<OrderBookMemory> memory_;
  std::optional<OrderBook> book_;
  std::vector<BookOrderId> ids_;  // what the client of the book remembers: the id of each order
  std::vector<Fill> fills_;
};

class Engine : public Contestant {
 public:
  Engine(const std::vector<Operation>& flow, size_t batch) : batch_(batch) {
    for (size_t first = 0; first < flow.size(); first += batch) {
      messages_.push_back(Encode(flow, first, std::min(flow.size(), first + batch)));
    }
  }

  std::string_view name() const override { return "engine"; }
  void Reset() override {
    exchange_ = exchange::Exchange();
    exchange_.Apply(
        {.time = 1,
         .groups = {exchange::OpenSession{.account = exchange::AccountId(1)},
                    exchange::SessionCommands{
                        exchange::SessionId(1),
                        1,
                        0,
                        {exchange::AddSymbol{
                            .name = "BENCH", .tick_size = {1, -2}, .lot_size = {1, 0}}}}}},
        &result_);
  }
  void Run(size_t begin, size_t end) override {
    for (size_t first = begin; first < end; first += batch_) {
      QB_CHECK(exchange_.Apply(messages_[first / batch_], &result_).ok());
    }
  }
  void TakeFills(std::vector<Fill>* fills) override {
    for (const exchange::Event& event : result_.events) {
      if (event.type != exchange::EventType::kTrade) continue;
      fills->push_back({event.client_order_id.value(), event.maker_client_order_id.value(),
                        event.price, event.quantity});
    }
  }

 private:
  static exchange::Command ToCommand(const Operation& operation) {
    const exchange::SymbolId symbol(1);
    const exchange::ClientOrderId id(operation.order_id);
    if (operation.kind == Operation::Kind::kCancel) return exchange::CancelOrder{symbol, id};
    return exchange::NewOrder{.symbol = symbol,
                              .client_order_id = id,
                              .side = operation.side,
                              .time_in_force = TimeInForceOf(operation),
                              .price = operation.price,
                              .quantity = operation.quantity};
  }
  static std::string Encode(const std::vector<Operation>& flow, size_t begin, size_t end) {
    const uint64_t sequence = begin + 2;  // after AddSymbol
    exchange::SessionCommands group{exchange::SessionId(1), sequence, sequence - 1, {}};
    for (size_t i = begin; i < end; ++i) group.commands.push_back(ToCommand(flow[i]));
    return exchange::EncodeBatch(
        {.time = static_cast<exchange::Time>(begin + 1), .groups = {std::move(group)}});
  }

  const size_t batch_;
  std::vector<std::string> messages_;
  exchange::Exchange exchange_;
  exchange::ApplyResult result_;
};

}  // namespace

void Trades::Add(const std::vector<Fill>& fills) {
  count += fills.size();
  for (const Fill& fill : fills) {
    hash = Checksum64(std::string_view(reinterpret_cast<const char*>(&fill), sizeof(fill)), hash);
  }
}

std::unique_ptr<Contestant> MapContestant(const std::vector<Operation>& flow) {
  return std::make_unique<PlainMap>(flow);
}
std::unique_ptr<Contestant> BookContestant(const std::vector<Operation>& flow, size_t batch) {
  return std::make_unique<Kernel>(flow, batch);
}
std::unique_ptr<Contestant> EngineContestant(const std::vector<Operation>& flow, size_t batch) {
  return std::make_unique<Engine>(flow, batch);
}

}  // namespace quorumbook::bench
