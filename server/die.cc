#include "server/die.h"

#include <spdlog/spdlog.h>

#include <cstdlib>

#include "storage/rocksdb_store.h"

namespace quorumbook::server {

void Die(const std::string& data_dir, const absl::Status& status) {
  spdlog::critical("stopping: {}", status.ToString());
  if (absl::IsDataLoss(status)) {
    const absl::Status marked = storage::MarkDamaged(data_dir, status);
    if (!marked.ok()) spdlog::critical("{}", marked.ToString());
  }
  spdlog::shutdown();
  std::_Exit(EXIT_FAILURE);
}

}  // namespace quorumbook::server
