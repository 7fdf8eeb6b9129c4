// Order flow as comma-separated values: one command a line.
//
//   ts_ns,op,order_id,side,price,quantity
//   34200189607670,add,11885113,buy,22381,21
//
// op      side  price  quantity
// add     yes   yes    yes       limit order that rests
// ioc     yes   yes    yes       limit order, what does not trade at once is cancelled
// market  yes   -      yes       market order
// reduce  -     -      yes       takes quantity off
// cancel  -     -      -
// replace -     yes    yes       new price and new total quantity
//
// order_id is the client order id. Prices are in ticks, quantities in lots. A field that an op does
// not need may be empty, or be well formed and without effect. Rows are executed in file order;
// ts_ns, nanoseconds of the recording's own clock, has to be a number but orders nothing.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>

#include "client/replay/line_reader.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

class CsvFlowReader {
 public:
  // Errors: those of LineReader::Open; kInvalidArgument for another header.
  static absl::StatusOr<std::unique_ptr<CsvFlowReader>> Open(const std::string& path,
                                                             const std::string& symbol);

  // The next row as a command; none at the end. Errors begin with "path:line:": kInvalidArgument
  // for a malformed row, kDataLoss for a damaged file. What is well formed and yet wrong (quantity
  // 0, an unknown order) is a command, which the exchange rejects.
  absl::StatusOr<std::optional<v1::Command>> Next();

  const LineReader& lines() const { return *lines_; }

 private:
  CsvFlowReader(std::unique_ptr<LineReader> lines, std::string symbol);

  const std::unique_ptr<LineReader> lines_;
  const std::string symbol_;
};

}  // namespace quorumbook::replay
