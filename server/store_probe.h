// What the disk of this node says of itself, for whoever shows it: as it said last. A disk that
// hangs keeps the thread of this class waiting, and nobody else.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <string>

#include "storage/store.h"

namespace quorumbook::server {

class StoreProbe {
 public:
  // Asks once, and waits for the answer. `store`, which is in `directory`, outlives this.
  StoreProbe(storage::Store* store, std::string directory);
  // Waits for what was asked.
  ~StoreProbe() { thread_.join(); }
  StoreProbe(const StoreProbe&) = delete;
  StoreProbe& operator=(const StoreProbe&) = delete;

  // Asks anew, unless it waits for an answer. The monitor does so once a second.
  void Ask();
  // The last answer; zeros if there was none. Thread-safe, and does not wait for the disk.
  storage::StoreUsage usage() const;
  // Likewise: how many damaged stores that were set aside lie beside it.
  uint64_t set_aside() const;

 private:
  void Read();

  storage::Store& store_;
  const std::string directory_;
  mutable std::mutex mutex_;
  storage::StoreUsage usage_;  // guarded by mutex_
  uint64_t set_aside_ = 0;     // guarded by mutex_
  bool asking_ = false;        // guarded by mutex_
  boost::asio::thread_pool thread_{1};
};

}  // namespace quorumbook::server
