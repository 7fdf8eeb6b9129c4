#include "client/replay/fill_log.h"

#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace quorumbook::replay {

FillLog::FillLog(std::string path) : path_(std::move(path)), out_(path_, std::ios::trunc) {}

absl::StatusOr<std::unique_ptr<FillLog>> FillLog::Create(const std::string& path) {
  errno = 0;
  std::unique_ptr<FillLog> log(new FillLog(path));
  if (!log->out_) {
    return absl::InvalidArgumentError(
        absl::StrCat("can not write fills to ", path, ": ", std::strerror(errno)));
  }
  log->out_ << "taker_id,maker_id,price,quantity\n";
  return log;
}

void FillLog::Append(const Fill& fill) {
  out_ << fill.taker_id << ',' << fill.maker_id << ',' << fill.price << ',' << fill.quantity
       << '\n';
}

absl::Status FillLog::Close() {
  out_.close();
  if (out_) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("fills are missing in ", path_, ": writing failed"));
}

}  // namespace quorumbook::replay
