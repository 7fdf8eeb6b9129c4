// Which id a symbol's name has on one shard, for threads beside the shard's own. Ids never change
// and symbols are never taken away, so that an answer stays right.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "exchange/types.h"

namespace quorumbook::server {

class SymbolDirectory {
 public:
  // 0 when there is no such symbol (yet).
  exchange::SymbolId Find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto it = ids_.find(absl::string_view(name.data(), name.size()));
    return it == ids_.end() ? exchange::SymbolId() : it->second;
  }
  void Add(std::string_view name, exchange::SymbolId id) {
    const std::unique_lock lock(mutex_);
    ids_.emplace(std::string(name), id);
  }

 private:
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::string, exchange::SymbolId> ids_;  // guarded by mutex_
};

}  // namespace quorumbook::server
