#include "server/store_probe.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace quorumbook::server {

StoreProbe::StoreProbe(storage::Store* store) : store_(*store) { Read(); }

void StoreProbe::Ask() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(asking_, true)) return;
  }
  boost::asio::post(thread_, [this] { Read(); });
}

void StoreProbe::Read() {
  const absl::StatusOr<storage::StoreUsage> usage = store_.Usage();
  const std::lock_guard lock(mutex_);
  asking_ = false;
  if (usage.ok()) usage_ = *usage;
}

storage::StoreUsage StoreProbe::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

}  // namespace quorumbook::server
