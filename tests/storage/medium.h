// What the stores under test write to, and what can happen to it: the same for all of them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/simulated_store.h"
#include "storage/store.h"

namespace quorumbook::storage {

// A disk that keeps what its stores write.
class Medium {
 public:
  virtual ~Medium() = default;
  virtual absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) = 0;

  // Below: REQUIRES that no store is open where it says "closed".

  // The next `operations` go through; then the power is off, in the middle of a write perhaps, and
  // whatever needs the disk fails. A write takes at least two: its bytes, and their sync.
  virtual void LosePowerAfter(uint64_t operations) = 0;
  // The power is off for a moment; then the machine starts, and all faults are gone. What was not
  // durable is lost, or with `torn` there in part, as it draws. Closed.
  virtual void LosePower(std::mt19937_64* torn) = 0;

  // No space is left but `spare` bytes, fewer than what is written next, which may fill them before
  // it is refused.
  virtual void SetFull(uint64_t spare = 0) = 0;
  virtual void FreeSpace() = 0;

  virtual void FailNextSync() = 0;

  // The process has met damage, and notes it.
  virtual void MarkDamaged() = 0;
  // Flips a bit of the record at `place`, wherever it is stored, of which `content` is a part that
  // is nowhere else. Closed.
  virtual void Damage(const RecordPlace& place, const std::string& content) = 0;
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Medium>()> make;
  // An opening of the store is itself writing, which can be interrupted.
  bool opening_writes = false;
};

// Each implementation of Store. RocksDB is over a file system that loses power, fills up and fails
// on demand (fault_injection_file_system.h); the simulated store is told by its own means.
std::vector<Implementation> Implementations();

}  // namespace quorumbook::storage
