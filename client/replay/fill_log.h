// The executions of a replay, in the order in which they happened, as a CSV file.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

namespace quorumbook::replay {

// Ids are client order ids; maker_id is 0 when the resting order is another account's.
struct Fill {
  uint64_t taker_id = 0;
  uint64_t maker_id = 0;
  int64_t price = 0;
  int64_t quantity = 0;

  bool operator==(const Fill&) const = default;
};

class FillLog {
 public:
  // Overwrites `path`. Errors: kInvalidArgument when it can not be written.
  static absl::StatusOr<std::unique_ptr<FillLog>> Create(const std::string& path);

  void Append(const Fill& fill);
  // Whether everything appended is in the file. Call it once, at the end.
  absl::Status Close();

 private:
  explicit FillLog(std::string path);

  const std::string path_;
  std::ofstream out_;
};

}  // namespace quorumbook::replay
