// How the daemon ends when it must not go on.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quorumbook::server {

// What is on disk is unknown now: going on could break promises, so the process ends here, with
// EXIT_FAILURE, and the next start finds out. Damage (kDataLoss) may lie where a start does not
// look: so it is told in `data_dir` (storage::MarkDamaged).
[[noreturn]] void Die(const std::string& data_dir, const absl::Status& status);

}  // namespace quorumbook::server
