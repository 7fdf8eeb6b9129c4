#include "engine_flow.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <charconv>
#include <fstream>
#include <string_view>

#include "map_book.h"

namespace quorumbook::bench {
namespace {

using exchange::Price;
using exchange::Quantity;
using exchange::Side;

constexpr Price kMiddle = 1'000'000;
constexpr char kHeader[] = "op,order_id,side,price,quantity";

// SplitMix64 (Steele, Lea, Flood, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // 1 with probability 1/16, 2 with 15/16 of that, ...
  Price Distance() {
    Price distance = 1;
    while (Below(16) != 0) ++distance;
    return distance;
  }

 private:
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

// Picks a live order, dropping those it meets that have traded since; 0 when there is none.
uint64_t TakeLive(const MapBook& book, Random* random, std::vector<uint64_t>* live) {
  while (!live->empty()) {
    std::swap((*live)[random->Below(live->size())], live->back());
    const uint64_t id = live->back();
    live->pop_back();
    if (book.Has(id)) return id;
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
  return ParseNumber(price, &operation->price) && ParseNumber(quantity, &operation->quantity);
}

}  // namespace

std::vector<Operation> MakeFlow(uint64_t seed, uint64_t count) {
  Random random(seed);
  MapBook book;
  std::vector<uint64_t> live;
  std::vector<Fill> fills;
  std::vector<Operation> flow;
  flow.reserve(count);
  uint64_t last_id = 0;
  while (flow.size() < count) {
    const uint64_t dice = random.Below(100);
    Operation operation;
    if (dice >= 65) {
      operation.kind = Operation::Kind::kCancel;
      operation.order_id = TakeLive(book, &random, &live);
      if (operation.order_id == 0) continue;
    } else {
      const bool crossing = dice >= 55;
      operation.order_id = ++last_id;
      operation.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
      const bool below = (operation.side == Side::kBuy) != crossing;
      operation.price = kMiddle + (below ? -random.Distance() : random.Distance());
      operation.quantity = 1 + static_cast<Quantity>(random.Below(100));
      live.push_back(last_id);
    }
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
