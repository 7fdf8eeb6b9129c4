#include "client/replay/csv_flow.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <array>
#include <cstdint>
#include <utility>

namespace quorumbook::replay {

namespace {

constexpr absl::string_view kHeader = "ts_ns,op,order_id,side,price,quantity";
constexpr size_t kFields = 6;

// What an op is made into, and which fields it can not do without.
struct Op {
  absl::string_view name;
  bool side, price, quantity;
};
constexpr std::array<Op, 6> kOps = {{
    {"add", true, true, true},
    {"ioc", true, true, true},
    {"market", true, false, true},
    {"reduce", false, false, true},
    {"cancel", false, false, false},
    {"replace", false, true, true},
}};

struct Row {
  const Op* op = nullptr;
  uint64_t order_id = 0;
  v1::Side side = v1::SIDE_UNSPECIFIED;
  int64_t price = 0;
  int64_t quantity = 0;
};

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", text, "\""); }

// An integer field; empty is 0 unless it is needed. Returns what is wrong, or nothing.
std::string ParseField(absl::string_view name, absl::string_view text, bool needed,
                       absl::string_view op, int64_t* value) {
  if (text.empty()) {
    return needed ? absl::StrCat("op ", Quoted(op), " needs a ", name) : std::string();
  }
  if (ParseInt(text, value)) return {};
  return absl::StrCat(name, " ", Quoted(text), " is not an integer that fits in 64 bits");
}

std::string ParseSide(absl::string_view text, const Op& op, v1::Side* side) {
  if (text == "buy") {
    *side = v1::BUY;
  } else if (text == "sell") {
    *side = v1::SELL;
  } else if (!text.empty()) {
    return absl::StrCat("side ", Quoted(text), " is neither buy nor sell");
  } else if (op.side) {
    return absl::StrCat("op ", Quoted(op.name), " needs a side, buy or sell");
  }
  return {};
}

// Returns what is wrong with the line, or nothing.
std::string ParseRow(absl::string_view line, Row* row) {
  std::array<absl::string_view, kFields> fields;
  if (!SplitFields(line, kFields, kFields, fields.data())) {
    return absl::StrCat("expected ", kFields, " fields (", kHeader, ") in ", Quoted(line));
  }
  const auto& [time, op_name, id, side, price, quantity] = fields;
  int64_t time_ns = 0;
  if (!ParseInt(time, &time_ns) || time_ns < 0) {
    return absl::StrCat("ts_ns ", Quoted(time), " is not a number of nanoseconds");
  }
  for (const Op& op : kOps) {
    if (op.name == op_name) row->op = &op;
  }
  if (row->op == nullptr) {
    return absl::StrCat("op ", Quoted(op_name),
                        " is none of add, ioc, market, reduce, cancel, replace");
  }
  if (!ParseUint(id, &row->order_id)) {
    return absl::StrCat("order_id ", Quoted(id), " is not an unsigned 64-bit integer");
  }
  std::string error = ParseSide(side, *row->op, &row->side);
  if (error.empty()) {
    error = ParseField("price", price, row->op->price, op_name, &row->price);
  }
  if (error.empty()) {
    error = ParseField("quantity", quantity, row->op->quantity, op_name, &row->quantity);
  }
  return error;
}

v1::Command ToCommand(const Row& row, const std::string& symbol) {
  v1::Command command;
  const absl::string_view op = row.op->name;
  if (op == "cancel") {
    command.mutable_cancel_order()->set_symbol(symbol);
    command.mutable_cancel_order()->set_client_order_id(row.order_id);
  } else if (op == "reduce") {
    command.mutable_reduce_order()->set_symbol(symbol);
    command.mutable_reduce_order()->set_client_order_id(row.order_id);
    command.mutable_reduce_order()->set_quantity(row.quantity);
  } else if (op == "replace") {
    command.mutable_replace_order()->set_symbol(symbol);
    command.mutable_replace_order()->set_client_order_id(row.order_id);
    command.mutable_replace_order()->set_price(row.price);
    command.mutable_replace_order()->set_quantity(row.quantity);
  } else {
    v1::NewOrder& order = *command.mutable_new_order();
    order.set_symbol(symbol);
    order.set_client_order_id(row.order_id);
    order.set_side(row.side);
    order.set_type(op == "market" ? v1::MARKET : v1::LIMIT);
    order.set_time_in_force(op == "add" ? v1::GOOD_TILL_CANCEL : v1::IMMEDIATE_OR_CANCEL);
    order.set_price(op == "market" ? 0 : row.price);
    order.set_quantity(row.quantity);
  }
  return command;
}

}  // namespace

CsvFlowReader::CsvFlowReader(std::unique_ptr<LineReader> lines, std::string symbol)
    : lines_(std::move(lines)), symbol_(std::move(symbol)) {}

absl::StatusOr<std::unique_ptr<CsvFlowReader>> CsvFlowReader::Open(const std::string& path,
                                                                   const std::string& symbol) {
  auto lines = LineReader::Open(path);
  if (!lines.ok()) return lines.status();
  auto header = (*lines)->Next();
  if (!header.ok()) return header.status();
  if (!header->has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is empty; its first line has to be ", kHeader));
  }
  if (**header != kHeader) {
    return (*lines)->ErrorHere(absl::StatusCode::kInvalidArgument,
                               absl::StrCat("the header has to be ", kHeader));
  }
  return std::unique_ptr<CsvFlowReader>(new CsvFlowReader(*std::move(lines), symbol));
}

absl::StatusOr<std::optional<v1::Command>> CsvFlowReader::Next() {
  auto line = lines_->Next();
  if (!line.ok()) return line.status();
  if (!line->has_value()) return std::nullopt;
  Row row;
  if (std::string error = ParseRow(**line, &row); !error.empty()) {
    return lines_->ErrorHere(absl::StatusCode::kInvalidArgument, error);
  }
  return ToCommand(row, symbol_);
}

}  // namespace quorumbook::replay
