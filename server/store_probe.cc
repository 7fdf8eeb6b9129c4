#include "server/store_probe.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "storage/rocksdb_store.h"

namespace quorumbook::server {

StoreProbe::StoreProbe(storage::Store* store, std::string directory)
    : store_(*store), directory_(std::move(directory)) {
  Read();
}

void StoreProbe::Ask() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(asking_, true)) return;
  }
  boost::asio::post(thread_, [this] { Read(); });
}

void StoreProbe::Read() {
  const absl::StatusOr<storage::StoreUsage> usage = store_.Usage();
  const uint64_t set_aside = storage::CountSetAside(directory_);
  const std::lock_guard lock(mutex_);
  asking_ = false;
  set_aside_ = set_aside;
  if (usage.ok()) usage_ = *usage;
}

storage::StoreUsage StoreProbe::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

uint64_t StoreProbe::set_aside() const {
  const std::lock_guard lock(mutex_);
  return set_aside_;
}

}  // namespace quorumbook::server
