#include "flow.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <charconv>
#include <fstream>
#include <string_view>
#include <unordered_map>

#include "map_book.h"
#include "random.h"

namespace quorumbook::bench {
namespace {

using exchange::Price;
using exchange::Quantity;
using exchange::Side;

constexpr char kHeader[] = "op,order_id,side,price,quantity";

// In per cent; cancels are the rest.
struct Mix {
  uint64_t adds;
  uint64_t crossing;
};
Mix MixOf(Shape shape) {
  return shape == Shape::kStatic ? Mix{.adds = 60, .crossing = 2} : Mix{.adds = 55, .crossing = 10};
}

// 1 with probability 1/16, 2 with 15/16 of that, ...
Price GeometricDistance(Random* random) {
  Price distance = 1;
  while (random->Below(16) != 0) ++distance;
  return distance;
}

// From 1 to 10^9, each decade as likely as the next.
Price DistanceOfAnyDecade(Random* random) {
  Price decade = 1;
  for (uint64_t i = random->Below(9); i > 0; --i) decade *= 10;
  return decade + static_cast<Price>(random->Below(static_cast<uint64_t>(decade) * 9));
}

Price Distance(Shape shape, Random* random) {
  if (shape == Shape::kStatic) return 1 + static_cast<Price>(random->Below(4));
  return shape == Shape::kWide ? DistanceOfAnyDecade(random) : GeometricDistance(random);
}

// Where the middle is before the i-th of `count` operations.
Price Middle(Shape shape, uint64_t i, uint64_t count) {
  constexpr Price kMiddle = 1'000'000;
  if (shape == Shape::kWide) return 1'000 * kMiddle;
  if (shape != Shape::kCrash) return kMiddle;
  constexpr uint64_t kDepth = 40'000;
  const uint64_t from_turn = i < count / 2 ? count / 2 - i : i - count / 2;
  return kMiddle - static_cast<Price>(kDepth - kDepth * from_turn / (count / 2 + 1));
}

// Picks a live order, dropping those it meets that have traded since; 0 when there is none.
uint32_t TakeLive(const MapBook& book, Random* random, std::vector<uint32_t>* live) {
  while (!live->empty()) {
    std::swap((*live)[random->Below(live->size())], live->back());
    const uint32_t order = live->back();
    live->pop_back();
    if (book.Has(order)) return order;
  }
  return 0;
}

bool ParseNumber(std::string_view text, auto* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view NextField(std::string_view* line) {
  const size_t comma = line->find(',');
  const std::string_view field = line->substr(0, comma);
  line->remove_prefix(comma == std::string_view::npos ? line->size() : comma + 1);
  return field;
}

bool ParseLine(std::string_view line, Operation* operation) {
  const std::string_view op = NextField(&line);
  const std::string_view id = NextField(&line);
  const std::string_view side = NextField(&line);
  const std::string_view price = NextField(&line);
  const std::string_view quantity = line;
  if (op != "add" && op != "ioc" && op != "cancel") return false;
  operation->kind = op == "add"   ? Operation::Kind::kAdd
                    : op == "ioc" ? Operation::Kind::kIoc
                                  : Operation::Kind::kCancel;
  if (!ParseNumber(id, &operation->order_id)) return false;
  if (operation->kind == Operation::Kind::kCancel) return true;
  if (side != "buy" && side != "sell") return false;
  operation->side = side == "buy" ? Side::kBuy : Side::kSell;
  return ParseNumber(price, &operation->price) && ParseNumber(quantity, &operation->quantity) &&
         operation->price >= 1 && operation->price <= exchange::kMaxPrice &&
         operation->quantity >= 1 && operation->quantity <= exchange::kMaxQuantity;
}

}  // namespace

std::vector<Operation> MakeFlow(Shape shape, uint64_t seed, uint64_t count) {
  const Mix mix = MixOf(shape);
  Random random(seed);
  MapBook book;
  std::vector<uint32_t> live;
  std::vector<Fill> fills;
  std::vector<Operation> flow;
  flow.reserve(count);
  uint32_t last = 0;
  while (flow.size() < count) {
    const uint64_t dice = random.Below(100);
    Operation operation;
    if (dice >= mix.adds + mix.crossing) {
      operation.kind = Operation::Kind::kCancel;
      operation.order = TakeLive(book, &random, &live);
      if (operation.order == 0) continue;
    } else {
      const bool crosses = dice >= mix.adds;
      operation.order = ++last;
      operation.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
      const bool below = (operation.side == Side::kBuy) != crosses;
      const Price distance = Distance(shape, &random);
      operation.price = Middle(shape, flow.size(), count) + (below ? -distance : distance);
      operation.quantity = 1 + static_cast<Quantity>(random.Below(100));
      live.push_back(last);
    }
    operation.order_id = operation.order;
    fills.clear();
    book.Apply(operation, &fills);
    flow.push_back(operation);
  }
  return flow;
}

absl::StatusOr<std::vector<Operation>> ReadFlow(const std::string& path) {
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": can not be opened"));
  std::vector<Operation> flow;
  std::unordered_map<uint64_t, uint32_t> order_of;  // id
  std::string line;
  uint64_t number = 0;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    Operation operation;
    if (++number == 1) {
      if (line != kHeader) {
        return absl::InvalidArgumentError(absl::StrCat(path, ":1: the header must be ", kHeader));
      }
    } else if (ParseLine(line, &operation)) {
      if (operation.kind != Operation::Kind::kCancel) {
        const auto next = static_cast<uint32_t>(order_of.size() + 1);
        if (!order_of.emplace(operation.order_id, next).second) {
          return absl::InvalidArgumentError(
              absl::StrCat(path, ":", number, ": order id ", operation.order_id, " is used twice"));
        }
      }
      const auto named = order_of.find(operation.order_id);
      if (named != order_of.end()) operation.order = named->second;
      flow.push_back(operation);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": malformed: ", line));
    }
  }
  if (flow.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": no operations"));
  return flow;
}

absl::Status WriteFlow(const std::vector<Operation>& flow, const std::string& path) {
  constexpr const char* kNames[] = {"add", "ioc", "cancel"};
  std::ofstream out(path);
  out << kHeader << '\n';
  for (const Operation& operation : flow) {
    out << kNames[static_cast<size_t>(operation.kind)] << ',' << operation.order_id << ','
        << (operation.side == Side::kBuy ? "buy" : "sell") << ',' << operation.price << ','
        << operation.quantity << '\n';
  }
  out.flush();
  if (!out) return absl::UnavailableError(absl::StrCat(path, ": can not be written"));
  return absl::OkStatus();
}

}  // namespace quorumbook::bench
