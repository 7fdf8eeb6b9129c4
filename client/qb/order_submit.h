// qb order submit: its options, and the order that they mean.
#pragma once

#include <absl/status/statusor.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "client/qb/context.h"
#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook::qb {

struct SubmitArguments {
  std::string symbol;
  std::string side;
  std::string quantity;
  std::string price;
  std::string type = "limit";
  std::string time_in_force;
  std::string expires;
  std::string stop;
  std::string trail;
  std::string protection;
  std::string display;
  std::string minimum;
  std::string prevention = "allow";
  bool post_only = false;
  bool all_or_none = false;
  uint64_t id = 0;
};

void AddSubmitOptions(CLI::App& submit, SubmitArguments& arguments);

// Errors: kInvalidArgument for words that do not belong together, and those of ToUnits.
absl::StatusOr<v1::Command> BuildNewOrder(const SubmitArguments& arguments,
                                          const v1::Symbol& symbol);

// Nanoseconds since 1970-01-01 UTC, of "2026-01-31T16:00:00Z" or of a duration from now.
absl::StatusOr<int64_t> ParseTime(const std::string& text);

}  // namespace quorumbook::qb
